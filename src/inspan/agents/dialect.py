"""How one agent is spoken to: the Protocols that each file of this room fulfils.

A ``Dialect`` is what is true of the program, and a ``Talk`` is one conversation with one process of
it: a fold over its lines, so that whoever reads the recording again comes to the same point.
Neither reads a file, starts a program or knows what time it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Protocol, runtime_checkable

from inspan.agents.handed import Handed
from inspan.agents.signs import Sign
from inspan.model.agent import Mode, Outcome
from inspan.model.task import Exit
from inspan.model.value import named_value, value


@named_value
class Turn:
    """What an agent is to do, and how."""

    prompt: str
    mode: Mode
    #: The agent's own session that it is to take up.
    resume: str | None = None
    #: Arguments for its program from the person, after ours.
    arguments: tuple[str, ...] = ()
    cwd: str = "/"
    #: The most that it may cost (US dollars), for an agent that keeps to it itself.
    cost_most: float | None = None
    #: Rules are held against what it asks for.
    ruled: bool = False


class Talk(Protocol):
    """A conversation with one process. Lines come and go without their ends."""

    @property
    def handed(self) -> Handed:
        """The prompts that it was given after the first, and how far each has got."""
        ...

    def begin(self) -> bytes:
        """What is written to its standard input first."""
        ...

    @property
    def over(self) -> bool:
        """True where nothing more will be asked of it, so that its input can be closed."""
        ...

    def heard(self, line: bytes) -> Iterable[Sign]:
        """What a line of its standard output says; nothing where it is no line of its language."""
        ...

    def sent(self, line: bytes) -> None:
        """Know that this line was written to it: by ``begin``, a reply, or one of those below."""
        ...

    def ask(self, prompt: str, key: str = "") -> bytes | None:
        """What hands it one more prompt; ``None`` where it takes none. It changes nothing.

        The lines have ``key`` in them, so that the recording tells which prompts were handed over.
        """
        ...

    def answer(self, request: str, text: str) -> bytes | None:
        """What answers its request; ``None`` where it waits for none. Raises BadInput.

        ``allow`` and ``deny`` are known to all. To be asked what one would answer changes nothing.
        """
        ...

    def interrupt(self) -> bytes | None:
        """What ends its turn; ``None`` where only a signal does."""
        ...

    def outcome(self, how: Exit, *, stopped: bool, complaint: str) -> Outcome:
        """How it ended, now that the process has.

        ``stopped``: we told it to stop. ``complaint``: the end of its standard error.
        """
        ...


@runtime_checkable
class Fed(Protocol):
    """A talk with a process that begins its work when its input has ended."""

    @property
    def fed(self) -> bool:
        """True where ``begin`` was all that it will be given: its input ends, and it works on."""
        ...


class When(StrEnum):
    """When an agent tells what it has used."""

    NEVER = "never"
    AT_END = "at_end"  #: of a turn, when nothing can be saved any more
    AS_IT_GOES = "as_it_goes"
    KEEPS = "keeps"  #: it is told the most, and ends by itself where that is reached


@value
class Tells:
    """Which budgets an agent can be held to, when it is spoken to by lines."""

    cost: When = When.NEVER
    tokens: When = When.NEVER


@runtime_checkable
class Telling(Protocol):
    """A dialect whose agent tells what it uses; of one that is none, nothing can be measured."""

    @property
    def tells(self) -> Tells:
        """What it tells, and when."""
        ...


@value
class LoginAnswer:
    """What an agent says of its login. ``final``: asking again will not help."""

    ok: bool
    message: str = ""
    final: bool = False


@runtime_checkable
class TellsLogin(Protocol):
    """A dialect whose program can be asked whether it is logged in, without a model's service."""

    @property
    def login_hint(self) -> str:
        """What a person does to log in."""
        ...

    def ask_login(self) -> tuple[str, ...]:
        """The command line that asks."""
        ...

    def login(self, how: Exit, told: bytes) -> LoginAnswer:
        """What its exit and its standard output mean."""
        ...


