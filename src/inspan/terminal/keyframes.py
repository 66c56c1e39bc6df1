"""What a terminal showed at any point of a recording, exactly, and not played from the beginning.

What is drawn at a point may come from the first byte of it. So it is read once from there, and the
state of the emulator is kept every so often; from then on, the way to a point is a short one. One
call reads a bounded part. It knows the recording through ``playback`` alone.
"""

from __future__ import annotations

import re
import zlib
from bisect import bisect_right
from collections.abc import Iterator
from typing import Final

from inspan.errors import BadInput
from inspan.model.session import Frame, Gap, Output, Resized
from inspan.model.value import value
from inspan.terminal.marks import Marks
from inspan.terminal.playback import Playback
from inspan.terminal.screen import Redrawing, bounded

#: The most bytes that one call reads.
PART: Final = 1 << 21
#: A state is kept each time so many bytes were read, at first; and twice as many each time that
#: there are too many of them.
STEP: Final = 1 << 18
KEPT_MOST: Final = 64
_READ: Final = 1 << 16
#: So near to what was asked for it is looked where no sequence is begun, some lines at a time.
_NEAR: Final = 1 << 12
_PIECE: Final = 1 << 8
_LINE: Final = re.compile(rb"[^\n]*\n|[^\n]+\Z")
#: What a recording without a size is drawn on.
_COLUMNS, _ROWS = 80, 24


@value(frozen=True)
class _Kept:
    """The state at ``offset``, as small as it gets."""

    offset: int
    cols: int
    rows: int
    state: bytes


class _Terminal:
    """An emulator at a place of the recording."""

    def __init__(self, emulator: Redrawing, offset: int, cols: int, rows: int) -> None:
        self.offset = offset
        self.cols, self.rows = cols, rows
        self._emulator = emulator
        self._marks = Marks()
        self._last = 0

    @property
    def rests(self) -> bool:
        """Neither a sequence nor a character is begun."""
        return self._last < 0x80 and self._marks.resting and self._emulator.resting()

    def feed(self, data: bytes) -> None:
        self._emulator.feed(self._marks.feed(data))
        self.offset += len(data)
        self._last = data[-1]

    def resize(self, cols: int, rows: int) -> None:
        self.cols, self.rows = bounded(cols, rows)
        self._emulator.resize(self.cols, self.rows)

    def frame(self, *, more: bool) -> Frame:
        drawn = self._emulator.drawn()
        return Frame(offset=self.offset, cols=self.cols, rows=self.rows, drawn=drawn, more=more)

    def kept(self) -> _Kept:
        state = zlib.compress(self._emulator.kept(), 1)
        return _Kept(self.offset, self.cols, self.rows, state)

    def close(self) -> None:
        self._emulator.close()


class Keyframes:
    """One recording; for one thread at a time. ``kind`` is made with columns and rows."""

    def __init__(self, playback: Playback, kind: type[Redrawing]) -> None:
        self._playback = playback
        self._kind = kind
        self._kept: list[_Kept] = []
        self._step = STEP

    def frame(self, offset: int) -> Frame:
        """The last one there is at ``offset`` or before it, as far as one call reads.

        Raises SessionNotFound, BadInput.
        """
        if offset < 0:
            raise BadInput("an offset is 0 or more")
        offset = min(offset, self._playback.size)
        terminal = self._nearest(offset)
        try:
            end = min(offset, terminal.offset + PART)
            found = terminal.frame(more=end < offset)
            for near in self._read(terminal, end):
                if near:
                    found = terminal.frame(more=end < offset)
            return found
        finally:
            terminal.close()

    def _nearest(self, offset: int) -> _Terminal:
        place = bisect_right(self._kept, offset, key=lambda kept: kept.offset)
        if place:
            kept = self._kept[place - 1]
            emulator = self._kind(kept.cols, kept.rows, zlib.decompress(kept.state))
            return _Terminal(emulator, kept.offset, kept.cols, kept.rows)
        size = self._playback.size_at(0)
        cols, rows = bounded(size.cols, size.rows) if size else (_COLUMNS, _ROWS)
        return _Terminal(self._kind(cols, rows), 0, cols, rows)

    def _read(self, terminal: _Terminal, end: int) -> Iterator[bool]:
        """Go on to ``end``; after each step that ends at rest, whether it is near the end."""
        while terminal.offset < end:
            before = terminal.offset
            limit = min(_READ, max(end - _NEAR - before, min(_NEAR, end - before)))
            for chunk in self._playback.read(before, limit):
                if isinstance(chunk, Resized):
                    terminal.resize(chunk.cols, chunk.rows)
                elif isinstance(chunk, Gap):
                    terminal.offset = chunk.end
                elif isinstance(chunk, Output):
                    for piece in _pieces(chunk.data, near=terminal.offset >= end - _NEAR):
                        terminal.feed(piece)
                        if terminal.rests:
                            self._keep(terminal)
                            yield terminal.offset >= end - _NEAR
            if terminal.offset == before:
                return

    def _keep(self, terminal: _Terminal) -> None:
        last = self._kept[-1].offset if self._kept else 0
        if terminal.offset < last + self._step:
            return
        self._kept.append(terminal.kept())
        if len(self._kept) > KEPT_MOST:
            self._step *= 2
            self._kept = self._kept[1::2]


def _pieces(data: bytes, *, near: bool) -> Iterator[bytes]:
    if not near:
        yield data
        return
    at = 0
    for line in _LINE.finditer(data):
        if line.end() - at >= _PIECE or line.end() == len(data):
            yield data[at : line.end()]
            at = line.end()
