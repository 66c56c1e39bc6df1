"""A few numbers that host and worker share: which cell is to end, which one runs, what was said.

They cost no message and no lock, so they are true even while C code holds the interpreter's.
``host/board.py`` tells the layout. Once mapped, they need no descriptor that user code could close.
"""

from __future__ import annotations

import mmap
import os
from typing import Final

_WANTED, _BEGUN = 0, 1
_MODE: Final = slice(16, 32)
_PRINTED, _SENT, _SAID = 4, 5, 6
_SIZE: Final = 7 * 8


class Board:
    """The worker's side."""

    def __init__(self, folder: str) -> None:
        """Raises OSError."""
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        file = os.open(f"{folder}{os.sep}interrupt", flags, 0o600)
        try:
            os.pwrite(file, bytes(_SIZE), 0)
            self._shared = mmap.mmap(file, _SIZE)
        finally:
            os.close(file)
        self._numbers = memoryview(self._shared).cast("Q")

    @property
    def wanted(self) -> int:
        """The number of the cell that the host wants to end; 0 for none."""
        return self._numbers[_WANTED]

    def begin(self, number: int, mode: str) -> None:
        """From now on this cell runs, or ran last."""
        # The number last: who sees it sees the mode that belongs to it.
        self._shared[_MODE] = mode.encode().ljust(16, b"\0")
        self._numbers[_BEGUN] = number

    def printed(self, number: int) -> None:
        """Text was printed, which is gathered in this round."""
        self._numbers[_PRINTED] = number

    def sent(self, number: int) -> None:
        """What was gathered in this round, or before, is in messages."""
        self._numbers[_SENT] = number

    def said(self, seq: int) -> None:
        """Messages have numbers up to this one."""
        self._numbers[_SAID] = seq
