"""Two agents more that nobody who writes rules for screens has looked at: the twentieth pair.

inspan knows neither. Each speaks to the scripted model over the Chat Completions API. Their keys
and settings are from their own documentation and programs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from tests.agents.agent import KEY, Agent, Wish
from tests.agents.faces.face import Face


def _pairwit_env(wish: Wish) -> Mapping[str, str]:
    said = {
        "PAIRWIT_PROVIDER": "custom",
        "PAIRWIT_BASE_URL": f"{wish.base}/v1",
        "PAIRWIT_API_KEY": KEY,
        "PAIRWIT_MODEL": "scripted",
    }
    return said if wish.ask else {**said, "PAIRWIT_ASK_TOOLS": "0"}


_PAIRWIT = Agent(
    name="pairwit",
    source="pypi",
    packages=("pairwit==0.0.14",),
    version="0.0.14",
    program="bin/pairwit",
    env=_pairwit_env,
    files=lambda wish: {},  # noqa: ARG005  # the same for all
    modes=(),
)
PAIRWIT = Face(
    agent=_PAIRWIT,
    ready="",
    argv=lambda wish: [],  # noqa: ARG005  # its settings are in the environment
    starts=8.0,
    situations=(),
    # What is typed goes into a field that is out of sight, until its prompt is gone to.
    greets=("shift-tab", "shift-tab"),
    allow=("1",),
    deny=("n",),
    listens=9.0,
    # It draws all of an answer again with each word, and may be far behind its model.
    draws=60.0,
    # What the turn took stands last above its prompt, once the turn is over.
    rested=r"^ +.*(sent|received|total|\$|rounds?|tools?)\b[^─\n]*\n([ ▁-█]*\n)*─{40}",
)


def _pooh_files(wish: Wish) -> Mapping[str, str]:
    settings = {
        "model_name": "scripted",
        "openai_api_base": f"{wish.base}/v1",
        "openai_api_key": KEY,
        "require_command_approval": wish.ask,
    }
    folder = f"../{wish.place.work.name}/workplace/runtime/config"
    return {f"{folder}/settings.json": json.dumps(settings)}


_POOH = Agent(
    name="pooh-code",
    source="pypi",
    packages=("pooh-code==2.0.0",),
    version="2.0.0",
    program="bin/pooh-code",
    env=lambda wish: {},  # noqa: ARG005  # its settings are in a file
    files=_pooh_files,
    modes=(),
)
POOH = Face(
    agent=_POOH,
    ready="",
    argv=lambda wish: [],  # noqa: ARG005  # its settings are in a file
    starts=6.0,
    situations=(),
    allow=("y", "enter"),
    deny=("n", "enter"),
    # The key that would stop it ends it.
    patient=True,
    listens=9.0,
    frail=True,
)
