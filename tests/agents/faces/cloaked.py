"""Two agents more that nobody who writes rules for screens has looked at: the tenth pair.

inspan knows neither. Each speaks to the scripted model over the Chat Completions API. Their keys
and settings are from their own documentation and programs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from tests.agents.agent import KEY, Agent, Wish
from tests.agents.faces.face import Face


def _janito_files(wish: Wish) -> Mapping[str, str]:
    settings = {
        "provider": "custom",
        "providers": {"custom": {"endpoint": f"{wish.base}/v1", "model": "scripted"}},
        "privileges": "rwx",
    }
    return {
        ".janito/auth.json": json.dumps({"custom": KEY}),
        ".janito/config.json": json.dumps(settings),
    }


_JANITO = Agent(
    name="janito",
    source="pypi",
    packages=("janito==4.50.0",),
    version="4.50.0",
    program="bin/janito",
    env=lambda wish: {},  # noqa: ARG005  # the same for all
    files=_janito_files,
    modes=(),
)
JANITO = Face(
    agent=_JANITO,
    ready="",
    argv=lambda wish: [],  # noqa: ARG005  # its settings are a file
    starts=12.0,
    situations=(),
    # It asks in words only, and takes words.
    allow=("the first of them", "enter"),
    deny=("ctrl-c",),
    stop=("ctrl-c",),
    ponders=4.0,
    # It is at rest at once where a person stops it, and its model is heard to its end unseen.
    listens=4.0,
)


#: What PatchPal would fetch, and print before all else.
PATCHPAL_QUIET = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "PYTHONWARNINGS": "ignore"}


def _patchpal_env(wish: Wish) -> Mapping[str, str]:
    return {
        "PATCHPAL_MODEL": "openai/scripted",
        "PATCHPAL_REQUIRE_PERMISSION": "true" if wish.ask else "false",
        "OPENAI_API_KEY": KEY,
        "OPENAI_API_BASE": f"{wish.base}/v1",
        **PATCHPAL_QUIET,
    }


_PATCHPAL = Agent(
    name="patchpal",
    source="pypi",
    packages=("patchpal==0.25.3",),
    version="0.25.3",
    program="bin/patchpal",
    env=_patchpal_env,
    files=lambda wish: {},  # noqa: ARG005  # the same for all
    modes=(),
)
PATCHPAL = Face(
    agent=_PATCHPAL,
    ready="",
    argv=lambda wish: [],  # noqa: ARG005  # its settings are in the environment
    starts=25.0,
    situations=(),
    allow=("1", "enter"),
    deny=("3", "enter"),
    leave=("2", "enter"),
    stop=("ctrl-c",),
    ponders=5.0,
    rests=2.5,
    listens=4.0,
)
