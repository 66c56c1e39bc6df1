"""Reads a recording, while it grows or after: bytes by offset, or moments in the order of time.

The format is ``keeper.recording``'s. The raw file may be larger than memory and is never read
whole; of the index only what is not plain output is kept. Nothing here writes, and nothing here
knows what a task is.

Two rules hold it together. The size is taken before the index is read, so that a keeper that
notes a change of stream before it writes the bytes is always understood. And the index is read
again after the bytes, so that a middle freed meanwhile is told as a gap and not as zeros.
"""

from __future__ import annotations

import os
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeAlias

from inspan.errors import BadInput, SessionNotFound
from inspan.keeper.recording import INDEX, INPUT, RAW, RECORD, Record, unpack
from inspan.model.session import Chunk, Ended, Gap, Output, Resized
from inspan.model.task import Exit
from inspan.model.value import value

#: The most bytes one read returns, whatever was asked for.
READ_MOST: Final = 1 << 20
#: The most bytes of one moment of the timeline.
MOMENT_MOST: Final = 1 << 16
#: How many index records are read at a time.
_BATCH: Final = 1 << 13
#: Where the letter of a record lies in it.
_KIND_AT: Final = 16
#: A gap, which is told with the offset of what is gone; and records that are no stamps of output.
_MARK: Final = ord("m")
_NO_STAMPS: Final = frozenset(b"mi")
#: Runs of one stream, or any other single record, in a string of letters.
_RUNS: Final = re.compile(rb"o+|e+|.", re.DOTALL)
#: The streams by the letter of their records.
STREAMS: Final = {"o": "out", "e": "err"}


@value(frozen=True)
class Typed:
    """What was typed; recorded only where it was asked for."""

    data: bytes


@value(frozen=True)
class Moment:
    """Something that happened ``at`` seconds since the epoch."""

    at: float
    what: Chunk | Typed


_Stop: TypeAlias = tuple[int, int, Gap | Resized | str]


