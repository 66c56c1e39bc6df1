"""Ghostty's emulator, by its Python binding: fast, and the one to have where there is a wheel.

Importing this module loads the library. It is native code that reads what programs print, and so
it is handed text and control sequences only (``terminal.marks``).
"""

from __future__ import annotations

from typing import Final

from pyghostty import Terminal  # type: ignore[import-untyped]  # ships no types

from inspan.terminal.emulators import ghosttydraw

NAME: Final = "ghostty"


class Ghostty:
    """One terminal, some 1 MB. Its scrollback is what one page of the library holds."""

    def __init__(self, cols: int, rows: int, state: bytes | None = None) -> None:
        if state is None:
            self._terminal = Terminal(cols=cols, rows=rows, scrollback=0)
        else:
            self._terminal = ghosttydraw.restored(state)
        self._rows = rows

    def feed(self, data: bytes) -> None:
        self._terminal.feed(data)

    def resize(self, cols: int, rows: int) -> None:
        self._terminal.resize(cols, rows)
        self._rows = rows

    def rows(self) -> tuple[str, ...]:
        lines = [line.rstrip() for line in self._terminal.text().split("\n")][: self._rows]
        return (*lines, *[""] * (self._rows - len(lines)))

    def cursor(self) -> tuple[int, int]:
        column, row = self._terminal.cursor
        return int(column), int(row)

    def alternate(self) -> bool:
        return bool(self._terminal.get("active_screen", "GhosttyTerminalScreen"))

    def resting(self) -> bool:
        """True where no sequence is begun."""
        return bool(self._terminal.get("vt_ground", "bool"))

    def drawn(self) -> str:
        """What draws it on an empty terminal of its size."""
        return ghosttydraw.drawn(self._terminal)

    def kept(self) -> bytes:
        """All of its state."""
        return ghosttydraw.kept(self._terminal)

    def close(self) -> None:
        self._terminal.close()
