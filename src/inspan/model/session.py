"""A session: a live conversation with a process, and what can be read of it.

Bytes are addressed by their absolute offset in the recording; that is the only resume point.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, TypeAlias

from inspan.errors import IllegalTransition
from inspan.model.task import Exit
from inspan.model.value import value


@value
class Output:
    """Bytes of the recording from ``offset`` on. ``stream`` is ``out`` or, on pipes, ``err``."""

    offset: int
    data: bytes
    stream: str = "out"


@value
class Gap:
    """These bytes are no longer there: the recording reached its cap and its middle was freed."""

    start: int
    end: int


@value
class Resized:
    """From ``offset`` on the terminal has this size."""

    offset: int
    cols: int
    rows: int


@value
class Ended:
    """Nothing more will come. ``exit`` is unknown where the keeper was lost."""

    size: int
    exit: Exit | None


Chunk: TypeAlias = Output | Gap | Resized | Ended


@value
class Mark:
    """The bytes from ``offset`` on came ``at`` seconds since the epoch, or later."""

    at: float
    offset: int


@value(frozen=True, kw_only=True)
class Times:
    """When what is recorded was printed: what a player needs beside the bytes."""

    #: The bytes that are recorded by now, and whether no more will come.
    size: int
    ended: bool
    #: When the recording begins, and the last moment that it knows of.
    began: float
    until: float
    #: In order. The first is in force where it was asked from, the last where it was asked to.
    marks: tuple[Mark, ...]
    #: The size of the terminal where it was asked from; 0 on pipes.
    cols: int = 0
    rows: int = 0


@value(frozen=True, kw_only=True)
class Frame:
    """A terminal as it was when ``offset`` bytes had come.

    ``drawn`` on an empty terminal of this size, and then the recording from ``offset`` on, is what
    the whole of it shows.
    """

    offset: int
    cols: int
    rows: int
    drawn: str
    #: It is read so far only; who asks again gets one that is nearer to what was asked for.
    more: bool = False


@value
class Hit:
    """A line that was printed and holds what was searched for, without escape sequences.

    ``offset`` is the end of it in the recording, ``at`` when it came.
    """

    session: str
    offset: int
    at: float
    line: str
    #: The lines around it, where they are near.
    before: str = ""
    after: str = ""


@value(frozen=True, kw_only=True)
class Wanted:
    """What is searched for in recordings, and how many lines of it are enough."""

    text: str
    case: bool
    most: int


@value
class Hits:
    """What was found so far; ``next`` says where to search on, ``None`` that this was all."""

    hits: tuple[Hit, ...]
    next: str | None = None


class Answers(StrEnum):
    """What a writer's terminal answers of that which the program asks; the keeper does the rest."""

    #: Nothing: the writer has no terminal, or none that could answer.
    NONE = "none"
    #: What is asked from now on.
    NEW = "new"
    #: Also what was asked behind ``offset``, as far as that is left to it: the program was started
    #: for this terminal, or this is the writer of before, who was shown all up to there.
    DUE = "due"


class CodeState(StrEnum):
    """Where a session of Python code is in its life."""

    CREATED = "created"  #: it has an id and nothing else
    STARTING = "starting"  #: its process was asked for and has not said that it is ready
    READY = "ready"  #: no cell waits or runs
    BUSY = "busy"  #: a cell runs, or waits for its turn
    TERMINATED = "terminated"  #: over; the session says why


#: state → the states that may follow it.
CODE_TABLE: Final[dict[CodeState, frozenset[CodeState]]] = {
    CodeState.CREATED: frozenset({CodeState.STARTING, CodeState.TERMINATED}),
    CodeState.STARTING: frozenset({CodeState.READY, CodeState.BUSY, CodeState.TERMINATED}),
    CodeState.READY: frozenset({CodeState.BUSY, CodeState.TERMINATED}),
    CodeState.BUSY: frozenset({CodeState.READY, CodeState.TERMINATED}),
    CodeState.TERMINATED: frozenset(),
}


def follow(now: CodeState, then: CodeState) -> CodeState:
    """The next state of a code session. Raises IllegalTransition."""
    if then not in CODE_TABLE[now]:
        raise IllegalTransition(f"A code session that is {now} cannot become {then}.")
    return then