class Playback:
    """One recording. Cheap to make; holds no open file between calls; for one thread at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known = 0  # bytes of the index that were understood
        self._began: float | None = None
        self._switches: list[int] = []  # offsets at which the stream changes
        self._streams: list[str] = []  # what it changes to
        self._resizes: list[Resized] = []
        self._gaps: list[Gap] = []  # in order, never touching
        self._exit: Exit | None = None
        self._ended = False

    @property
    def size(self) -> int:
        """Bytes recorded by now, freed ones included. Raises SessionNotFound."""
        with self._open(RAW) as raw:
            self.refresh()
            return self._size(raw)

    @property
    def ended(self) -> bool:
        """True where the process has ended and its output is complete."""
        self.refresh()
        return self._ended

    @property
    def exit(self) -> Exit | None:
        """How the process ended; ``None`` where it runs or that was never learned."""
        self.refresh()
        return self._exit

    @property
    def began(self) -> float | None:
        """When the first record was written, in seconds since the epoch."""
        self.refresh()
        return self._began

    @property
    def latest(self) -> float:
        """When the last record was written that there is by now, in seconds since the epoch."""
        with self._open(INDEX) as index:
            whole = os.fstat(index).st_size // RECORD.size * RECORD.size
            found = unpack(os.pread(index, RECORD.size, max(0, whole - RECORD.size)))
        return found[0].at if found else 0.0

    def size_at(self, offset: int) -> Resized | None:
        """The size of the terminal in force at ``offset``; ``None`` on pipes."""
        self.refresh()
        found = bisect_right(self._resizes, offset, key=lambda resized: resized.offset)
        return self._resizes[found - 1] if found else None

    def read(self, offset: int, limit: int) -> tuple[Chunk, ...]:
        """What is recorded from ``offset`` on, at most ``limit`` bytes; does not wait.

        A change of size at the offset where a read stops belongs to the read that goes on from
        there. The last chunk is ``Ended`` where nothing more comes.
        Raises SessionNotFound, BadInput.
        """
        if offset < 0 or limit < 1:
            raise BadInput("an offset is 0 or more, and a limit 1 or more")
        with self._open(RAW) as raw:
            before = self._size(raw)
            self.refresh()
            ended = self._ended
            # Once the end was seen, nothing is added.
            size = self._size(raw) if ended else max(before, self._lost_until())
            end = self._reach(offset, min(limit, READ_MOST), size)
            there = self._has_bytes(offset, end)
            data = os.pread(raw, end - offset, offset) if there else b""
            self.refresh()
        if there and len(data) < end - offset:
            # The machine went down before these bytes were on the disk, but not what came later.
            self._gaps = _joined(self._gaps, Gap(offset + len(data), end))
        chunks = self._cut(offset, end, data)
        if ended and end >= size:
            chunks.extend(item for item in self._resizes if item.offset >= max(offset, end))
            chunks.append(Ended(size, self._exit))
        return tuple(chunks)

    def timeline(self) -> Iterator[Moment]:
        """Everything in the order in which it happened, read as it is taken."""
        with self._open(RAW) as raw, self._open(INDEX) as index:
            self.refresh()
            size = self._size(raw)
            typed = 0
            pending: Record | None = None
            for record in _records(index, size):
                if pending is not None and record.kind != "m":
                    until = min(record.offset, size)
                    yield from self._printed(raw, pending, until)
                    until = max(pending.offset, until)
                    pending = pending._replace(offset=until, at=max(pending.at, record.at))
                if record.kind in STREAMS:
                    pending = record
                elif record.kind == "r":
                    yield Moment(record.at, Resized(record.offset, record.a, record.b))
                elif record.kind == "i":
                    yield Moment(record.at, Typed(self._typed(typed, record.a)))
                    typed += record.a
                elif record.kind == "x":
                    yield Moment(record.at, Ended(size, _exit(record)))
            if pending is not None:
                yield from self._printed(raw, pending, size)

    def stamps(self, offset: int = 0, until: int | None = None) -> Iterator[tuple[float, int]]:
        """The moments and offsets of the index from the one in force at ``offset`` on.

        Up to the first at ``until`` or behind it. What lies before is passed over block by block.
        """
        before: tuple[float, int] | None = None
        with self._open(INDEX) as index:
            for block in _blocks(index):
                at, where, kind, _, _ = RECORD.unpack_from(block, len(block) - RECORD.size)
                if kind != _MARK and where < offset:
                    before = at, where
                    continue
                for at, where, kind, _, _ in RECORD.iter_unpack(block):
                    if kind in _NO_STAMPS:
                        continue
                    if where < offset:
                        before = at, where
                        continue
                    if before is not None and where > offset:
                        yield before
                    before = None
                    yield at, where
                    if until is not None and where >= until:
                        return
        if before is not None:
            yield before

    def refresh(self) -> None:
        """Read what was added to the index. Raises SessionNotFound where there is none."""
        with self._open(INDEX) as index:
            while block := os.pread(index, _BATCH * RECORD.size, self._known):
                whole = len(block) - len(block) % RECORD.size
                if not whole:
                    return
                self._learn(block[:whole])
                self._known += whole

    # ── the index ─────────────────────────────────────────────────────────────

    def _learn(self, block: bytes) -> None:
        for run in _RUNS.finditer(block[_KIND_AT :: RECORD.size]):
            start = run.start() * RECORD.size
            record = unpack(block[start : start + RECORD.size])[0]
            if self._began is None:
                self._began = record.at
            self._note(record)

    def _note(self, record: Record) -> None:
        if record.kind in STREAMS:
            stream = STREAMS[record.kind]
            if not self._streams or self._streams[-1] != stream:
                self._switches.append(record.offset)
                self._streams.append(stream)
        elif record.kind == "r":
            self._resizes.append(Resized(record.offset, record.a, record.b))
        elif record.kind == "m":
            self._gaps = _joined(self._gaps, _gap(record))
        elif record.kind == "x":
            self._ended, self._exit = True, _exit(record)

    def _lost_until(self) -> int:
        return self._gaps[-1].end if self._gaps else 0

    # ── the bytes ─────────────────────────────────────────────────────────────

    def _size(self, raw: int) -> int:
        """Bytes recorded: the file ends before those that the disk had no room for."""
        return max(os.fstat(raw).st_size, self._lost_until())

    def _reach(self, offset: int, limit: int, size: int) -> int:
        """Where a read from ``offset`` ends: ``limit`` bytes on, or at the far side of a gap."""
        for gap in self._gaps:
            if gap.start <= offset < gap.end:
                return max(min(gap.end, size), offset)
            if offset < gap.start:
                return max(min(offset + limit, gap.start, size), offset)
        return max(min(offset + limit, size), offset)

    def _has_bytes(self, offset: int, end: int) -> bool:
        return end > offset and not any(gap.start <= offset < gap.end for gap in self._gaps)

    def _cut(self, offset: int, end: int, data: bytes) -> list[Chunk]:
        """``data``, which begins at ``offset``, as chunks up to ``end``."""
        chunks: list[Chunk] = []
        at = offset
        for stop, until, what in self._stops(offset, end):
            if stop > at:
                chunks.append(Output(at, data[at - offset : stop - offset], self._stream(at)))
            at = max(at, until)
            if not isinstance(what, str):
                chunks.append(what)
        if end > at:
            chunks.append(Output(at, data[at - offset : end - offset], self._stream(at)))
        return chunks

    def _stops(self, offset: int, end: int) -> list[_Stop]:
        """Where output is interrupted in [offset, end): (where, where it goes on, by what)."""
        first = bisect_left(self._resizes, offset, key=lambda resized: resized.offset)
        last = bisect_left(self._resizes, end, key=lambda resized: resized.offset)
        stops: list[_Stop] = [
            (item.offset, item.offset, item) for item in self._resizes[first:last]
        ]
        first, last = bisect_right(self._switches, offset), bisect_left(self._switches, end)
        stops += [(at, at, "switch") for at in self._switches[first:last]]
        for gap in self._gaps:
            start, stop = max(gap.start, offset), min(gap.end, end)
            if start < stop:
                stops.append((start, stop, Gap(start, stop)))
        return sorted(stops, key=lambda stop: stop[:2])

    def _stream(self, offset: int) -> str:
        found = bisect_right(self._switches, offset)
        return self._streams[found - 1] if found else "out"

    def _printed(self, raw: int, record: Record, end: int) -> Iterator[Moment]:
        at = record.offset
        while at < end:
            until = min(self._reach(at, MOMENT_MOST, end), end)
            if not self._has_bytes(at, until):
                yield Moment(record.at, Gap(at, until))
            elif data := os.pread(raw, until - at, at):
                yield Moment(record.at, Output(at, data, STREAMS[record.kind]))
            at = until

    def _typed(self, offset: int, size: int) -> bytes:
        try:
            with self._open(INPUT) as typed:
                return os.pread(typed, min(size, READ_MOST), offset)
        except SessionNotFound:
            return b""

    @contextmanager
    def _open(self, name: str) -> Iterator[int]:
        """A file of the recording; neither it nor its folder may be a link to elsewhere."""
        try:
            folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                opened = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise SessionNotFound(f"There is no recording {self._folder.name}.") from error
        try:
            yield opened
        finally:
            os.close(opened)


def _blocks(index: int) -> Iterator[bytes]:
    """The whole records of the index, a batch at a time."""
    at = 0
    while block := os.pread(index, _BATCH * RECORD.size, at):
        whole = len(block) - len(block) % RECORD.size
        if not whole:
            return
        yield block[:whole]
        at += whole


def _records(index: int, size: int) -> Iterator[Record]:
    """The records of the index, a batch at a time; output beyond ``size`` is not there yet."""
    at = 0
    while block := os.pread(index, _BATCH * RECORD.size, at):
        records = unpack(block)
        if not records:
            return
        yield from (item for item in records if item.offset <= size or item.kind not in STREAMS)
        at += len(records) * RECORD.size


def _exit(record: Record) -> Exit:
    return Exit(signal=record.b) if record.b else Exit(code=record.a)


def _gap(record: Record) -> Gap:
    return Gap(record.offset, record.offset + (record.a << 32) + record.b)


def _joined(gaps: list[Gap], new: Gap) -> list[Gap]:
    """``gaps`` with ``new`` in its place, merged with those it touches."""
    apart = [gap for gap in gaps if gap.end < new.start or new.end < gap.start]
    touching = [gap for gap in gaps if gap not in apart]
    start = min([new.start, *(gap.start for gap in touching)])
    end = max([new.end, *(gap.end for gap in touching)])
    return sorted([*apart, Gap(start, end)], key=lambda gap: gap.start)
