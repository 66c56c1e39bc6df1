"""Two agents more that nobody who writes rules for screens has looked at: the fifteenth pair.

inspan knows neither. Each speaks to the scripted model over the Chat Completions API. Their keys
and settings are from their own documentation and programs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from tests.agents.agent import KEY, Agent, Wish
from tests.agents.faces.face import Face


def _marim_env(wish: Wish) -> Mapping[str, str]:
    return {
        "MARIM_PROVIDER": "local",
        "MARIM_BASE_URL": f"{wish.base}/v1",
        "MARIM_API_KEY": KEY,
        "MARIM_MODEL": "scripted",
        "MARIM_DEFAULT_MODE": "ask" if wish.ask else "auto",
        # It would draw its whole screen twenty times a second: too much for a recording.
        "TEXTUAL_FPS": "4",
    }


#: A provider that does not answer; of none it ends.
MARIM_NOWHERE = {
    "MARIM_PROVIDER": "local",
    "MARIM_BASE_URL": "http://127.0.0.1:9/v1",
    "MARIM_API_KEY": KEY,
    "MARIM_MODEL": "scripted",
}


def marim_servers(wish: Wish) -> Mapping[str, str]:
    """A folder with a server of its own, which it asks about."""
    servers = {"mcpServers": {"notes": {"command": "notes-server"}}}
    return {f"../{wish.place.work.name}/.marim/mcp.json": json.dumps(servers)}


_MARIM = Agent(
    name="marim",
    source="pypi",
    packages=("marim-harness==0.18.27",),
    version="0.18.27",
    program="bin/marim",
    env=_marim_env,
    files=lambda wish: {},  # noqa: ARG005  # its settings are in the environment
    modes=(),
)
MARIM = Face(
    agent=_MARIM,
    ready="",
    argv=lambda wish: [],  # noqa: ARG005  # its settings are in the environment
    starts=3.0,
    situations=(),
    allow=("a",),
    deny=("d",),
    leave=("escape",),
    draws=20.0,
    # Its title tells that it is at rest; it may be seconds behind its model.
    rested="^● ",
    # A clock on its screen goes on where it is at rest, by the second.
    rests=0.7,
)


def _edith_env(wish: Wish) -> Mapping[str, str]:
    return {
        "EDITH_API_KEY": KEY,
        "EDITH_BASE_URL": f"{wish.base}/v1",
        "EDITH_MODEL_NAME": "scripted",
    }


def _edith_trusts(wish: Wish) -> Mapping[str, str]:
    """Else it would ask for that first."""
    return {f"../{wish.place.work.name}/.edith/TRUST": ""}


_EDITH = Agent(
    name="edith",
    source="pypi",
    packages=("code-edith==26.0.7",),
    version="26.0.7",
    program="bin/edith",
    env=_edith_env,
    files=_edith_trusts,
    modes=(),
)
EDITH = Face(
    agent=_EDITH,
    ready="",
    argv=lambda wish: [],  # noqa: ARG005  # its settings are in the environment
    starts=5.0,
    situations=(),
    allow=("y", "enter"),
    deny=("n", "enter"),
    ponders=1.0,
    draws=20.0,
    patient=True,
    frail=True,
    wary=True,
)
