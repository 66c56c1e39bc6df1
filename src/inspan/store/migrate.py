"""Schema versions: up, down, backup. Each step is a pair of SQL files and one transaction.

It knows files and versions, never what a table is for. Who calls these functions from outside
holds no other connection: each takes the lock file first.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Final

from inspan.errors import BadInput, SchemaTooNew, StoreFailed
from inspan.store import faults
from inspan.store.connection import connect, transaction
from inspan.store.lock import LockFile

_FOLDER: Final = Path(__file__).with_name("migrations")
_FILE: Final = re.compile(r"(\d{4})_\w+\.(up|down)\.sql")


@cache
def _steps() -> dict[tuple[int, str], Path]:
    """(version, direction) → the file that goes there or comes back from it."""
    found = {}
    for path in _FOLDER.iterdir():
        if match := _FILE.fullmatch(path.name):
            found[int(match[1]), match[2]] = path
    return found


def newest() -> int:
    """The schema version that this inspan writes."""
    return max(version for version, _ in _steps())


def names(version: int, to: int) -> Iterator[str]:
    """What the migrations from ``version`` up to ``to`` are called."""
    for step in range(version + 1, to + 1):
        yield _steps()[step, "up"].name.removesuffix(".up.sql")


def version_of(connection: sqlite3.Connection) -> int:
    """The schema version of an open database; 0 for an empty one."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def upgrade(path: Path, to: int | None = None) -> int:
    """Bring the database at ``path`` up to version ``to`` or the newest; the version it has then.

    A backup of the version before is made beside it, as ``<name>.v<version>.backup``.

    Raises:
        SchemaTooNew: it is newer already.
        StoreLocked, StoreCorrupt, StoreFailed: it cannot be opened or written.
    """
    with opened(path) as connection:
        migrate(connection, path, to)
        return version_of(connection)


def downgrade(path: Path, to: int) -> int:
    """Take the database at ``path`` back to version ``to``; the version it has then.

    A backup of the version before is made beside it, as ``<name>.v<version>.backup``.

    Raises:
        BadInput: ``to`` is not a version below its own.
        SchemaTooNew: only the newer inspan knows the way back.
        StoreLocked, StoreCorrupt, StoreFailed: it cannot be opened or written.
    """
    with opened(path) as connection:
        version = known_version(connection, path)
        if not 0 < to <= version:
            raise BadInput(f"{path} has schema version {version}; it cannot go down to {to}")
        if to < version:
            _save(connection, path, version)
        for step in range(version, to, -1):
            _walk(connection, _steps()[step, "down"])
        return version_of(connection)


def backup(path: Path, to: Path) -> None:
    """Copy the database at ``path`` to the file ``to``; it is complete on the disk on return.

    Raises:
        BadInput: the two are one file.
        StoreLocked, StoreCorrupt, StoreFailed, DiskFull: it cannot be read or the copy not made.
    """
    if path.resolve() == to.resolve():
        raise BadInput(f"the backup cannot be the database itself ({path})")
    with opened(path) as connection:
        _copy(connection, to)


def in_memory(version: int) -> sqlite3.Connection:
    """An empty database of schema ``version``, to compare others with."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    for step in range(1, version + 1):
        _walk(connection, _steps()[step, "up"])
    return connection


def migrate(connection: sqlite3.Connection, path: Path, to: int | None = None) -> None:
    """``upgrade`` for who has the connection open already."""
    version = known_version(connection, path)
    to = newest() if to is None else to
    if to > newest():
        raise BadInput(f"there is no schema version {to}; the newest is {newest()}")
    if to < version:
        raise BadInput(f"{path} has schema version {version} already")
    if 0 < version < to:
        _save(connection, path, version)
    for step in range(version + 1, to + 1):
        _walk(connection, _steps()[step, "up"])


def known_version(connection: sqlite3.Connection, path: Path) -> int:
    """``version_of`` one that this inspan knows. Raises SchemaTooNew."""
    version = version_of(connection)
    if version > newest():
        raise SchemaTooNew(
            f"{path} has schema version {version}; this inspan knows up to {newest()}"
        )
    return version


@contextmanager
def opened(path: Path, *, check: bool = True) -> Iterator[sqlite3.Connection]:
    """The database at ``path``, which is there, under its lock; see ``connect``."""
    if not path.exists():
        raise StoreFailed(f"there is no database at {path}", hint="Check INSPAN_HOME.")
    with LockFile.of(path), closing(connect(path, check=check)) as connection:
        try:
            yield connection
        except sqlite3.Error as error:
            raise faults.of_sqlite(error) from error


def _walk(connection: sqlite3.Connection, script: Path) -> None:
    """Run one migration: all of it or nothing."""
    with transaction(connection):
        for piece in _statements(script.read_text(encoding="utf-8")):
            connection.execute(piece)


def _statements(script: str) -> Iterator[str]:
    """The statements of a script; ``executescript`` would commit between them."""
    piece = ""
    for line in script.splitlines(keepends=True):
        piece += line
        if sqlite3.complete_statement(piece):
            yield piece
            piece = ""


def _save(connection: sqlite3.Connection, path: Path, version: int) -> None:
    _copy(connection, path.with_name(f"{path.name}.v{version}.backup"))


def _copy(connection: sqlite3.Connection, to: Path) -> None:
    """Write beside ``to`` first: a copy that breaks off must not replace a whole one."""
    part = to.with_name(f"{to.name}.part")
    try:
        part.unlink(missing_ok=True)
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        with closing(sqlite3.connect(part)) as copy:
            connection.backup(copy)
        to_disk(part)
        part.replace(to)
        to_disk(to.parent)
    except OSError as error:
        raise StoreFailed(f"the backup {to} cannot be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)


def to_disk(path: Path) -> None:
    """Return once a file, or the names in a folder, are on the disk. Raises OSError."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
