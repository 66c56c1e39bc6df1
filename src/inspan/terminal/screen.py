"""What a terminal shows, from the bytes that a program printed.

A ``Screen`` is an emulator of others behind a small protocol, with our own reader of titles,
progress and frames before it (``marks``). Which emulator there is, is found at run time. Without
any, titles and progress are read all the same and no row is shown. It answers no query: the keeper
does. It never learns whose output it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from typing import Final, Protocol, TypeAlias

from inspan.model.value import value
from inspan.terminal.marks import Bar, Marks

#: The largest terminal that is drawn; of a larger one, its upper left part.
COLUMNS_MOST, ROWS_MOST = 500, 300


#: What draws no character: sequences, controls, blanks, and the bytes of one that follow its first.
_UNDRAWN: Final = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]?|[ -/]*[0-~]?)|[\x00-\x20\x7f-\xbf]")
#: The most bytes of one piece of output whose characters are counted.
_COUNTED_MOST: Final = 4096


class Emulator(Protocol):
    """One terminal. It may fall behind until it is asked, and drop what is too much."""

    def feed(self, data: bytes) -> None:
        """Text and control sequences in UTF-8, cut anywhere; raises nothing."""
        ...

    def resize(self, cols: int, rows: int) -> None: ...

    def rows(self) -> tuple[str, ...]:
        """Every row, from the top, without the blanks at its end."""
        ...

    def cursor(self) -> tuple[int, int]:
        """Column and row, from 0."""
        ...

    def alternate(self) -> bool:
        """True where the alternate screen is shown."""
        ...

    def close(self) -> None:
        """Let go of its memory; nothing else is called after it."""
        ...


class Redrawing(Emulator, Protocol):
    """One that can be drawn elsewhere, and taken up again later; not all can."""

    def __init__(self, cols: int, rows: int, state: bytes | None = None) -> None:
        """With the ``state`` that one of this size had."""
        ...

    def resting(self) -> bool:
        """True where no sequence is begun."""
        ...

    def drawn(self) -> str:
        """Text and sequences that draw it on an empty terminal of its size."""
        ...

    def kept(self) -> bytes:
        """All of its state."""
        ...


Make: TypeAlias = Callable[[int, int], Emulator]


@value(frozen=True)
class Backend:
    """A kind of emulator, and how to make one of so many columns and rows."""

    name: str
    version: str
    make: Make
    #: The same, where it can be drawn elsewhere.
    redraws: type[Redrawing] | None = None


class _Blind:
    """No emulator: it shows nothing."""

    def __init__(self, cols: int, rows: int) -> None:
        """Any size will do."""

    def feed(self, data: bytes) -> None:
        """Nothing is drawn."""

    def resize(self, cols: int, rows: int) -> None:
        """Nothing is drawn."""

    def rows(self) -> tuple[str, ...]:
        return ()

    def cursor(self) -> tuple[int, int]:
        return 0, 0

    def alternate(self) -> bool:
        return False

    def close(self) -> None:
        """It holds nothing."""


#: Titles and progress only.
BLIND: Final = Backend("none", "", _Blind)
#: By preference: package → module of ours → the class in it.
_KNOWN: Final = (
    ("pyghostty", "inspan.terminal.emulators.ghostty", "Ghostty"),
    ("pyte", "inspan.terminal.emulators.pytescreen", "Pyte"),
)


def backends() -> tuple[Backend, ...]:
    """The emulators that load here, the best first; ``BLIND`` is not among them."""
    return tuple(_found())


def backend() -> Backend:
    """The best emulator there is, else ``BLIND``; ready to use.

    The first call in a process takes a quarter of a second: make it in a thread.
    """
    best = next(_found(), BLIND)
    # The native one sets itself up when text is first asked for.
    first = best.make(2, 1)
    first.rows()
    first.close()
    return best


def _found() -> Iterator[Backend]:
    """Each once it is asked for: who takes the first one loads no other."""
    found = (_load(*known) for known in _KNOWN if find_spec(known[0]))
    return (backend for backend in found if backend is not None)


@lru_cache(len(_KNOWN))  # a package's version is read from a file
def _load(package: str, module: str, kind: str) -> Backend | None:
    try:
        loaded = import_module(module)
    except (ImportError, OSError, AssertionError):
        return None  # its library is not for this machine
    made = getattr(loaded, kind)
    redraws = made if hasattr(made, "kept") else None
    return Backend(loaded.NAME, version(package), made, redraws)


class Screen:
    """The terminal of one session.

    ``generation`` changes with whatever is drawn on it, and ``printed`` grows where that is
    characters, about as many as these are.
    """

    def __init__(self, cols: int, rows: int, backend: Backend) -> None:
        self.marks = Marks()
        self.generation = 0
        self.printed = 0
        self._emulator = backend.make(*bounded(cols, rows))
        self._shown: tuple[str, ...] | None = None

    @property
    def title(self) -> str:
        """The window title; safe to show."""
        return self.marks.title

    @property
    def progress(self) -> Bar:
        """The progress that was set."""
        return self.marks.progress

    @property
    def bells(self) -> int:
        """How often it rang."""
        return self.marks.bells

    @property
    def cursor(self) -> tuple[int, int]:
        """Column and row, from 0."""
        return self._emulator.cursor()

    @property
    def alternate(self) -> bool:
        """True where the alternate screen is shown."""
        return self._emulator.alternate()

    def feed(self, data: bytes) -> None:
        """Take what the program printed, cut anywhere."""
        drawn = self.marks.feed(data)
        if drawn:
            self._emulator.feed(drawn)
            self.printed += len(_UNDRAWN.sub(b"", drawn[:_COUNTED_MOST]))
            self._changed()

    def resize(self, cols: int, rows: int) -> None:
        """Take the new size of the terminal."""
        self._emulator.resize(*bounded(cols, rows))
        self._changed()

    def rows(self) -> tuple[str, ...]:
        """What it shows, from the top, without the blanks at the end of each row.

        It is what the program printed: clean it before it is shown elsewhere.
        """
        if self._shown is None:
            self._shown = self._emulator.rows()
        return self._shown

    def close(self) -> None:
        """Let go of its memory; it is not used after this."""
        self._emulator.close()

    def _changed(self) -> None:
        self.generation += 1
        self._shown = None


def bounded(cols: int, rows: int) -> tuple[int, int]:
    """The size that is drawn of such a terminal."""
    return max(1, min(cols, COLUMNS_MOST)), max(1, min(rows, ROWS_MOST))
