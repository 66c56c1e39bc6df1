"""pyte, in plain Python: for machines that have no wheel of the native one.

It is fifty times slower, or worse, and fails on sequences of other programs. So it is fed only when
somebody looks, with the last of what came, one sequence at a time; one that it fails on is passed
over. The alternate screen, which it does not know, is kept here.
"""

from __future__ import annotations

import re
from collections import deque
from contextlib import suppress
from copy import copy
from typing import Any, Final

from pyte import ByteStream, Screen

NAME: Final = "pyte"

#: The most bytes that wait to be drawn; before them, output is passed over. At half a megabyte a
#: second, a look takes a tenth of a second at most.
PENDING_MOST: Final = 1 << 15
_SEQUENCES: Final = re.compile(rb"\x1b?[^\x1b]*")
#: Where output may be taken up in the middle: at a sequence or on a line of its own.
_FRESH: Final = re.compile(rb"[\x1b\n]")
#: A sequence that is not all there yet.
_BEGUN: Final = re.compile(rb"\x1b(?:[()]|\[[0-?]*[ -/]*)?\Z")
#: Underlines of several kinds, which it would print.
_COLONS: Final = re.compile(rb"\x1b\[[0-9;:]*:[0-9;:]*m")
#: Line drawing, which it passes over in UTF-8.
_CHARSET: Final = re.compile(rb"\x1b([()])([0B])")
_ALTERNATE: Final = frozenset({47, 1047, 1049})


class Drawn(Screen):
    """A screen with an alternate one; sequences for terminals of another make do nothing."""

    kept: tuple[dict[int, Any], Any] | None = None

    def __init__(self, cols: int, rows: int, history: int = 0) -> None:
        #: The lines that have scrolled away, the oldest first; how many of them are kept no more.
        self.gone: deque[Any] = deque(maxlen=history)
        self.lost = 0
        super().__init__(cols, rows)

    def index(self) -> None:
        top, bottom = self.margins or (0, self.lines - 1)
        if self.cursor.y == bottom and top == 0 and self.kept is None and self.gone.maxlen:
            self.lost += len(self.gone) == self.gone.maxlen
            self.gone.append(self.buffer[0])
        super().index()

    def set_mode(self, *modes: int, **how: Any) -> None:
        if how.get("private") and _ALTERNATE.intersection(modes) and self.kept is None:
            self.kept = (dict(self.buffer), copy(self.cursor))
            self.buffer.clear()
        super().set_mode(*modes, **how)

    def reset_mode(self, *modes: int, **how: Any) -> None:
        super().reset_mode(*modes, **how)
        if how.get("private") and _ALTERNATE.intersection(modes) and self.kept is not None:
            lines, cursor = self.kept
            self.kept = None
            self.buffer.clear()
            self.buffer.update(lines)
            self.cursor = cursor
            self.ensure_hbounds()
            self.ensure_vbounds()

    def select_graphic_rendition(self, *attributes: int, **how: Any) -> None:
        if not how:
            super().select_graphic_rendition(*attributes)

    def report_device_status(self, mode: int, **how: Any) -> None:
        """Nothing: the keeper answers."""

    def report_device_attributes(self, mode: int = 0, **how: Any) -> None:
        """Nothing: the keeper answers."""


class Pyte:
    """One terminal; its scrollback is ``history`` lines."""

    def __init__(self, cols: int, rows: int, history: int = 0) -> None:
        self._screen = Drawn(cols, rows, history)
        self._stream = ByteStream(self._screen)
        self._pending = bytearray()

    def feed(self, data: bytes) -> None:
        self._pending += data
        if len(self._pending) > PENDING_MOST:
            del self._pending[:-PENDING_MOST]
            fresh = _FRESH.search(self._pending)
            del self._pending[: fresh.start() if fresh else 0]

    def resize(self, cols: int, rows: int) -> None:
        self._draw()
        self._screen.resize(rows, cols)

    def rows(self) -> tuple[str, ...]:
        self._draw()
        screen = self._screen
        lines = (screen.buffer[row] for row in range(screen.lines))
        return tuple(
            "".join(line[column].data for column in range(screen.columns)).rstrip()
            for line in lines
        )

    def cursor(self) -> tuple[int, int]:
        self._draw()
        return min(self._screen.cursor.x, self._screen.columns - 1), self._screen.cursor.y

    def alternate(self) -> bool:
        self._draw()
        return self._screen.kept is not None

    def drawn(self) -> Drawn:
        """What it draws on, with all that came."""
        self._draw()
        return self._screen

    @property
    def pending(self) -> int:
        """Bytes that wait to be drawn."""
        return len(self._pending)

    def close(self) -> None:
        self._pending.clear()

    def _draw(self) -> None:
        begun = _BEGUN.search(self._pending)
        end = begun.start() if begun else len(self._pending)
        data = _COLONS.sub(b"", self._pending[:end])
        del self._pending[:end]
        for found in _SEQUENCES.finditer(data):
            drawn = False
            with suppress(Exception):  # a sequence that it fails on; what comes next is drawn
                self._draw_one(found[0])
                drawn = True
            if not drawn:
                self._stream = ByteStream(self._screen)

    def _draw_one(self, data: bytes) -> None:
        if charset := _CHARSET.match(data):
            where, which = charset.groups()
            self._screen.define_charset(which.decode(), where.decode())
            data = data[charset.end() :]
        self._stream.feed(data)