@value
class Adapter:
    """A second program, which speaks for an agent in one of its modes."""

    program: str
    install: str
    #: What it tells of its use there, whatever the agent tells else.
    tells: Tells = Tells()


@runtime_checkable
class HasAdapters(Protocol):
    """A dialect whose agent has one; the agent's own program has to be there too."""

    @property
    def adapters(self) -> Mapping[Mode, Adapter]:
        """By the mode that it is for."""
        ...


@runtime_checkable
class TellsVersion(Protocol):
    """A dialect whose program tells its version otherwise than by ``--version``."""

    def ask_version(self) -> tuple[str, ...]:
        """The command line that asks; empty where nothing tells it."""
        ...


@runtime_checkable
class HasSource(Protocol):
    """A dialect that does not come with inspan."""

    @property
    def source(self) -> str:
        """Where it was declared, or of which package it is."""
        ...


@runtime_checkable
class HasScreenRules(Protocol):
    """A dialect that brings rules for its screen with it."""

    @property
    def screen_rules(self) -> str | None:
        """An absolute path to them (``terminal.rulefile``); ``None``: it has none after all."""
        ...


@named_value
class OwnFolder:
    """What an agent's program keeps for itself, and has to be able to write."""

    #: Where it is in a home.
    path: str
    #: The variable that says otherwise, and where it is in the folder that this names.
    variable: str = ""
    below: str = ""
    #: It is a file, and lies in another one of these where its variable is set.
    file: bool = False
    #: What of it makes a later run of the agent run something; names of folders end with a slash.
    fixed: tuple[str, ...] = ()


@runtime_checkable
class KeepsFolders(Protocol):
    """A dialect whose program keeps something in a user's home."""

    @property
    def keeps(self) -> tuple[OwnFolder, ...]:
        """What it keeps, and where."""
        ...


class Dialect(Protocol):
    """One agent."""

    @property
    def name(self) -> str:
        """The word after ``--agent``."""
        ...

    @property
    def program(self) -> str:
        """What it is called on the PATH."""
        ...

    @property
    def install(self) -> str:
        """The command that installs it."""
        ...

    @property
    def modes(self) -> tuple[Mode, ...]:
        """How it can be spoken to, the best way first."""
        ...

    @property
    def settings(self) -> tuple[str, ...]:
        """Environment variables that it needs and that hold no secret; ``PREFIX_*`` for many."""
        ...

    @property
    def secrets(self) -> tuple[str, ...]:
        """Environment variables that hold its keys."""
        ...

    def check(self, turn: Turn) -> None:
        """Refuse what it can never be asked. Raises BadInput."""
        ...

    def argv(self, turn: Turn) -> tuple[str, ...]:
        """The command line of a process that works on ``turn``."""
        ...

    def env(self, turn: Turn) -> dict[str, str]:
        """Variables that make it fit to be supervised."""
        ...

    def talk(self, turn: Turn) -> Talk:
        """A new conversation."""
        ...


def kept_by(dialect: Dialect) -> tuple[OwnFolder, ...]:
    """What its program keeps for itself; nothing where that is not known."""
    return dialect.keeps if isinstance(dialect, KeepsFolders) else ()


def adapter_of(dialect: Dialect, mode: Mode) -> Adapter | None:
    """What speaks for its program in ``mode``; ``None`` where it does that itself."""
    return dialect.adapters.get(mode) if isinstance(dialect, HasAdapters) else None


def told_by(dialect: Dialect, mode: Mode) -> Tells:
    """What is known of its use when it is spoken to so."""
    adapter = adapter_of(dialect, mode)
    if adapter is not None:
        return adapter.tells
    if mode is not Mode.PTY and isinstance(dialect, Telling):
        return dialect.tells
    return Tells()
