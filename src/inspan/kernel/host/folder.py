"""The folders of sessions that belong to one program, and what is left of those whose program died.

A program holds the lock of its session's folder as long as it lives, however that ends, so a folder
whose lock is free is a leftover. It must never know a keeper: who takes a leftover asks that first.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Self

from inspan.errors import InspanError, SpawnFailed
from inspan.kernel.host.launch import card

#: Nothing else in the folder of all sessions is looked at. A daemon's sessions outlive it, and
#: nobody locks their folders: they are called ``py-``.
PREFIX: Final = "program-"
#: Leftovers that one start takes away; the next takes more.
_MOST: Final = 32
_NAME: Final = re.compile(PREFIX + "[0-9a-z]{26}", re.ASCII)


class PrivateFolder:
    """One folder, and its lock; made by ``make`` or ``leftovers``, and in the end ``remove`` d."""

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock = lock

    @classmethod
    def make(cls, folders: Path, name: str) -> Self:
        """A new one in ``folders``. Raises SpawnFailed."""
        try:
            folders.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _opened(folders) as all_:
                # Between the two steps it would look like a leftover.
                fcntl.flock(all_, fcntl.LOCK_SH)
                path = folders / name
                path.mkdir(mode=0o700)
                lock = _open(path)
                fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError as error:
            raise SpawnFailed(f"The session's folder cannot be made: {error}.") from error
        return cls(path, lock)

    @classmethod
    def leftovers(cls, folders: Path) -> tuple[Self, ...]:
        """Those whose program is gone; none where another program is just making one."""
        found: list[Self] = []
        with suppress(OSError), _opened(folders) as all_:
            fcntl.flock(all_, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for path in folders.iterdir():
                if len(found) == _MOST:
                    break
                if _NAME.fullmatch(path.name) and (lock := _taken(path)) is not None:
                    found.append(cls(path, lock))
        return tuple(found)

    def remove(self) -> None:
        """Take it away, with the socket of a worker that had no time to."""
        with suppress(InspanError, OSError):
            Path(card(self.path).socket).unlink(missing_ok=True)
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    fd = _open(path)
    try:
        yield fd
    finally:
        os.close(fd)


def _taken(path: Path) -> int | None:
    """The lock, where nobody has it."""
    try:
        lock = _open(path)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return None
    return lock
