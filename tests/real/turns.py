"""Turns that tests of several processes take: most share the machine, one may have it alone.

The locks are the kernel's and a process's own: they end with it, and no child inherits them.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Turns:
    """The turns of all processes that name the same folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._queue, self._room = (
            os.open(folder / name, os.O_RDWR | os.O_CREAT, 0o600) for name in ("queue", "room")
        )

    @contextmanager
    def taken(self, *, alone: bool) -> Iterator[None]:
        """Wait for a turn, and have it while the block runs."""
        # Whoever would be alone keeps the queue until the room is empty: nobody overtakes them.
        fcntl.lockf(self._queue, fcntl.LOCK_EX)
        try:
            fcntl.lockf(self._room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        finally:
            fcntl.lockf(self._queue, fcntl.LOCK_UN)
        try:
            yield
        finally:
            fcntl.lockf(self._room, fcntl.LOCK_UN)

    def close(self) -> None:
        os.close(self._queue)
        os.close(self._room)
