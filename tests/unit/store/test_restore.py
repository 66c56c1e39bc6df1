"""A backup put back: what is not sound changes nothing, and the database of before is kept."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from inspan.errors import (
    BadInput,
    InspanError,
    SchemaTooNew,
    StoreCorrupt,
    StoreFailed,
    StoreLocked,
)
from inspan.store import restore as restores
from inspan.store.connection import connect
from inspan.store.lock import LockFile
from inspan.store.migrate import backup, newest
from inspan.store.rehearsal import digest
from inspan.store.restore import restore
from inspan.store.snapshot import log_of
from inspan.store.verify import verify
from tests.golden.db.make import FOLDER

pytestmark = pytest.mark.requirement("E5")


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "state" / "inspan.db"
    path.parent.mkdir()
    shutil.copy(FOLDER / f"v{newest()}.db", path)
    return path


def do(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for each in statements:
            connection.execute(each)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"inspan.lock"}


def test_a_backup_is_put_back_and_the_database_of_before_is_kept(
    database: Path, tmp_path: Path
) -> None:
    kept, aside = tmp_path / "b.db", database.with_name("aside")
    backup(database, kept)
    was = digest(database)
    do(database, "UPDATE tasks SET key_digest = 'later'")
    later = digest(database)
    assert was != later
    done = restore(kept, database, aside)
    assert (done.aside, done.found.ok) == (aside, True)
    assert (digest(database), digest(aside), digest(kept)) == (was, later, was)
    assert database.stat().st_mode & 0o777 == 0o600
    # And back again: the one of before is a backup like any other.
    restore(aside, database, database.with_name("aside2"))
    assert digest(database) == later


@pytest.mark.parametrize("version", range(1, newest() + 1))
def test_backups_of_every_version_can_be_restored(
    database: Path, tmp_path: Path, version: int
) -> None:
    old = FOLDER / f"v{version}.db"
    before = old.read_bytes()
    done = restore(old, database, tmp_path / "aside")
    assert done.found.schema == version
    assert digest(database) == digest(tmp_path / "aside") if version == newest() else True
    assert old.read_bytes() == before


def test_what_was_written_last_goes_along_into_what_is_kept(database: Path, tmp_path: Path) -> None:
    """A daemon that was killed leaves its last changes in the log."""
    kept, aside = tmp_path / "b.db", database.with_name("aside")
    backup(database, kept)
    with closing(connect(database)) as daemon:
        daemon.execute("UPDATE tasks SET key_digest = 'last'")
        both = (database, log_of(database))
        crashed = [path.read_bytes() for path in both]
    for path, data in zip(both, crashed, strict=True):
        path.write_bytes(data)
    was = digest(kept)
    restore(kept, database, aside)
    assert not log_of(database).exists() or not log_of(database).stat().st_size
    with closing(sqlite3.connect(aside)) as connection:
        assert connection.execute("SELECT DISTINCT key_digest FROM tasks").fetchall() == [("last",)]
    assert digest(database) == was


def garbled(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4096 * 3 : 4096 * 3 + 64] = b"\xa5" * 64
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("harm", "error", "said"),
    [
        (garbled, StoreCorrupt, "damaged"),
        (
            lambda path: path.write_bytes(b"nonsense" * 1000),
            StoreCorrupt,
            "no valid|not a database",
        ),
        (lambda path: path.write_bytes(path.read_bytes()[:9000]), StoreCorrupt, "damaged"),
        (lambda path: path.write_bytes(b""), StoreCorrupt, "empty"),
        (Path.unlink, BadInput, "no backup"),
        (lambda path: do(path, "DELETE FROM attempts"), StoreCorrupt, "attempts are not"),
        (lambda path: do(path, f"PRAGMA user_version = {newest() + 1}"), SchemaTooNew, "knows"),
        (lambda path: do(path, "PRAGMA application_id = 5"), StoreCorrupt, "another program"),
    ],
)
def test_a_backup_that_is_not_sound_changes_nothing(
    database: Path,
    tmp_path: Path,
    harm: Callable[[Path], object],
    error: type[InspanError],
    said: str,
) -> None:
    kept = tmp_path / "b.db"
    backup(database, kept)
    do(database, "UPDATE tasks SET key_digest = 'later'")
    harm(kept)
    before, there = database.read_bytes(), names(database.parent)
    with pytest.raises(error, match=said):
        restore(kept, database, database.with_name("aside"))
    assert database.read_bytes() == before
    assert names(database.parent) == there


def test_a_daemon_that_has_the_database_is_not_disturbed(database: Path, tmp_path: Path) -> None:
    kept = tmp_path / "b.db"
    backup(database, kept)
    before = database.read_bytes()
    with LockFile.of(database), pytest.raises(StoreLocked):
        restore(kept, database, tmp_path / "aside")
    assert database.read_bytes() == before


def test_a_database_that_cannot_be_opened_any_more_is_replaced_with_its_log(
    database: Path, tmp_path: Path
) -> None:
    kept, aside = tmp_path / "b.db", database.with_name("aside")
    backup(database, kept)
    database.write_bytes(b"nonsense" * 1000)
    log_of(database).write_bytes(b"a log of it")
    restore(kept, database, aside)
    assert verify(database).ok
    assert aside.read_bytes() == b"nonsense" * 1000
    assert log_of(aside).read_bytes() == b"a log of it"


def test_where_there_was_none_the_backup_becomes_it(tmp_path: Path) -> None:
    (tmp_path / "fresh").mkdir()
    path = tmp_path / "fresh" / "inspan.db"
    assert restore(FOLDER / "v1.db", path, tmp_path / "aside").aside is None
    assert verify(path).ok
    with pytest.raises(BadInput, match="itself"):
        restore(path, path, tmp_path / "aside")


def test_a_disk_that_refuses_leaves_the_old_one_at_its_place(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "b.db"
    backup(database, kept)
    do(database, "UPDATE tasks SET key_digest = 'later'")
    before = digest(database)

    def full(_: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(restores, "to_disk", full)
    with pytest.raises(StoreFailed, match="No space left"):
        restore(kept, database, database.with_name("aside"))
    assert digest(database) == before
