"""What the tests know of an agent: how it is installed, set up, started and talked to.

It knows nothing of inspan: what inspan knows of an agent is tested against what these show.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

Json = dict[str, Any]

#: What every run is told to do; the script decides what is done.
PROMPT = 'Do what has to be done: "all" of it.\nThen say so.\n'
SECOND_PROMPT = "And what came after that?\n"
#: A key that opens nothing.
KEY = "scripted-key-0123456789-0123456789"


@dataclass(frozen=True)
class Place:
    """The folders of one run, all below ``root``, which nothing else uses."""

    root: Path

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def work(self) -> Path:
        """Where the agent works: a git repository with one commit."""
        return self.root / "work"

    @property
    def temporary(self) -> Path:
        """TMPDIR, apart: Codex distrusts a configuration below it."""
        return self.root / "tmp"

    def put(self, files: Mapping[str, str]) -> None:
        """Write these, by their names below HOME."""
        for name, text in files.items():
            file = self.home / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")


@dataclass(frozen=True)
class Wish:
    """What a run is to be. ``ask``: the agent does nothing without permission, if it knows how."""

    place: Place
    base: str
    prompt: str = PROMPT
    ask: bool = False
    resume: str | None = None


class Dialogue(Protocol):
    """Our side of a two-way protocol of JSON lines. It reads no clock, and does no I/O
    but to write the files that it is asked to.
    """

    #: True once nothing more will be said: standard input is closed then.
    over: bool
    #: The agent's own name for the conversation, as soon as it is told.
    session: str | None
    #: A question about permission is open, and is left so.
    asking: bool

    def open(self) -> Iterable[Json]: ...
    def hear(self, message: Json) -> Iterable[Json]: ...
    def interrupt(self) -> Iterable[Json]: ...


@dataclass(frozen=True)
class Talk:
    """What is said over a two-way protocol: prompts, one a turn, and one answer to all asking.

    ``allow`` of None leaves what is asked open. ``files``: the agent may have us write its files.
    """

    work: str
    prompts: tuple[str, ...] = (PROMPT,)
    allow: bool | None = True
    resume: str | None = None
    files: bool = False


@dataclass(frozen=True)
class Mode:
    """One way to start an agent. The prompt goes to standard input where ``argv`` has none."""

    name: str
    argv: Callable[[Wish], list[str]]
    prompt_in: Literal["stdin", "argv", "dialogue"]
    dialogue: Callable[[Talk], Dialogue] | None = None
    #: How to read the session's name from the lines of a one-shot run. One in plain text has none,
    #: and runs no commands.
    session: Callable[[Iterable[Json]], str | None] | None = None
    #: Where it is not the agent's usual one.
    program: str | None = None
    #: A conversation that is loaded in the minute in which it began is lost.
    loses_young_sessions: bool = False
    #: It has its client write its files, where that is offered.
    files: bool = False


@dataclass(frozen=True)
class Agent:
    """An agent's program at the one version that is tested."""

    name: str
    source: Literal["npm", "pypi"]
    packages: tuple[str, ...]
    version: str
    #: Relative to where it is installed.
    program: str
    env: Callable[[Wish], Mapping[str, str]]
    #: Relative to HOME.
    files: Callable[[Wish], Mapping[str, str]]
    modes: tuple[Mode, ...]
    #: The Python that one from PyPI runs on.
    python: str = "3.12"
    #: Whether its model is offered tools; see the endpoint.
    bare: bool = False
    #: What its identifiers look like, beside UUIDs; a group where only a part of a match varies.
    identifiers: tuple[str, ...] = ()
