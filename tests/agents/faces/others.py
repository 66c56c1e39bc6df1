"""Agents of which only the faces are driven: more to write general rules by.

inspan knows none of them. Each speaks to the scripted model over the Chat Completions API.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from tests.agents.agent import KEY, Agent, Wish


def _qwen_env(wish: Wish) -> Mapping[str, str]:
    return {
        "OPENAI_API_KEY": KEY,
        "OPENAI_BASE_URL": f"{wish.base}/v1",
        "OPENAI_MODEL": "scripted",
    }


def _qwen_files(wish: Wish) -> Mapping[str, str]:  # noqa: ARG001  # the same for all
    settings = {
        "security": {"auth": {"selectedType": "openai"}, "folderTrust": {"enabled": False}},
        "general": {"disableAutoUpdate": True, "disableUpdateNag": True},
        "privacy": {"usageStatisticsEnabled": False},
        "telemetry": {"enabled": False},
    }
    return {".qwen/settings.json": json.dumps(settings)}


def _continue_files(wish: Wish) -> Mapping[str, str]:
    return {
        ".continue/config.yaml": f"""\
name: scripted
version: 1.0.0
schema: v1
models:
  - name: scripted
    provider: openai
    model: scripted
    apiBase: {wish.base}/v1
    apiKey: {KEY}
    roles: [chat]
    capabilities: [tool_use]
"""
    }


QWEN = Agent(
    name="qwen",
    source="npm",
    packages=("@qwen-code/qwen-code@0.15.10",),
    version="0.15.10",
    program="node_modules/.bin/qwen",
    env=_qwen_env,
    files=_qwen_files,
    modes=(),
)
CONTINUE = Agent(
    name="continue",
    source="npm",
    packages=("@continuedev/cli@1.5.47",),
    version="1.5.47",
    program="node_modules/.bin/cn",
    env=lambda wish: {"CONTINUE_TELEMETRY_ENABLED": "0"},  # noqa: ARG005  # the same for all
    files=_continue_files,
    modes=(),
)
