"""A few bytes that host and worker share: which cell the host wants to end, and which one runs.

They cost no message and no lock, so they are true even while C code holds the interpreter's.
``host/board.py`` tells the layout. Once mapped, they need no descriptor that user code could close.
"""

from __future__ import annotations

import mmap
import os
from typing import Final

_NUMBER: Final = 8
_MODE: Final = 16
_SIZE: Final = 2 * _NUMBER + _MODE


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

    @property
    def wanted(self) -> int:
        """The number of the cell that the host wants to end; 0 for none."""
        return int.from_bytes(self._shared[:_NUMBER], "little")

    def begin(self, number: int, mode: str) -> None:
        """From now on this cell runs, or ran last."""
        # The number last: who sees it sees the mode that belongs to it.
        self._shared[2 * _NUMBER :] = mode.encode().ljust(_MODE, b"\0")
        self._shared[_NUMBER : 2 * _NUMBER] = number.to_bytes(_NUMBER, "little")
