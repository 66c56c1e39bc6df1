"""A copy of a database that may be at work: one moment of it, and the database untouched.

Where nobody holds it SQLite makes the copy. Where a daemon does, it alone may open the database;
then its two files are read, and read again until both are of one moment. It knows files, never
what is in them.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Final

from inspan.errors import StoreFailed, StoreLocked
from inspan.store.migrate import backup

#: How often it is tried to catch a moment in which no checkpoint ran, and the pause between, in s.
_TRIES: Final = 50
_PAUSE: Final = 0.05
#: The write-ahead log's header; another one whenever the log begins anew.
_HEADER: Final = 32


def snapshot(path: Path, to: Path) -> bool:
    """Copy the database at ``path`` to ``to``; true where somebody was at work on it.

    Raises:
        StoreCorrupt, StoreFailed, DiskFull: it cannot be read, or the copy not made.
    """
    try:
        backup(path, to)
    except StoreLocked:
        _beside(path, to)
        return True
    return False


def whole_snapshot(path: Path, to: Path) -> None:
    """As ``snapshot``, but one file, complete on the disk on return: a backup.

    Raises:
        BadInput: the two are one file.
        StoreCorrupt, StoreFailed, DiskFull: it cannot be read, or the copy not made.
    """
    try:
        backup(path, to)
    except StoreLocked:
        try:
            folder = tempfile.TemporaryDirectory(prefix="backup-", dir=to.parent)
        except OSError as error:
            raise StoreFailed(f"the backup {to} cannot be written: {error.strerror}") from error
        with folder as name:
            copy = Path(name) / path.name
            _beside(path, copy)
            backup(copy, to)


def log_of(path: Path) -> Path:
    """The write-ahead log of a database, which may be absent."""
    return path.with_name(f"{path.name}-wal")


def _beside(path: Path, to: Path) -> None:
    """Copy both files while another process writes.

    In WAL mode the database itself is written by checkpoints alone, and the log only grows until
    one is complete. So where neither the database nor the log's header changed meanwhile, both are
    of one moment; a commit that was cut short at the log's end is passed over by SQLite.
    """
    for _ in range(_TRIES):
        try:
            before = _state(path)
            _copied(path, to)
            _copied(log_of(path), log_of(to))
            after = _state(path)
        except OSError as error:
            raise StoreFailed(f"{path} cannot be copied: {error.strerror or error}") from error
        if before == after:
            return
        time.sleep(_PAUSE)
    raise StoreFailed(
        f"{path} is written to so much that no moment of it can be had",
        hint="`inspan down` first: what runs goes on, and nothing is written meanwhile.",
    )


def _copied(path: Path, to: Path) -> None:
    to.unlink(missing_ok=True)
    if path.exists():
        os.close(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        shutil.copyfile(path, to)


def _state(path: Path) -> tuple[object, ...]:
    try:
        with log_of(path).open("rb") as log:
            header = log.read(_HEADER)
    except FileNotFoundError:
        header = b""
    seen = path.stat()
    return seen.st_ino, seen.st_size, seen.st_mtime_ns, header
