"""What SQLite's errors mean to a person; the only place where its error codes are read."""

from __future__ import annotations

import sqlite3
from typing import Final

from inspan.errors import (
    BadInput,
    DiskFull,
    InspanError,
    StoreCorrupt,
    StoreFailed,
    StoreLocked,
)

#: The primary result code is the low byte of an extended one (https://sqlite.org/rescode.html).
_PRIMARY: Final = 0xFF
_NAMES: Final[dict[int, type[StoreFailed]]] = {
    sqlite3.SQLITE_FULL: DiskFull,
    sqlite3.SQLITE_CORRUPT: StoreCorrupt,
    sqlite3.SQLITE_NOTADB: StoreCorrupt,
    sqlite3.SQLITE_BUSY: StoreLocked,
    sqlite3.SQLITE_LOCKED: StoreLocked,
}


def of_sqlite(error: sqlite3.Error) -> StoreFailed:
    """The error of ours that ``error`` is."""
    code = getattr(error, "sqlite_errorcode", None)
    kind = StoreFailed if code is None else _NAMES.get(code & _PRIMARY, StoreFailed)
    return kind(f"{(kind.__doc__ or '').rstrip('.')} ({error}).")


def of_writing(error: Exception) -> InspanError:
    """Why a change could not be written."""
    if isinstance(error, InspanError):
        return error
    if isinstance(error, sqlite3.Error):
        return of_sqlite(error)
    return BadInput(f"a value cannot be stored: {error}")


def of_reading(error: Exception) -> InspanError:
    """Why rows could not be read: a row that is not what we wrote is damage."""
    if isinstance(error, InspanError):
        return error
    if isinstance(error, sqlite3.Error) and hasattr(error, "sqlite_errorcode"):
        return of_sqlite(error)
    return StoreCorrupt(f"a row of the database is not readable ({error!r})")
