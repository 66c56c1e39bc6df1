"""Opening the database file the one way it is ever opened.

It knows pragmas and file modes, nothing of tables. One process, one connection: SQLite up to
3.51.2 can damage a database in WAL mode that two connections write and checkpoint at once
(https://sqlite.org/changes.html, 3.51.3). The exclusive locking mode keeps strangers out, too.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal, TypeAlias

from inspan.errors import StoreCorrupt, StoreFailed
from inspan.store import faults
from inspan.store.statements import statement

Synchronous: TypeAlias = Literal["OFF", "NORMAL", "FULL", "EXTRA"]

#: "insp" in ASCII; written by the first migration.
APPLICATION: Final = 0x696E7370
#: Nobody else should have the file, so there is little to wait for; seconds.
_BUSY: Final = 0.2
#: Up to this size the whole file is checked at opening, which takes some milliseconds.
_CHECKED_SIZE: Final = 8 << 20
_SYNCHRONOUS: Final[dict[Synchronous, str]] = {
    "OFF": "PRAGMA synchronous = OFF",
    "NORMAL": "PRAGMA synchronous = NORMAL",
    "FULL": "PRAGMA synchronous = FULL",
    "EXTRA": "PRAGMA synchronous = EXTRA",
}
_ALONE: Final = "PRAGMA locking_mode = EXCLUSIVE"
_SETTINGS: Final = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA wal_autocheckpoint = 1000",  # pages: about 4 MB of WAL between checkpoints
    "PRAGMA journal_size_limit = 67108864",  # a burst gives its disk space back
    "PRAGMA foreign_keys = ON",
    "PRAGMA cache_size = -8192",  # KiB
    "PRAGMA trusted_schema = OFF",  # a schema from elsewhere cannot call functions
)


def connect(
    path: Path, synchronous: Synchronous = "FULL", *, check: bool = True
) -> sqlite3.Connection:
    """A connection to ``path`` with our settings; the file is made where it is missing.

    The caller holds the lock file. The connection belongs to the calling thread. ``check`` reads
    through a small file for damage; a large one shows it when the damaged part is read.

    Raises:
        StoreCorrupt: the file is no database, is damaged, or belongs to another program.
        StoreFailed: it cannot be opened or made.
        StoreLocked: something that is not inspan has it open.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StoreFailed(f"{path} cannot be opened: {error.strerror}") from error
    connection = sqlite3.connect(path, timeout=_BUSY, isolation_level=None)
    try:
        connection.execute(_ALONE)
        _refuse_foreign(connection, path)
        path.chmod(0o600)
        for setting in (*_SETTINGS, _SYNCHRONOUS[synchronous]):
            connection.execute(setting).fetchall()
        if check and path.stat().st_size <= _CHECKED_SIZE:
            _refuse_damaged(connection, path)
    except sqlite3.Error as error:
        connection.close()
        raise faults.of_sqlite(error) from error
    except StoreCorrupt:
        connection.close()
        raise
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All of the block is on the disk after it, or nothing of it where it raises."""
    connection.execute(statement("begin"))
    try:
        yield
        connection.execute(statement("commit"))
    except BaseException:
        if connection.in_transaction:  # a full disk makes SQLite roll back by itself
            connection.execute(statement("rollback"))
        raise


def _refuse_foreign(connection: sqlite3.Connection, path: Path) -> None:
    """Before anything is written to it."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if application != APPLICATION and tables:
        raise StoreCorrupt(f"{path} is a database of another program")


def _refuse_damaged(connection: sqlite3.Connection, path: Path) -> None:
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise StoreCorrupt(f"{path} is damaged: {verdict}")
