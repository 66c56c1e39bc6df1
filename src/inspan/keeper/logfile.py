"""A log that stays small: a file on standard error that makes room for itself, a few old ones kept.

Whatever else is printed to standard error goes along: the descriptor itself is turned to the new
file. Several processes may write to one log, as forks do; who finds that another has turned it, or
that somebody has moved it away, follows. Standard library alone, nothing that costs time to import.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from typing import Final

_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC


class LogFile:
    """The file at ``path``, to which the descriptor ``fd`` leads. A stream, as ``logging`` has."""

    def __init__(self, path: str, most: int, kept: int, fd: int = 2) -> None:
        """It makes room at ``most`` bytes; ``kept`` old ones stay, as ``path.1``, ``path.2``, …"""
        self._path = path
        self._most = most
        self._kept = kept
        self._fd = fd

    def write(self, text: str) -> None:
        """Append. Raises OSError where the disk refuses."""
        with contextlib.suppress(OSError):  # a log that cannot be turned is written on
            self._follow()
        os.write(self._fd, text.encode("utf-8", "backslashreplace"))

    def flush(self) -> None:
        """Nothing waits."""

    def _follow(self) -> None:
        here = os.fstat(self._fd)
        there = _stat(self._path)
        if there is None or (there.st_dev, there.st_ino) != (here.st_dev, here.st_ino):
            self._open()
        elif here.st_size >= self._most:
            turn(self._path, self._most, self._kept)
            self._open()

    def _open(self) -> None:
        fresh = os.open(self._path, _FLAGS, 0o600)
        os.dup2(fresh, self._fd)
        os.close(fresh)


def leads(fd: int, path: str) -> bool:
    """Whether a descriptor leads to the file at ``path``."""
    there = _stat(path)
    try:
        here = os.fstat(fd)
    except OSError:
        return False
    return there is not None and (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)


def turn(path: str, most: int, kept: int) -> None:
    """Set the log at ``path`` aside if it has ``most`` bytes; of many who ask at once one does.

    Nobody waits for another: who is not the one finds the new file at its next line.
    """
    try:
        lock = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return
    try:
        # Its own opening, since forks share the one that they write to, and its lock with it.
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if leads(lock, path) and os.fstat(lock).st_size >= most:
            for age in range(kept, 0, -1):
                source = f"{path}.{age - 1}" if age > 1 else path
                with contextlib.suppress(FileNotFoundError):
                    os.replace(source, f"{path}.{age}")  # noqa: PTH105  pathlib costs 5 ms at start
    except BlockingIOError:
        return
    finally:
        os.close(lock)


def _stat(path: str) -> os.stat_result | None:
    try:
        return os.stat(path, follow_symlinks=False)  # noqa: PTH116  as above
    except OSError:
        return None
