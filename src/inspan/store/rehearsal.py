"""An upgrade of a database and the way back from it, both done on a copy.

Up to the schema of this inspan, down to the one before, and up again; looked through after each
step, and compared with what it was. What is rehearsed are the migrations that a start would run.
"""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from inspan.errors import SchemaTooNew
from inspan.store import faults
from inspan.store.migrate import downgrade, names, newest, upgrade, version_of
from inspan.store.snapshot import snapshot
from inspan.store.verify import verify

_NAME: Final = "inspan.db"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """What came of it. ``problems`` are sentences; none means that it can be done and undone."""

    before: int
    after: int
    #: The migrations that would run, in their order.
    steps: tuple[str, ...]
    #: True where a daemon was at work on the database meanwhile.
    live: bool
    tasks: int = 0
    events: int = 0
    #: Bytes of the database, and of what the upgrade takes beside it, its backup included.
    size: int = 0
    needed: int = 0
    problems: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """True where nothing was found amiss."""
        return not self.problems


def rehearse(path: Path, folder: Path) -> Rehearsed:
    """Rehearse on a copy of the database at ``path``, made in ``folder``, which is the caller's.

    Raises:
        SchemaTooNew: a newer inspan wrote it.
        StoreCorrupt, StoreFailed, DiskFull: it cannot be read, or the copy not made.
    """
    copy = folder / _NAME
    live = snapshot(path, copy)
    before, after = _version(copy), newest()
    if before > after:
        raise SchemaTooNew(f"{path} has schema version {before}; this inspan knows up to {after}")
    found = verify(copy)
    size = copy.stat().st_size
    problems = [f"as it is now: {problem}" for problem in found.problems]
    if not problems and before < after:
        problems = _there_and_back(copy, before)
    return Rehearsed(
        before=before,
        after=after,
        steps=tuple(names(before, after)),
        live=live,
        tasks=found.tasks,
        events=found.events,
        size=size,
        needed=max(0, _taken(folder) - size) if before < after else 0,
        problems=tuple(problems),
    )


def digest(path: Path) -> str:
    """One word for all that is in a database: its schema, its rows and their order."""
    found = hashlib.sha256()
    try:
        with closing(sqlite3.connect(path)) as connection:
            found.update(str(version_of(connection)).encode())
            for line in connection.iterdump():
                found.update(line.encode("utf-8", "surrogatepass") + b"\0")
    except sqlite3.Error as error:
        raise faults.of_sqlite(error) from error
    return found.hexdigest()


def _there_and_back(copy: Path, before: int) -> list[str]:
    was = digest(copy)
    upgrade(copy)
    risen = digest(copy)
    problems = [f"after the upgrade: {problem}" for problem in verify(copy).problems]
    if problems:
        return problems
    downgrade(copy, before)
    problems = [f"after the way back: {problem}" for problem in verify(copy).problems]
    if digest(copy) != was:
        problems.append("after the way back: the database is not what it was")
    if problems:
        return problems
    upgrade(copy)
    problems = [f"after the second upgrade: {problem}" for problem in verify(copy).problems]
    if digest(copy) != risen:
        problems.append("the second upgrade made something else than the first")
    return problems


def _version(path: Path) -> int:
    try:
        with closing(sqlite3.connect(path)) as connection:
            return version_of(connection)
    except sqlite3.Error as error:
        raise faults.of_sqlite(error) from error


def _taken(folder: Path) -> int:
    """Bytes of all that the rehearsal has left; the backup of the way down is none of an upgrade.

    It is left in nevertheless: room that is not needed harms nobody.
    """
    return sum(each.stat().st_size for each in folder.iterdir())
