"""A recording as a player reads it: bytes with the moments at which they came, a part at a time.

A moment is in seconds from the beginning. It knows ``Control`` and no widget, and holds no more
than what it was asked for last, however long the recording is.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from inspan.control import Control
from inspan.model.session import Chunk, Ended, Gap, Mark, Output, Times
from inspan.tui.feed import FAR

#: Bytes of one part on the way to a moment, and the marks of time that are asked for with it.
PART: Final = 1 << 18
_MARKS: Final = 2000
#: The same where it is played: mostly a few seconds of it are looked at, and what is made of a part
#: lies in memory meanwhile, of two thousand marks a megabyte.
_PLAYED: Final = (1 << 16, 500)


@dataclass(frozen=True, slots=True)
class Item:
    """Something that came at a moment."""

    moment: float
    what: Chunk


@dataclass(frozen=True, slots=True)
class Part:
    """Items in order, and where the next part begins; ``None``: nothing follows."""

    items: tuple[Item, ...]
    next: int | None


class Recording:
    """That of one session."""

    def __init__(self, control: Control, session: str) -> None:
        self._control = control
        self.session = session
        self.size = 0
        self.length = 0.0
        self.ended = False
        self._began = 0.0
        #: Over all of it, and of which size that was.
        self._marks: Sequence[Mark] = ()
        self._marked = -1

    async def look(self) -> None:
        """Learn how long it is by now. Raises SessionNotFound."""
        # Whoever only plays it needs no marks over all of it: they take long in a long recording.
        self._learn(await self._control.times(self.session, FAR, None, 2))

    def _learn(self, told: Times) -> None:
        self.size, self.ended, self._began = told.size, told.ended, told.began
        self.length = max(0.0, told.until - told.began)

    async def offset_at(self, moment: float) -> int:
        """How much was printed until ``moment``, that moment included."""
        if moment >= self.length:
            return self.size
        if self._marked != self.size:
            told = await self._control.times(self.session, 0, None, _MARKS)
            self._learn(told)
            self._marks, self._marked = told.marks, told.size
        at = self._began + moment
        found = _before_time(self._marks, at)
        if found < 0:
            return 0
        start = self._marks[found].offset
        end = self._marks[found + 1].offset if found + 1 < len(self._marks) else self.size
        if end <= start:
            return start
        fine = (await self._control.times(self.session, start, end, _MARKS)).marks
        behind = _before_time(fine, at) + 1
        return fine[behind].offset if behind < len(fine) else end

    async def part(self, offset: int, until: int | None = None) -> Part:
        """What comes from ``offset`` on, up to ``until`` where that is nearer."""
        limit, marks = _PLAYED if until is None else (max(1, min(PART, until - offset)), _MARKS)
        chunks = await self._control.read(self.session, offset, limit)
        end = max([offset, *map(_end, chunks)])
        told = await self._control.times(self.session, offset, end, marks)
        items = tuple(item for chunk in chunks for item in self._timed(chunk, told.marks))
        over = end == offset or any(isinstance(chunk, Ended) for chunk in chunks)
        return Part(items, None if over else end)

    def _timed(self, chunk: Chunk, marks: Sequence[Mark]) -> Iterator[Item]:
        if not isinstance(chunk, Output):
            offset = chunk.size if isinstance(chunk, Ended) else _start(chunk)
            yield Item(self._moment(marks, offset), chunk)
            return
        at, end = chunk.offset, chunk.offset + len(chunk.data)
        while at < end:
            behind = _before(marks, at) + 1
            stop = min(end, marks[behind].offset) if behind < len(marks) else end
            data = chunk.data[at - chunk.offset : stop - chunk.offset]
            yield Item(self._moment(marks, at), Output(at, data, chunk.stream))
            at = stop

    def _moment(self, marks: Sequence[Mark], offset: int) -> float:
        found = _before(marks, offset)
        return max(0.0, marks[found].at - self._began) if found >= 0 else 0.0


def _before(marks: Sequence[Mark], offset: int) -> int:
    return bisect_right(marks, offset, key=lambda mark: mark.offset) - 1


def _before_time(marks: Sequence[Mark], at: float) -> int:
    return bisect_right(marks, at, key=lambda mark: mark.at) - 1


def _start(chunk: Chunk) -> int:
    return chunk.start if isinstance(chunk, Gap) else getattr(chunk, "offset", 0)


def _end(chunk: Chunk) -> int:
    if isinstance(chunk, Output):
        return chunk.offset + len(chunk.data)
    return chunk.end if isinstance(chunk, Gap) else 0
