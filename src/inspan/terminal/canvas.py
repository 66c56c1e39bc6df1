"""What a terminal shows, as a person sees it: coloured cells, and what has scrolled away.

A ``Canvas`` is for faces that draw a terminal; for reading one, ``screen.Screen`` is cheaper. It is
handed what ``marks`` lets through and answers no query. It never learns who looks at it.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Final, NamedTuple, Protocol, TypeAlias

from inspan.terminal.screen import COLUMNS_MOST, ROWS_MOST, Backend

#: Rows that have scrolled away and can be looked at still.
HISTORY: Final = 5000

#: A number of the palette, or red, green and blue; ``None``: what the terminal has.
Colour: TypeAlias = int | tuple[int, int, int] | None


class Paint(NamedTuple):
    """How a cell looks."""

    fg: Colour = None
    bg: Colour = None
    bold: bool = False
    faint: bool = False
    italic: bool = False
    underline: bool = False
    blink: bool = False
    inverse: bool = False
    invisible: bool = False
    struck: bool = False


PLAIN: Final = Paint()


class Run(NamedTuple):
    """Cells beside each other that look alike. ``text`` is what the program printed.

    Characters that take other columns than ``sanitize.columns`` says, and what is more than one
    character in a cell, have a run of their own.
    """

    text: str
    columns: int
    paint: Paint


#: From the left; what is blank and plain at the end of it is left out.
Row: TypeAlias = tuple[Run, ...]


class Frame(NamedTuple):
    """Some of the rows: as many as the terminal has, from ``top`` of ``total`` on.

    A row that was not drawn since the frame before is the same object.
    """

    rows: tuple[Row, ...]
    top: int
    total: int
    #: Column and row within ``rows``; ``None`` where it is not among them.
    cursor: tuple[int, int] | None


class Canvas(Protocol):
    """One terminal with its history."""

    def feed(self, data: bytes) -> None:
        """Text and control sequences in UTF-8, cut anywhere; raises nothing."""
        ...

    def resize(self, cols: int, rows: int) -> None: ...

    def scroll(self, top: int | None) -> None:
        """Have the frame begin at a row of the history; ``None``: show the terminal itself."""
        ...

    def frame(self) -> Frame: ...

    def lines(self) -> tuple[str, ...]:
        """The text of all its rows, the oldest first, without blanks at their ends."""
        ...

    def mode(self, number: int) -> bool:
        """Whether a private mode is on."""
        ...

    def kitty(self) -> int:
        """The flags of kitty's keyboard protocol; 0 where it is off."""
        ...

    def close(self) -> None:
        """Let go of its memory; nothing else is called after it."""
        ...


Make: TypeAlias = Callable[[int, int], Canvas]


class _Blind:
    """No emulator: it shows nothing."""

    def __init__(self, _cols: int, rows: int) -> None:
        self._rows = rows

    def feed(self, data: bytes) -> None:
        """Nothing is drawn."""

    def resize(self, cols: int, rows: int) -> None:  # noqa: ARG002 - any will do
        self._rows = rows

    def scroll(self, top: int | None) -> None:
        """There is no history."""

    def frame(self) -> Frame:
        return Frame(((),) * self._rows, 0, self._rows, None)

    def lines(self) -> tuple[str, ...]:
        return ("",) * self._rows

    def mode(self, number: int) -> bool:  # noqa: ARG002 - none is on
        return False

    def kitty(self) -> int:
        return 0

    def close(self) -> None:
        """It holds nothing."""


#: By the name of the emulator: where its canvas is.
_KNOWN: Final = {
    "ghostty": ("inspan.terminal.emulators.ghosttycanvas", "GhosttyCanvas"),
    "pyte": ("inspan.terminal.emulators.pytecanvas", "PyteCanvas"),
}


def canvas_of(backend: Backend) -> Make:
    """How to make a canvas with an emulator that loads here."""
    if backend.name not in _KNOWN:
        return _Blind
    module, kind = _KNOWN[backend.name]
    make: Make = getattr(import_module(module), kind)
    return make


def bounded(cols: int, rows: int) -> tuple[int, int]:
    """The part of a size that is drawn."""
    return max(1, min(cols, COLUMNS_MOST)), max(1, min(rows, ROWS_MOST))
