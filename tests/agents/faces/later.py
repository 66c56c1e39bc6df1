"""Two agents more to write general rules by, as unlike as Ink and Textual, which they draw with.

inspan knows neither. Each speaks to the scripted model over the Chat Completions API.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from tests.agents.agent import KEY, Agent, Wish


def _grok_files(wish: Wish) -> Mapping[str, str]:
    settings = {
        "apiKey": KEY,
        "baseURL": f"{wish.base}/v1",
        "defaultModel": "scripted",
        "models": ["scripted"],
        "settingsVersion": 2,
    }
    return {".grok/user-settings.json": json.dumps(settings)}


def _deepagents_files(wish: Wish) -> Mapping[str, str]:  # noqa: ARG001  # the same for all
    """Else it would ask whether it may really go on unasked."""
    known = {"version": 1, "policy_version": "2026-07-14", "acknowledged": True}
    return {".deepagents/.state/approval.json": json.dumps(known)}


GROK = Agent(
    name="grok",
    source="npm",
    packages=("@vibe-kit/grok-cli@0.0.34",),
    version="0.0.34",
    program="node_modules/.bin/grok",
    env=lambda wish: {"GROK_MODEL": "scripted"},  # noqa: ARG005  # the same for all
    files=_grok_files,
    modes=(),
)
DEEPAGENTS = Agent(
    name="deepagents",
    source="pypi",
    packages=("deepagents-code==0.1.88",),
    version="0.1.88",
    program="bin/dcode",
    env=lambda wish: {
        "OPENAI_API_KEY": KEY,
        "OPENAI_BASE_URL": f"{wish.base}/v1",
        "DEEPAGENTS_CODE_OFFLINE": "1",
        "DEEPAGENTS_CODE_AUTO_UPDATE": "0",
        "DEEPAGENTS_CODE_ONBOARDING": "0",
        "DEEPAGENTS_CODE_RIPGREP_INSTALLER": "system",
    },
    files=_deepagents_files,
    modes=(),
)
