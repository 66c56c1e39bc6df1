"""Two agents more that nobody who writes rules for screens has looked at: the nineteenth pair.

inspan knows neither. Each speaks to the scripted model over the Chat Completions API. Their keys
and settings are from their own documentation and programs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from tests.agents.agent import KEY, Agent, Wish
from tests.agents.faces.face import Face

#: Aria Code would work in a copy of the repository and ask afterwards, and look for its updates.
ARIA_QUIET = {"ARIA_TASK_ISOLATION": "off", "ARIA_OFFLINE": "1"}


def aria_silent(wish: Wish) -> Mapping[str, str]:  # noqa: ARG001  # the same for all
    """Without what it would look up elsewhere."""
    return {".aria-code/config.json": json.dumps({"check_for_update_on_startup": False})}


def _aria_files(wish: Wish) -> Mapping[str, str]:
    provider = {
        "name": "Scripted",
        "base_url": f"{wish.base}/v1",
        "env_key": "SCRIPTED_KEY",
        "model": "scripted",
    }
    settings = {
        "llm": {"default": "scripted/scripted"},
        "model_providers": {"scripted": provider},
    }
    return {**aria_silent(wish), ".aria-code/providers.json": json.dumps(settings)}


_ARIA = Agent(
    name="aria-code",
    source="pypi",
    packages=("aria-code==0.164.0",),
    version="0.164.0",
    program="bin/aria-code",
    env=lambda wish: {"SCRIPTED_KEY": KEY, **ARIA_QUIET},  # noqa: ARG005  # the same for all
    files=_aria_files,
    modes=(),
)
ARIA = Face(
    agent=_ARIA,
    ready="",
    argv=lambda wish: [
        *("--model", "scripted/scripted"),
        *([] if wish.ask else ["--dangerously-skip-permissions"]),
    ],
    starts=12.0,
    situations=(),
    # Any other no is asked about.
    deny=("escape",),
    # What its model asks is answered by a line, which the key that sends a prompt does not end.
    leave=("\n",),
    # It refuses some commands without asking.
    through="sh -c",
    listens=9.0,
)


def _agentao_files(wish: Wish) -> Mapping[str, str]:
    """What it is to ask before, beside the commands that change something."""
    if not wish.ask:
        settings = json.dumps({"mode": "full-access"})
        return {f"../{wish.place.work.name}/.agentao/settings.json": settings}
    tools = ("write_file", "replace", "run_shell_command")
    rules = [{"tool": tool, "action": "ask"} for tool in tools]
    return {".agentao/permissions.json": json.dumps({"rules": rules})}


_AGENTAO = Agent(
    name="agentao",
    source="pypi",
    packages=("agentao[cli]==0.5.17",),
    version="0.5.17",
    program="bin/agentao",
    env=lambda wish: {
        "OPENAI_API_KEY": KEY,
        "OPENAI_BASE_URL": f"{wish.base}/v1",
        "OPENAI_MODEL": "scripted",
    },
    files=_agentao_files,
    modes=(),
)
AGENTAO = Face(
    agent=_AGENTAO,
    ready="",
    argv=lambda wish: [],  # noqa: ARG005  # its settings are in the environment
    starts=8.0,
    situations=(),
    allow=("1",),
    deny=("3",),
    leave=("enter",),
    stop=("ctrl-c",),
    listens=9.0,
    draws=15.0,
)
