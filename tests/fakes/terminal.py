"""A session and the terminal on it, in memory."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import anyio

from inspan.errors import IllegalTransition, InspanError, WriterTaken
from inspan.model.session import Chunk, Ended, Frame, Gap, Hit, Mark, Output, Resized, Times


class News:
    """Wakes whoever waits for anything to change."""

    def __init__(self) -> None:
        self._event: anyio.Event | None = None

    def tell(self) -> None:
        event, self._event = self._event, None
        if event is not None:
            event.set()

    async def wait(self) -> None:
        if self._event is None:
            self._event = anyio.Event()
        await self._event.wait()


@dataclass
class FakeSession:
    """One recording, and what was typed into its process."""

    data: bytearray = field(default_factory=bytearray)
    #: Where stderr is, as (start, end).
    errors: list[tuple[int, int]] = field(default_factory=list)
    sizes: list[Resized] = field(default_factory=list)
    gap: Gap | None = None
    ended: Ended | None = None
    typed: bytearray = field(default_factory=bytearray)
    input_ended: bool = False
    #: What a write is refused with, and what following it comes to.
    refuses: InspanError | None = None
    fails: InspanError | None = None
    writer: object = None
    news: News = field(default_factory=News)

    def chunks(self, offset: int, limit: int) -> tuple[Chunk, ...]:
        """What is there from ``offset`` on, at most ``limit`` bytes of it."""
        if self.gap is not None and self.gap.start <= offset < self.gap.end:
            return (Gap(offset, self.gap.end), *self.chunks(self.gap.end, limit))
        end = min(len(self.data), offset + limit, *self._bounds(offset))
        found: list[Chunk] = [size for size in self.sizes if offset <= size.offset <= end]
        if end > offset:
            err = any(start <= offset < stop for start, stop in self.errors)
            stream = "err" if err else "out"
            found.append(Output(offset, bytes(self.data[offset:end]), stream))
        if end == len(self.data) and self.ended is not None:
            found.append(self.ended)
        return tuple(found)

    def times(self, offset: int, until: int | None) -> Times:
        """All of it came at once."""
        size = len(self.data)
        last = size if until is None else min(until, size)
        marks = [Mark(1.0, min(offset, size)), *([Mark(2.0, last)] if last > offset else [])]
        shape = max(
            (s for s in self.sizes if s.offset <= offset), key=lambda s: s.offset, default=None
        )
        return Times(
            size=size,
            ended=self.ended is not None,
            began=1.0,
            until=2.0,
            marks=tuple(marks),
            cols=shape.cols if shape else 0,
            rows=shape.rows if shape else 0,
        )

    def frame(self) -> Frame:
        """The beginning, which is before every point: nothing is drawn there."""
        return Frame(offset=0, cols=80, rows=24, drawn="")

    def lines(self, name: str, text: str, case: bool) -> list[Hit]:
        """Those that hold ``text``."""
        found, end = [], 0
        lines = self.data.split(b"\n")
        shown = [re.sub(r"\x1b\[[0-9;]*m|\r", "", line.decode()) for line in lines]
        for number, line in enumerate(shown):
            end += len(lines[number]) + 1
            if (text if case else text.casefold()) in (line if case else line.casefold()):
                before, after = ["", *shown][number], [*shown, ""][number + 1]
                found.append(Hit(name, min(end, len(self.data)), 1.0, line, before, after))
        return found

    def _bounds(self, offset: int) -> list[int]:
        marks = [mark for pair in self.errors for mark in pair]
        if self.gap is not None:
            marks.append(self.gap.start)
        return [mark for mark in marks if mark > offset]


class FakeTerminal:
    """``control.Terminal``."""

    def __init__(self, session: FakeSession, offset: int) -> None:
        self.answers_from: int | None = None
        self._session = session
        self._offset = offset

    async def __aiter__(self) -> AsyncIterator[Chunk]:
        told: set[Resized] = set()
        while True:
            for chunk in self._session.chunks(self._offset, 1 << 16):
                if isinstance(chunk, Resized):
                    if chunk in told:
                        continue
                    told.add(chunk)
                yield chunk
                if isinstance(chunk, Output):
                    self._offset = chunk.offset + len(chunk.data)
                elif isinstance(chunk, Gap):
                    self._offset = chunk.end
                elif isinstance(chunk, Ended):
                    return
            if self._session.fails is not None:
                raise self._session.fails
            if self._offset == len(self._session.data) and self._session.ended is None:
                await self._session.news.wait()

    async def write(self, data: bytes) -> None:
        self._writing()
        if self._session.refuses is not None:
            raise self._session.refuses
        self._session.typed += data
        self._session.input_ended |= not data
        self._session.news.tell()

    async def resize(self, cols: int, rows: int) -> None:
        self._writing()
        self._session.sizes.append(Resized(len(self._session.data), cols, rows))
        self._session.news.tell()

    async def leave(self, shown: int) -> None:
        del shown
        if self._session.writer is self:
            self._session.writer = None

    def _writing(self) -> None:
        if self._session.writer is not self:
            raise WriterTaken("this attachment is read-only")
        if self._session.ended is not None:
            raise IllegalTransition("the session has ended")
