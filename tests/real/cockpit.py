"""``inspan tui`` on a terminal of ours: keys are pressed, and what a person then sees is timed."""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeAlias

from inspan.terminal.screen import Screen as Emulated
from inspan.terminal.screen import backend
from tests.real.console import PATIENCE, Console, Screen

COLS, ROWS = 120, 40
#: A condition of what is seen: the rows of the screen.
Rows: TypeAlias = Sequence[str]
Sees: TypeAlias = Callable[[Rows], object]
_TICK: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


class Cockpit(Screen):
    """The process, and the screen as an emulator has it."""

    def __init__(self, console: Console, cols: int = COLS, rows: int = ROWS) -> None:
        command = [sys.executable, "-m", "inspan.cli.main", "tui"]
        env = {**console.env, "COLORTERM": "truecolor", "TERM": "xterm-256color"}
        self._size = (cols, rows)
        #: When it was begun.
        self.begun = time.monotonic()
        super().__init__(command, env, console.home)
        self.resize(cols, rows)
        self._seen = Emulated(cols, rows, backend())
        #: Bytes that it drew.
        self.drawn = 0

    def rows(self) -> Rows:
        """What is seen now."""
        return self._seen.rows()

    def look(self, seconds: float) -> None:
        """See what is drawn for so long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._read(left)

    def sees(self, wanted: Sees) -> None:
        """Look until that is seen."""
        end = time.monotonic() + PATIENCE
        while not wanted(self.rows()):
            left = end - time.monotonic()
            assert left > 0, "it is not seen:\n" + "\n".join(self.rows())
            self._read(left)

    def timed(self, keys: bytes, wanted: Sees) -> float:
        """Seconds from the moment at which ``keys`` are pressed until ``wanted`` is seen."""
        begun = time.perf_counter()
        self.press(keys)
        self.sees(wanted)
        return time.perf_counter() - begun

    def memory(self) -> int:
        """The bytes that the process has in memory."""
        told = Path(f"/proc/{self.process.pid}/statm").read_text().split()
        return int(told[1]) * _PAGE

    def processor(self) -> float:
        """The seconds of a processor that it has had."""
        told = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(told[11]) + int(told[12])) / _TICK

    def _read(self, seconds: float) -> bool:
        if not select.select([self._master], [], [], seconds)[0]:
            return False
        data = os.read(self._master, 1 << 16)
        self.drawn += len(data)
        self._seen.feed(data)
        return True
