"""Two agents more that nobody who writes rules for screens has looked at: the twenty-first pair.

inspan knows neither. Each speaks to the scripted model over the Chat Completions API. Their keys
and settings are from their own documentation and programs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from tests.agents.agent import KEY, Agent, Wish
from tests.agents.faces.face import Face


def _turnloop_files(wish: Wish) -> Mapping[str, str]:
    provider = {
        "kind": "openai_compat",
        "model": "scripted",
        "base_url": f"{wish.base}/v1",
        "api_key_env": "SCRIPTED_KEY",
        "caps": {"max_context": 200_000, "max_output": 8_192},
    }
    return {".turnloop/settings.json": json.dumps({"providers": {"scripted": provider}})}


_TURNLOOP = Agent(
    name="turnloop",
    source="pypi",
    packages=("turnloop==0.1.12",),
    version="0.1.12",
    program="bin/turnloop",
    env=lambda wish: {"SCRIPTED_KEY": KEY},  # noqa: ARG005  # the same for all
    files=_turnloop_files,
    modes=(),
)
TURNLOOP = Face(
    agent=_TURNLOOP,
    ready="",
    argv=lambda wish: [
        *("--provider", "scripted"),
        *("--permission-mode", "default" if wish.ask else "bypass"),
    ],
    starts=6.0,
    situations=(),
    stop=("ctrl-c",),
    draws=20.0,
)


def _windcode_files(wish: Wish) -> Mapping[str, str]:
    """It would ask its model aside what is to be remembered."""
    lines = (
        'primary_provider = "scripted"',
        "[providers.scripted]",
        'protocol = "openai_compatible"',
        'model = "scripted"',
        'api_key_env = "SCRIPTED_KEY"',
        f'base_url = "{wish.base}/v1"',
        "[memory]",
        "enabled = false",
        "",
    )
    return {".windcode/config.toml": "\n".join(lines)}


_WINDCODE = Agent(
    name="windcode",
    source="pypi",
    packages=("windcode==0.4.5",),
    version="0.4.5",
    program="bin/windcode",
    env=lambda wish: {"SCRIPTED_KEY": KEY},  # noqa: ARG005  # the same for all
    files=_windcode_files,
    modes=(),
)
WINDCODE = Face(
    agent=_WINDCODE,
    ready="",
    # In its sandbox it would run most commands unasked.
    argv=lambda wish: [
        "--no-sandbox",
        *("--permission-mode", "default" if wish.ask else "full_access"),
    ],
    starts=6.0,
    situations=(),
    # It has no key that leaves a question: the first of what is offered is taken.
    leave=("enter", "down", "enter"),
    stop=("escape", "escape"),
    draws=20.0,
    # Made smaller, its window shows what was said before, and not what it asks.
    grows=True,
)
