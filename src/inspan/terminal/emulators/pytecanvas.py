"""pyte with its colours and its history, where nothing faster is; it knows no session."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from pyte.screens import Char
from wcwidth import wcwidth

from inspan.terminal.canvas import HISTORY, PLAIN, Colour, Frame, Paint, Row, Run
from inspan.terminal.emulators.pytescreen import PENDING_MOST, Drawn, Pyte
from inspan.terminal.sanitize import columns as width_of

_NAMES: Final = ("black", "red", "green", "brown", "blue", "magenta", "cyan", "white")
_PALETTE: Final = {
    **{name: at for at, name in enumerate(_NAMES)},
    **{f"bright{name}": at + 8 for at, name in enumerate(_NAMES)},
    # So it is spelt there.
    "bfightmagenta": 13,
}
_BLANK: Final = Char(" ")


class PyteCanvas:
    """One terminal with history. What is too much to be drawn between two looks is passed over."""

    def __init__(self, cols: int, rows: int) -> None:
        self._pyte = Pyte(cols, rows, HISTORY)
        self._top: int | None = None
        self._lost = 0
        self._shown: tuple[Row, ...] = ()

    def feed(self, data: bytes) -> None:
        for start in range(0, len(data), PENDING_MOST):
            self._pyte.feed(data[start : start + PENDING_MOST])

    def resize(self, cols: int, rows: int) -> None:
        self._pyte.resize(cols, rows)

    def scroll(self, top: int | None) -> None:
        self._top = None if top is None else max(0, top)

    def frame(self) -> Frame:
        screen = self._pyte.drawn()
        gone = len(screen.gone)
        if self._top is not None:
            # What is looked at stays, though it is the first lines that are lost.
            self._top = max(0, self._top - (screen.lost - self._lost))
            self._top = None if self._top >= gone else self._top
        self._lost = screen.lost
        top = gone if self._top is None else self._top
        rows = [_row(line, screen.columns) for line in _lines(screen, top)]
        before = self._shown
        self._shown = tuple(
            before[at] if at < len(before) and before[at] == row else row
            for at, row in enumerate(rows)
        )
        x, y = min(screen.cursor.x, screen.columns - 1), gone + screen.cursor.y - top
        cursor = (x, y) if y < screen.lines else None
        return Frame(self._shown, top, gone + screen.lines, cursor)

    def lines(self) -> tuple[str, ...]:
        screen = self._pyte.drawn()
        return tuple(
            "".join(line[column].data for column in range(screen.columns)).rstrip()
            for line in _lines(screen, 0, len(screen.gone) + screen.lines)
        )

    def mode(self, number: int) -> bool:
        return number << 5 in self._pyte.drawn().mode

    def kitty(self) -> int:
        return 0

    def close(self) -> None:
        self._pyte.close()


def _lines(screen: Drawn, top: int, count: int | None = None) -> Iterator[Any]:
    last = top + (screen.lines if count is None else count)
    gone = len(screen.gone)
    yield from islice(screen.gone, top, last)
    for at in range(max(0, top - gone), last - gone):
        yield screen.buffer[at]


def _row(line: Any, columns: int) -> Row:
    while columns and line[columns - 1] == _BLANK:
        columns -= 1
    runs: list[Run] = []
    text, wide, paint, alone = "", 0, PLAIN, False
    for column in range(columns):
        char = line[column]
        if not char.data:  # behind a wide character
            wide += 1
            continue
        looks = PLAIN if char[1:] == _BLANK[1:] else _looks(char)
        sure = char.data.isascii() or _is_sure(char.data)
        if text and (alone or not sure or looks != paint):
            runs.append(Run(text, wide, paint))
            text, wide = "", 0
        text += char.data
        wide += 1
        paint, alone = looks, not sure
    if wide:
        runs.append(Run(text, wide, paint))
    return tuple(runs)


def _is_sure(text: str) -> bool:
    """Whether it is as wide as it says; the emulator has its own rule (``wcwidth``)."""
    return len(text) == 1 and width_of(text) == max(1, wcwidth(text))


def _looks(char: Any) -> Paint:
    return Paint(
        fg=_colour(char.fg),
        bg=_colour(char.bg),
        bold=char.bold,
        italic=char.italics,
        underline=char.underscore,
        blink=char.blink,
        inverse=char.reverse,
        struck=char.strikethrough,
    )


def _colour(name: str) -> Colour:
    if name in _PALETTE:
        return _PALETTE[name]
    try:
        value = int(name, 16)
    except ValueError:
        return None
    return value >> 16 & 255, value >> 8 & 255, value & 255
