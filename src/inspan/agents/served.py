"""What an agent has its client do, and what came of it: the answers, in no protocol's words.

The asks are signs (``signs.FileAsked`` and its like). Nothing is done here.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol, TypeAlias, runtime_checkable

from inspan.model.task import Exit
from inspan.model.value import value


class Fault(StrEnum):
    """Why something was not done."""

    MISSING = "missing"  #: there is no such thing
    REFUSED = "refused"  #: it may not be, or is none that could be
    FAILED = "failed"  #: the system could not


@value
class NotServed:
    """It was not done, and why, for the agent's model to read."""

    fault: Fault
    why: str


@value
class FileText:
    """What was read; nothing, where it was written."""

    text: str = ""


@value
class TerminalMade:
    """Its command was started, and is called so from now on."""

    terminal: str


@value
class TerminalText:
    """The end of what its command has printed; ``truncated``: there was more before it."""

    text: str
    truncated: bool
    #: How it ended; ``None``: it runs.
    exit: Exit | None


@value
class TerminalEnded:
    """Its command has ended."""

    exit: Exit


@value
class TerminalDone:
    """Its command was killed, or forgotten."""


Served: TypeAlias = (
    FileText | TerminalMade | TerminalText | TerminalEnded | TerminalDone | NotServed
)


@runtime_checkable
class Serves(Protocol):
    """A talk whose agent has us do things: it gives ``FileAsked``, or the signs of commands."""

    def served(self, request: str, answer: Served) -> bytes | None:
        """What tells it what came of that; ``None`` where it waits for it no more."""
        ...


@runtime_checkable
class Believes(Protocol):
    """A talk to which it matters whether a person allowed a thing, or a rule."""

    def allowed_by_person(self, request: str) -> None:
        """What is answered to that next, a person says."""
        ...


@runtime_checkable
class HasTerminals(Protocol):
    """A talk whose agent has us run commands."""

    @property
    def terminals(self) -> tuple[str, ...]:
        """Those that it was told of and has not let go."""
        ...
