"""Two agents more that nobody who writes rules for screens has looked at: the twenty-third pair.

inspan knows neither. Joshu speaks to the scripted model over the Chat Completions API, retie over
the Messages API. Their keys and settings are from their own documentation and programs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from tests.agents.agent import KEY, Agent, Wish
from tests.agents.faces.face import Face


def _joshu_files(wish: Wish) -> Mapping[str, str]:
    provider = {"base_url": f"{wish.base}/v1", "api_key_env": "SCRIPTED_KEY"}
    settings = {
        "provider": "scripted",
        "model": "scripted",
        "providers": {"scripted": provider},
        "permission_mode": "default" if wish.ask else "bypass",
    }
    return {".joshu/config.yaml": json.dumps(settings)}


_JOSHU = Agent(
    name="joshu",
    source="pypi",
    packages=("joshu==0.3.0",),
    version="0.3.0",
    program="bin/joshu",
    env=lambda wish: {"SCRIPTED_KEY": KEY},  # noqa: ARG005  # the same for all
    files=_joshu_files,
    modes=(),
)
JOSHU = Face(
    agent=_JOSHU,
    ready="",
    argv=lambda wish: ["interactive"],  # noqa: ARG005  # its settings are in a file
    starts=6.0,
    situations=(),
    # The last of what is offered; it then asks what to do instead, and is told nothing.
    deny=("down", "down", "enter", "enter"),
    # Escape is heard only once its model has answered.
    stop=("ctrl-c",),
)


#: More than it would copy before each command: what it cannot undo it asks about, and only that.
_HEAVY = 201 * 1024 * 1024


def _retie_files(wish: Wish) -> Mapping[str, str]:
    return {f"../{wish.place.work.name}/data.txt": "." * _HEAVY}


_RETIE = Agent(
    name="retie",
    source="pypi",
    packages=("retie[anthropic]==0.4.1",),
    version="0.4.1",
    program="bin/retie",
    env=lambda wish: {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": wish.base},
    files=_retie_files,
    modes=(),
)
#: Of its other provider no address can be told.
RETIE_WORDS = ("run", "--provider", "anthropic", "--model", "scripted")
RETIE = Face(
    agent=_RETIE,
    ready="",
    argv=lambda wish: [*RETIE_WORDS, *([] if wish.ask else ["--yes"])],
    starts=6.0,
    situations=(),
    allow=("y", "enter"),
    deny=("n", "enter"),
    stop=("ctrl-c",),
)
