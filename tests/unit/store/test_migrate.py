from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from inspan.control import EventQuery, TaskQuery
from inspan.errors import BadInput, SchemaTooNew, StoreCorrupt, StoreFailed, StoreLocked
from inspan.model.event import FACTS
from inspan.monitor.tally import Tally
from inspan.store.lock import LockFile
from inspan.store.migrate import backup, downgrade, newest, upgrade
from inspan.store.sqlite import SqliteStore
from inspan.store.verify import verify
from tests.golden.db.make import FOLDER, KEPT, MEASURED, coded, promised, story

pytestmark = pytest.mark.requirement("E5")

VERSIONS = range(1, newest() + 1)


@pytest.fixture
def golden(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    path = tmp_path / "inspan.db"
    shutil.copy(FOLDER / f"v{request.param}.db", path)
    return path


#: Facts that came to be after those databases were made.
NEWER = {
    "agent.began",
    "agent.usage",
    "attempt.deadline_warned",
    "attempt.stirred",
    "goal.planned",
    "permission.decided",
    "prompt.accepted",
    "prompt.settled",
    "provider.overloaded",
    "setup.done",
    "setup.failed",
    "setup.started",
    "task.handed_over",
    "task.parked",
}


def dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        version = connection.execute("PRAGMA user_version").fetchone()
        return [str(version), *connection.iterdump()]


def do(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for each in statements:
            connection.execute(each)


@pytest.mark.parametrize("golden", VERSIONS, indirect=True)
@pytest.mark.anyio
async def test_every_older_database_is_opened(golden: Path) -> None:
    store = await SqliteStore.open(golden)
    changes = story()
    events = await store.history(EventQuery())
    assert events == tuple(event for change in changes for event in change.events)
    assert {event.kind for event in events} == set(FACTS) - NEWER
    tasks = {task.id: task for change in changes for task in change.tasks}
    page = await store.list(TaskQuery())
    assert {task.id: task for task in page.tasks} == tasks
    await store.close()
    report = verify(golden)
    assert report.problems == ()
    assert (report.tasks, report.events) == (len(tasks), len(events))


@pytest.mark.parametrize("golden", VERSIONS, indirect=True)
def test_up_and_down_again_changes_nothing(golden: Path) -> None:
    with closing(sqlite3.connect(golden)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    before = dump(golden)
    assert upgrade(golden) == newest()
    assert verify(golden).ok
    assert downgrade(golden, version) == version
    assert verify(golden).ok
    assert dump(golden) == before


@pytest.mark.parametrize("golden", [newest()], indirect=True)
def test_each_step_down_and_up_is_sound(golden: Path) -> None:
    before = dump(golden)
    for version in reversed(VERSIONS):
        assert downgrade(golden, version) == version
        report = verify(golden)
        assert (report.schema, report.problems) == (version, ())
    for version in VERSIONS:
        assert upgrade(golden, version) == version
        assert verify(golden).ok
    tables = ("promises", "code_sessions", "code_values", "samples")
    lost = tuple(f'INTO "{table}"' for table in tables)
    assert dump(golden) == [line for line in before if not any(word in line for word in lost)]


@pytest.mark.parametrize("golden", [newest()], indirect=True)
@pytest.mark.anyio
async def test_promises_are_read_back_and_are_in_the_backup(golden: Path) -> None:
    made, settled = promised()
    expected = {promise.id: promise for promise in (*made.promised, *settled.settled)}
    store = await SqliteStore.open(golden)
    assert {name: await store.promise(name) for name in expected} == expected
    await store.close()
    assert verify(golden).promises == len(expected) == 6
    before = dump(golden)
    downgrade(golden, 2)
    assert dump(golden.with_name(f"inspan.db.v{newest()}.backup")) == before


@pytest.mark.parametrize("golden", [newest()], indirect=True)
@pytest.mark.anyio
async def test_code_sessions_are_read_back(golden: Path) -> None:
    made, changed = coded()
    expected = {session.id: session for session in (*made.code, *changed.code)}
    store = await SqliteStore.open(golden)
    assert await store.code_sessions(ended=True) == tuple(expected.values())
    await store.close()
    assert verify(golden).code_sessions == len(expected) == 2


@pytest.mark.parametrize("golden", [newest()], indirect=True)
@pytest.mark.anyio
async def test_what_was_measured_is_read_back(golden: Path) -> None:
    store = await SqliteStore.open(golden)
    at, span, body = MEASURED
    assert await store.samples(at - 1, at) == (body,)
    assert Tally.of(json.loads(body)).plain() == Tally().plain()
    assert await store.samples(at, at + 1) == await store.samples(0, at - span) == ()
    await store.put_sample(at + 60, 60.0, "{}", at + 1)
    assert await store.samples(0, at + 99) == ("{}",)
    await store.close()
    do(golden, "UPDATE samples SET body = '{'")
    (problem,) = verify(golden).problems
    assert problem.startswith(f"sample of {at + 60}: ")


@pytest.mark.parametrize("golden", [newest()], indirect=True)
@pytest.mark.anyio
async def test_what_code_keeps_is_read_back(golden: Path) -> None:
    store = await SqliteStore.open(golden)
    assert [await store.value(space, key) for space, key, _ in KEPT] == [kept[2] for kept in KEPT]
    await store.close()


@pytest.mark.parametrize("golden", [1], indirect=True)
def test_a_backup_is_made_before_each_migration(golden: Path) -> None:
    before = dump(golden)
    upgrade(golden)
    kept = golden.with_name("inspan.db.v1.backup")
    assert dump(kept) == before
    after = dump(golden)
    downgrade(golden, 1)
    assert dump(golden.with_name(f"inspan.db.v{newest()}.backup")) == after
    assert kept.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("golden", [newest()], indirect=True)
def test_a_backup_is_whole_and_replaces_the_one_before(golden: Path, tmp_path: Path) -> None:
    target = tmp_path / "copies" / "b.db"
    target.parent.mkdir()
    backup(golden, target)
    first = target.stat().st_ino
    backup(golden, target)
    assert target.stat().st_ino != first
    assert dump(target) == dump(golden)
    assert sorted(path.name for path in target.parent.iterdir()) == ["b.db"]


@pytest.mark.parametrize("golden", [newest()], indirect=True)
def test_what_cannot_be_migrated_is_refused(golden: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot go down to"):
        downgrade(golden, newest() + 1)
    with pytest.raises(BadInput, match="cannot go down to 0"):
        downgrade(golden, 0)
    with pytest.raises(BadInput, match="there is no schema version"):
        upgrade(golden, newest() + 1)
    with pytest.raises(BadInput, match="already"):
        upgrade(golden, newest() - 1)
    with pytest.raises(BadInput, match="itself"):
        backup(golden, tmp_path / "." / "inspan.db")
    with pytest.raises(StoreFailed, match="cannot be written"):
        backup(golden, tmp_path / "missing" / "b.db")
    with pytest.raises(StoreFailed, match="no database"):
        upgrade(tmp_path / "missing.db")
    assert upgrade(golden) == newest()


@pytest.mark.parametrize("golden", [newest()], indirect=True)
def test_a_newer_schema_is_left_alone(golden: Path) -> None:
    do(golden, f"PRAGMA user_version = {newest() + 1}")
    before = golden.read_bytes()
    for call in (upgrade, verify, lambda path: downgrade(path, 1)):
        with pytest.raises(SchemaTooNew, match=f"version {newest() + 1}"):
            call(golden)
    assert golden.read_bytes() == before


@pytest.mark.parametrize("golden", [newest()], indirect=True)
def test_a_database_in_use_is_left_alone(golden: Path) -> None:
    with LockFile(golden.parent), pytest.raises(StoreLocked, match="held by pid"):
        verify(golden)


@pytest.mark.parametrize("golden", [1], indirect=True)
def test_a_migration_that_fails_changes_nothing(golden: Path) -> None:
    do(golden, "CREATE TABLE attempts (x)")
    before = dump(golden)
    with pytest.raises(StoreFailed, match="already exists"):
        upgrade(golden)
    assert dump(golden) == before


@pytest.mark.parametrize("golden", [1], indirect=True)
@pytest.mark.anyio
async def test_an_opening_whose_migration_fails_lets_go(golden: Path) -> None:
    do(golden, "CREATE TABLE attempts (x)")
    with pytest.raises(StoreFailed, match="already exists"):
        await SqliteStore.open(golden)
    do(golden, "DROP TABLE attempts")
    store = await SqliteStore.open(golden)
    await store.close()


@pytest.mark.parametrize("golden", [newest()], indirect=True)
@pytest.mark.parametrize(
    ("change", "word"),
    [
        ("UPDATE tasks SET state = 'running' WHERE number = 1", "its state is not"),
        ("UPDATE tasks SET body = '{}' WHERE number = 1", "its attempt is not"),
        ("UPDATE tasks SET body = 'x' WHERE number = 1", "not readable"),
        ("UPDATE tasks SET tail = 'x' WHERE number = 1", "found by"),
        ("UPDATE tasks SET state = 'odd' WHERE number = 1", "not readable"),
        ("UPDATE events SET body = '{' WHERE seq = 2", "not readable"),
        ("UPDATE events SET body = '{\"kind\":\"odd\"}' WHERE seq = 2", "not readable"),
        ("UPDATE events SET body = '{\"kind\":\"task.readied\"}' WHERE seq = 3", "cannot have"),
        ("DELETE FROM events WHERE task = (SELECT id FROM tasks WHERE number = 1)", "not readable"),
        ("UPDATE events SET kind = 'odd' WHERE seq = 2", "found by is not its own"),
        ("UPDATE events SET correlation = 'odd' WHERE seq = 2", "correlation is not its task's"),
        ("UPDATE events SET seq = -1 WHERE seq = 1", "below 1"),
        ("UPDATE attempts SET exit_code = 77", "attempts are not"),
        ("DELETE FROM attempts", "attempts are not"),
        ("DELETE FROM tasks WHERE number = 2", "belongs to nothing"),
        ("UPDATE promises SET state = 'odd' WHERE number = 1", "not readable"),
        ("UPDATE promises SET value = '{' WHERE number = 2", "not readable"),
        ("UPDATE promises SET completed_at = NULL WHERE number = 2", "its time of completion"),
        ("UPDATE promises SET completed_at = 5 WHERE number = 1", "its time of completion"),
        ("UPDATE code_sessions SET state = 'odd' WHERE number = 1", "found by"),
        ("UPDATE code_sessions SET body = '{' WHERE number = 2", "not readable"),
        ("UPDATE code_values SET value = '{' WHERE key = 'key'", "value 'key' of shared:mine"),
        ("DROP INDEX tasks_by_tail", "tasks_by_tail"),
        ("CREATE TABLE strange (x)", "strange"),
    ],
)  # fmt: skip
def test_verify_finds_what_is_amiss(golden: Path, change: str, word: str) -> None:
    do(golden, "PRAGMA foreign_keys = OFF", change)
    report = verify(golden)
    assert not report.ok
    assert any(word in problem for problem in report.problems), report.problems


@pytest.mark.parametrize("golden", [newest()], indirect=True)
def test_verify_tells_the_first_of_many(golden: Path) -> None:
    do(golden, "PRAGMA foreign_keys = OFF", "DELETE FROM tasks")
    report = verify(golden)
    assert len(report.problems) == 21
    assert report.problems[-1] == "and more of this kind"


@pytest.mark.parametrize("golden", [newest()], indirect=True)
def test_verify_reads_a_file_with_a_damaged_page(golden: Path) -> None:
    data = bytearray(golden.read_bytes())
    data[4096 * 3 : 4096 * 3 + 64] = b"\xa5" * 64
    golden.write_bytes(data)
    report = verify(golden)
    assert any("damaged" in problem for problem in report.problems)
    with pytest.raises(StoreCorrupt):
        upgrade(golden)
