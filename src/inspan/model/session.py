"""A session: a live conversation with a process, and what can be read of it.

Bytes are addressed by their absolute offset in the recording; that is the only resume point.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from inspan.model.task import Exit


@dataclass(frozen=True, slots=True)
class Output:
    """Bytes of the recording from ``offset`` on. ``stream`` is ``out`` or, on pipes, ``err``."""

    offset: int
    data: bytes
    stream: str = "out"


@dataclass(frozen=True, slots=True)
class Gap:
    """These bytes are no longer there: the recording reached its cap and its middle was freed."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Resized:
    """From ``offset`` on the terminal has this size."""

    offset: int
    cols: int
    rows: int


@dataclass(frozen=True, slots=True)
class Ended:
    """Nothing more will come. ``exit`` is unknown where the keeper was lost."""

    size: int
    exit: Exit | None


Chunk: TypeAlias = Output | Gap | Resized | Ended


class Answers(StrEnum):
    """What a writer's terminal answers of that which the program asks; the keeper does the rest."""

    #: Nothing: the writer has no terminal, or none that could answer.
    NONE = "none"
    #: What is asked from now on.
    NEW = "new"
    #: Also what was asked behind ``offset``, as far as that is left to it: the program was started
    #: for this terminal, or this is the writer of before, who was shown all up to there.
    DUE = "due"


class Receipt(StrEnum):
    """How far something that was sent has got; each step includes the ones before it."""

    QUEUED = "queued"  #: inspan has it
    WRITTEN = "written"  #: the terminal has it
