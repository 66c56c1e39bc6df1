"""Two agents more that nobody who writes rules for screens has looked at: the twenty-second pair.

inspan knows neither. Each speaks to the scripted model over the Chat Completions API. Their keys
and settings are from their own documentation and programs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from tests.agents.agent import KEY, Agent, Wish
from tests.agents.faces.face import Face, notes


def _jasmine_files(wish: Wish) -> Mapping[str, str]:
    lines = (f'base_url = "{wish.base}/v1"', 'model = "scripted"', f'api_key = "{KEY}"', "")
    profile = {".jasmine/profiles/scripted.toml": "\n".join(lines)}
    if wish.ask:
        return profile
    trusted = json.dumps({"prefixes": ["sleep", "seq", "for", "printf"]})
    return {**profile, f"../{wish.place.work.name}/.jasmine/trusted_commands.json": trusted}


_JASMINE = Agent(
    name="jasmine",
    source="pypi",
    packages=("jasmine-cli==0.1.1",),
    version="0.1.1",
    program="bin/jasmine",
    env=lambda wish: {},  # noqa: ARG005  # its settings are in a file
    files=_jasmine_files,
    modes=(),
)
JASMINE = Face(
    agent=_JASMINE,
    ready="",
    argv=lambda wish: ["--profile", "scripted"],  # noqa: ARG005  # the same for all
    starts=6.0,
    # It writes files by the shell.
    files=notes,
    situations=(),
    send=("\x1b\r",),
    deny=("ctrl-c",),
    stop=("ctrl-c",),
    listens=9.0,
    draws=15.0,
)


def _hubble_files(wish: Wish) -> Mapping[str, str]:
    """It would ask each model of its provider something to see whether it answers."""
    provider = {
        "base_url": f"{wish.base}/v1",
        "api_key": KEY,
        "check_models": False,
        "kind": "openai",
    }
    settings = {"provider": "scripted", "model": "scripted", "update_check": False}
    return {
        ".hubble/providers.json": json.dumps({"scripted": provider}),
        ".hubble/settings.json": json.dumps(settings),
    }


_HUBBLE = Agent(
    name="hubble",
    source="pypi",
    packages=("hubble-cli==4.3.3",),
    version="4.3.3",
    program="bin/hubble",
    env=lambda wish: {},  # noqa: ARG005  # its settings are in files
    files=_hubble_files,
    modes=(),
)
HUBBLE = Face(
    agent=_HUBBLE,
    ready="",
    argv=lambda wish: ["--permission-mode", "default" if wish.ask else "yolo"],
    starts=6.0,
    situations=(),
    # It asks what is to be done in the place of that; nothing.
    deny=("n", "enter"),
    stop=("ctrl-c",),
    # What it asked its model goes on unseen when a person stops it.
    listens=4.0,
    draws=15.0,
)
