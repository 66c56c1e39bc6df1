"""Two agents that rules for screens were measured on before anybody who writes rules had seen them.

inspan knows none of them. Their keys and settings are from their own documentation.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from tests.agents.agent import KEY, Agent, Wish
from tests.agents.faces.face import Face, notes


def _copilot_env(wish: Wish) -> Mapping[str, str]:
    return {
        "COPILOT_PROVIDER_BASE_URL": f"{wish.base}/v1",
        "COPILOT_PROVIDER_API_KEY": KEY,
        "COPILOT_MODEL": "scripted",
        "COPILOT_PROVIDER_MAX_PROMPT_TOKENS": "128000",
        "COPILOT_PROVIDER_MAX_OUTPUT_TOKENS": "16000",
        "COPILOT_OFFLINE": "true",
        "COPILOT_AUTO_UPDATE": "false",
    }


def _copilot_files(wish: Wish) -> Mapping[str, str]:
    return {
        ".copilot/config.json": json.dumps({"trustedFolders": [str(wish.place.work)]}),
        ".copilot/settings.json": json.dumps({"banner": "never"}),
    }


_COPILOT = Agent(
    name="copilot",
    source="npm",
    packages=("@github/copilot@1.0.102",),
    version="1.0.102",
    program="node_modules/.bin/copilot",
    env=_copilot_env,
    files=_copilot_files,
    modes=(),
)
COPILOT = Face(
    agent=_COPILOT,
    ready="",
    argv=lambda wish: [] if wish.ask else ["--yolo"],
    files=notes,
    starts=14.0,
    situations=(),
    # Escape, pressed twice, would give the prompt back to be edited.
    stop=("ctrl-c",),
    ponders=4.0,
)


def _openhands_env(wish: Wish) -> Mapping[str, str]:
    return {
        "LLM_API_KEY": KEY,
        "LLM_BASE_URL": f"{wish.base}/v1",
        "LLM_MODEL": "openai/scripted",
        **OPENHANDS_QUIET,
    }


#: What it prints before its screen, and would fetch.
OPENHANDS_QUIET = {
    "OPENHANDS_SUPPRESS_BANNER": "1",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "PYTHONWARNINGS": "ignore",
}
_OPENHANDS = Agent(
    name="openhands",
    source="pypi",
    packages=("openhands==1.16.0",),
    version="1.16.0",
    program="bin/openhands",
    env=_openhands_env,
    files=lambda wish: {},  # noqa: ARG005  # the same for all
    modes=(),
)
OPENHANDS = Face(
    agent=_OPENHANDS,
    ready="",
    argv=lambda wish: ["--override-with-envs", *([] if wish.ask else ["--yolo"])],
    files=notes,
    starts=30.0,
    situations=(),
    deny=("down", "enter"),
    ponders=5.0,
    rests=4.0,
    patient=True,
    grows=True,
)
