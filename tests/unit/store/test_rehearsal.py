"""An upgrade and its way back, rehearsed on a copy of each database that an older inspan wrote."""

from __future__ import annotations

import itertools
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from inspan.errors import SchemaTooNew, StoreCorrupt, StoreFailed
from inspan.store import migrate, rehearsal, snapshot
from inspan.store.connection import APPLICATION, connect
from inspan.store.lock import LockFile
from inspan.store.migrate import names, newest, upgrade
from inspan.store.rehearsal import digest, rehearse
from tests.golden.db.make import FOLDER

pytestmark = pytest.mark.requirement("E5")

OLDER = range(1, newest())


@pytest.fixture
def database(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    path = tmp_path / "inspan.db"
    shutil.copy(FOLDER / f"v{request.param}.db", path)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rehearsal").mkdir()
    return tmp_path / "rehearsal"


def do(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for each in statements:
            connection.execute(each)


@pytest.mark.parametrize("database", OLDER, indirect=True)
def test_every_older_database_goes_up_and_comes_back(database: Path, folder: Path) -> None:
    version = int(digest_version(database))
    before = database.read_bytes(), digest(database)
    found = rehearse(database, folder)
    assert found.problems == ()
    assert (found.before, found.after, found.live) == (version, newest(), False)
    assert found.steps == tuple(names(version, newest()))
    assert len(found.steps) == newest() - version
    assert found.tasks > 0 < found.events
    assert (database.read_bytes(), digest(database)) == before
    # What it says that the upgrade takes is there for it.
    upgrade(database)
    beside = [path for path in database.parent.iterdir() if path.name.startswith("inspan.db")]
    assert sum(path.stat().st_size for path in beside) - found.size <= found.needed


def digest_version(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        return str(connection.execute("PRAGMA user_version").fetchone()[0])


@pytest.mark.parametrize("database", [newest()], indirect=True)
def test_where_nothing_would_change_the_database_is_looked_through(
    database: Path, folder: Path
) -> None:
    found = rehearse(database, folder)
    assert (found.ok, found.steps, found.needed) == (True, (), 0)
    do(database, "UPDATE tasks SET tail = 'x' WHERE number = 1")
    shutil.rmtree(folder)
    folder.mkdir()
    found = rehearse(database, folder)
    assert not found.ok
    assert found.problems[0].startswith("as it is now: task ")


@pytest.mark.parametrize("database", [1], indirect=True)
def test_a_way_back_that_loses_something_is_found(
    database: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = migrate.downgrade

    def lossy(path: Path, to: int) -> int:
        version = real(path, to)
        do(path, "UPDATE tasks SET key_digest = 'other' WHERE number = 1")
        return version

    monkeypatch.setattr(rehearsal, "downgrade", lossy)
    assert rehearse(database, folder).problems == (
        "after the way back: the database is not what it was",
    )


@pytest.mark.parametrize("database", [1], indirect=True)
def test_a_migration_that_damages_is_found(
    database: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = migrate.upgrade

    def careless(path: Path) -> int:
        version = real(path)
        do(path, "DELETE FROM attempts")
        return version

    monkeypatch.setattr(rehearsal, "upgrade", careless)
    problems = rehearse(database, folder).problems
    assert problems
    assert all(problem.startswith("after the upgrade: task ") for problem in problems)


@pytest.mark.parametrize("database", [1], indirect=True)
def test_a_newer_or_damaged_database_is_refused_and_left_alone(
    database: Path, folder: Path
) -> None:
    do(database, f"PRAGMA user_version = {newest() + 1}")
    with pytest.raises(SchemaTooNew):
        rehearse(database, folder)
    database.write_bytes(b"no database at all" * 1000)
    before = database.read_bytes()
    with pytest.raises(StoreCorrupt):
        rehearse(database, folder)
    assert database.read_bytes() == before


@pytest.mark.parametrize("database", [1], indirect=True)
def test_a_database_at_work_is_copied_with_what_is_in_its_log(database: Path, folder: Path) -> None:
    with LockFile.of(database), closing(connect(database)) as daemon:
        daemon.execute(
            "INSERT INTO tasks SELECT 99, 'new', tail, seq, state, role, name, priority,"
            " created_at, ended_at, correlation, NULL, NULL, body FROM tasks LIMIT 1"
        )
        assert snapshot.log_of(database).stat().st_size > 0
        assert snapshot.snapshot(database, folder / "copy.db") is True
        with closing(sqlite3.connect(folder / "copy.db")) as copy:
            assert copy.execute("SELECT count(*) FROM tasks WHERE id = 'new'").fetchone() == (1,)
        daemon.execute("DELETE FROM tasks WHERE id = 'new'")
        found = rehearse(database, folder)
        assert (found.problems, found.live) == ((), True)


@pytest.mark.parametrize("database", [1], indirect=True)
def test_a_copy_across_a_checkpoint_is_made_again(
    database: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database is copied, then a checkpoint moves the log into it: the two do not fit."""
    real, copied = snapshot._copied, list[str]()
    with LockFile.of(database), closing(connect(database)) as daemon:
        daemon.execute("UPDATE tasks SET key_digest = 'first'")

        def slow(path: Path, to: Path) -> None:
            real(path, to)
            copied.append(path.name)
            if len(copied) == 1:
                daemon.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
                daemon.execute("UPDATE tasks SET key_digest = 'second' WHERE number = 1")

        monkeypatch.setattr(snapshot, "_copied", slow)
        snapshot.snapshot(database, folder / "copy.db")
        assert copied == ["inspan.db", "inspan.db-wal"] * 2
        with closing(sqlite3.connect(folder / "copy.db")) as copy:
            told = copy.execute("SELECT key_digest FROM tasks ORDER BY number").fetchall()
        assert told[0] == ("second",)
        assert {*told[1:]} == {("first",)}


@pytest.mark.parametrize("database", [1], indirect=True)
def test_a_database_that_never_rests_is_given_up(
    database: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "_PAUSE", 0.0)
    real = snapshot._copied

    def restless(path: Path, to: Path) -> None:
        real(path, to)
        seen = database.stat()
        os.utime(database, ns=(seen.st_atime_ns, seen.st_mtime_ns + 1))

    monkeypatch.setattr(snapshot, "_copied", restless)
    with LockFile.of(database), pytest.raises(StoreFailed, match="written to so much"):
        snapshot.snapshot(database, folder / "copy.db")


def test_copies_beside_a_writer_that_never_rests_are_each_of_one_moment(tmp_path: Path) -> None:
    """Two rows have one sum before and after each transaction; checkpoints come all the time."""
    path, over = tmp_path / "inspan.db", threading.Event()
    ready = threading.Event()

    def write() -> None:
        with LockFile.of(path), closing(connect(path, "OFF")) as daemon:
            daemon.execute("PRAGMA wal_autocheckpoint = 30").fetchall()
            daemon.execute("CREATE TABLE sums (id INTEGER PRIMARY KEY, amount INTEGER, pad BLOB)")
            daemon.execute("INSERT INTO sums VALUES (1, 500, ''), (2, 500, '')")
            daemon.execute(f"PRAGMA application_id = {APPLICATION}")
            for number in itertools.count():
                daemon.execute("BEGIN")
                daemon.execute("UPDATE sums SET amount = amount - 1 WHERE id = 1")
                daemon.execute("INSERT INTO sums VALUES (NULL, 0, zeroblob(5000))")
                daemon.execute("DELETE FROM sums WHERE id = ? AND id > 2", (number - 100,))
                daemon.execute("UPDATE sums SET amount = amount + 1 WHERE id = 2")
                daemon.execute("COMMIT")
                ready.set()
                if over.wait(0.0005):
                    return

    writer = threading.Thread(target=write)
    writer.start()
    seen = set()
    try:
        assert ready.wait(30)
        for number in range(30):
            copy = tmp_path / f"copy{number}.db"
            snapshot.whole_snapshot(path, copy)
            with closing(sqlite3.connect(copy)) as connection:
                assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
                one, other = connection.execute(
                    "SELECT amount FROM sums WHERE id < 3 ORDER BY id"
                ).fetchall()
            assert one[0] + other[0] == 1000
            seen.add(one[0])
            assert not copy.with_name(f"{copy.name}-wal").exists()
    finally:
        over.set()
        writer.join(30)
    assert len(seen) > 5  # it did write meanwhile
    assert not [*tmp_path.glob("backup-*")]


@pytest.mark.parametrize("database", [1], indirect=True)
@pytest.mark.parametrize(
    ("copy", "place", "why"),
    [
        (snapshot.whole_snapshot, "none/backup.db", r"backup\.db cannot be written: No such file"),
        (snapshot.snapshot, "none/copy.db", r"inspan\.db cannot be copied: No such file"),
        (snapshot.snapshot, "folder", r"inspan\.db cannot be copied: "),
    ],
)
def test_a_copy_beside_a_daemon_that_has_no_place_is_said(
    database: Path, copy: Callable[[Path, Path], object], place: str, why: str
) -> None:
    (database.parent / "folder").mkdir()
    before = database.read_bytes()
    with LockFile.of(database), pytest.raises(StoreFailed, match=why):
        copy(database, database.parent / place)
    assert database.read_bytes() == before
    assert not [*database.parent.glob("**/backup-*")]


@pytest.mark.parametrize("database", [1], indirect=True)
def test_a_database_that_goes_while_it_is_copied_is_said(
    database: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = snapshot._copied

    def gone(path: Path, to: Path) -> None:
        real(path, to)
        path.unlink(missing_ok=True)

    monkeypatch.setattr(snapshot, "_copied", gone)
    with (
        LockFile.of(database),
        pytest.raises(StoreFailed, match=r"inspan\.db cannot be copied: No"),
    ):
        snapshot.snapshot(database, folder / "copy.db")


def test_damage_is_told_beside_a_daemon_too(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "inspan.db"
    path.write_bytes(b"no database at all" * 1000)
    with LockFile.of(path), pytest.raises(StoreCorrupt, match="not a database"):
        rehearse(path, folder)
    with pytest.raises(StoreCorrupt, match="not a database"):
        digest(path)
    assert path.read_bytes() == b"no database at all" * 1000
