"""What an agent's terminal face needs beside what ``kinds`` knows of the agent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.agents.agent import Agent, Wish


def _no_files(wish: Wish) -> Mapping[str, str]:  # noqa: ARG001  # none are needed
    return {}


@dataclass(frozen=True)
class Face:
    """How it is started on a terminal, and which keys a person presses there."""

    agent: Agent
    #: What is shown once it takes a prompt.
    ready: str
    argv: Callable[[Wish], Sequence[str]]
    #: Relative to HOME, beside the agent's own.
    files: Callable[[Wish], Mapping[str, str]] = _no_files
    env: Mapping[str, str] = field(default_factory=dict)
    #: Says no to a request for permission.
    deny: tuple[str, ...] = ("escape",)
    #: Stops what it does.
    stop: tuple[str, ...] = ("escape",)
    #: The situations that it has.
    situations: tuple[str, ...] = ("answer", "slow", "hang", "command", "permission", "error")
    #: Names of environment variables without which nobody is logged in.
    keys: tuple[str, ...] = ()
    #: What is shown where it wants a login.
    login: str = ""
    #: Files in the place of those, in a situation by its name.
    instead: Mapping[str, Callable[[Wish], Mapping[str, str]]] = field(default_factory=dict)
    #: What is shown where it asks whether the folder is trusted.
    trusts: str = ""
