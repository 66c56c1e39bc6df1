"""Two agents more that nobody who writes rules for screens has looked at: the seventeenth pair.

inspan knows neither. Each speaks to the scripted model over the Chat Completions API. Their keys
and settings are from their own documentation and programs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from tests.agents.agent import KEY, Agent, Wish
from tests.agents.faces.face import Face

#: It would draw its whole screen many times a second: too much for a recording.
VAGUE_SLOW = {"TEXTUAL_FPS": "2"}

_VAGUE = Agent(
    name="vague-code",
    source="pypi",
    packages=("vague-code==0.1.22",),
    version="0.1.22",
    program="bin/vague-code",
    env=lambda wish: {"SCRIPTED_KEY": KEY, **VAGUE_SLOW},  # noqa: ARG005  # the same for all
    files=lambda wish: {},  # noqa: ARG005  # its settings are on the command line
    modes=(),
)
VAGUE = Face(
    agent=_VAGUE,
    ready="",
    argv=lambda wish: [
        *("tui", "--base-url", f"{wish.base}/v1", "--api-key-env", "SCRIPTED_KEY"),
        *("--model", "scripted", "--mode", "normal" if wish.ask else "auto"),
    ],
    starts=3.0,
    situations=(),
    allow=("y",),
    deny=("n",),
    stop=("escape", "escape"),
    # Told to stop, it waits for its model all the same.
    listens=4.0,
    ponders=3.0,
    draws=30.0,
    # What it says may be below what is shown of it, once its window was another.
    rested=r"^\s*(done|error) ",
    # In each of its modes it asks before a command that it does not know.
    wary=True,
    # In a small window what its question asks may be out of sight.
    grows=True,
)


def _mycode_files(wish: Wish) -> Mapping[str, str]:
    provider = {
        "type": "openai_chat",
        "api_key": KEY,
        "base_url": f"{wish.base}/v1",
        "models": {"scripted": {}},
    }
    permission = {"level": "readonly" if wish.ask else "yolo", "mode": "ask"}
    settings = {"providers": {"scripted": provider}, "permission": permission}
    return {".mycode/config.json": json.dumps(settings)}


_MYCODE = Agent(
    name="mycode-cli",
    source="pypi",
    packages=("mycode-cli==0.21.0",),
    version="0.21.0",
    program="bin/mycode",
    env=lambda wish: {},  # noqa: ARG005  # its settings are a file
    files=_mycode_files,
    modes=(),
)
MYCODE = Face(
    agent=_MYCODE,
    ready="",
    argv=lambda wish: [],  # noqa: ARG005  # its settings are a file
    starts=5.0,
    situations=(),
    draws=20.0,
)
