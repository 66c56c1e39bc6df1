"""A backup put in the place of the database: looked through first, and nothing thrown away.

At no moment is there anything else at the database's place than the old one or the new one, whole.
It knows files and the lock, and leaves what is in them to ``verify``.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from inspan.errors import BadInput, StoreCorrupt, StoreFailed
from inspan.store.connection import connect
from inspan.store.lock import LockFile
from inspan.store.migrate import to_disk
from inspan.store.snapshot import log_of
from inspan.store.verify import Verified, verify

#: The write-ahead log of a database that can be opened goes into it.
_EMPTY_LOG: Final = "PRAGMA wal_checkpoint(TRUNCATE)"


@dataclass(frozen=True, slots=True)
class Restored:
    """What the database is now, and where the one before is kept, if there was one."""

    found: Verified
    aside: Path | None


def restore(backup: Path, path: Path, aside: Path) -> Restored:
    """Put a copy of ``backup`` at ``path``; what was there is kept at ``aside``.

    Raises:
        BadInput: the backup is no file, or the database itself.
        StoreCorrupt: the backup is damaged or not what an inspan wrote.
        SchemaTooNew: a newer inspan wrote it.
        StoreLocked: a daemon has the database.
        StoreFailed, DiskFull: there is no room, or it cannot be written.
    """
    if not backup.is_file():
        raise BadInput(f"there is no backup at {backup}", hint="`inspan db backup` makes one.")
    if backup.resolve() == path.resolve():
        raise BadInput(f"the backup cannot be the database itself ({path})")
    with LockFile.of(path):
        try:
            with tempfile.TemporaryDirectory(prefix="restore-", dir=path.parent) as folder:
                fresh = Path(folder) / path.name
                found = _fetched(backup, fresh)
                kept = _set_aside(path, aside)
                fresh.replace(path)
                to_disk(path.parent)
        except OSError as error:
            raise StoreFailed(f"{path} cannot be restored: {error.strerror or error}") from error
    return Restored(found, kept)


def _fetched(backup: Path, fresh: Path) -> Verified:
    """A copy of the backup, on the disk and sound. The backup itself is only read."""
    for source, to in ((backup, fresh), (log_of(backup), log_of(fresh))):
        if source.exists():
            shutil.copyfile(source, to)
            to.chmod(0o600)
    found = verify(fresh)
    if not found.ok:
        problem = f"the backup {backup} is not sound: {found.problems[0]}"
        raise StoreCorrupt(problem, hint="Nothing was changed. Is there an older backup?")
    to_disk(fresh)
    return found


def _set_aside(path: Path, aside: Path) -> Path | None:
    """Give the present database a second name; it stays at its place until it is replaced.

    What is in its log goes into it. Where it is damaged beyond opening, the log is kept beside it:
    another database at its place would take that log for its own.
    """
    if not path.exists():
        return None
    if log_of(path).exists():
        shutil.copy2(log_of(path), log_of(aside))
    with suppress(StoreFailed), closing(connect(path, check=False)) as connection:
        connection.execute(_EMPTY_LOG).fetchall()
        log_of(aside).unlink(missing_ok=True)
    os.link(path, aside)
    for name in ("wal", "shm"):
        path.with_name(f"{path.name}-{name}").unlink(missing_ok=True)
    to_disk(path.parent)
    return aside
