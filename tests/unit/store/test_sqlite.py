from __future__ import annotations

import asyncio
import fcntl
import gc
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest

from inspan.control import EventQuery, PrunePolicy
from inspan.errors import (
    BadInput,
    StoreFailed,
    StoreLocked,
)
from inspan.model.task import Patience
from inspan.store.lock import NAME
from inspan.store.sqlite import SqliteStore
from inspan.store.verify import verify
from tests.fakes.lives import SPEC, Author, seqs

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("A4")]

ROOT = Path(__file__).parents[3]
#: Commits for ever, 20 at a time, and prints each sequence number that was acknowledged.
WRITER = """
import asyncio, sys
from pathlib import Path
from inspan.store.sqlite import SqliteStore
from tests.fakes.lives import Author, seqs

async def main():
    store = await SqliteStore.open(Path(sys.argv[1]))
    author = Author(seq=await store.last_seq())
    author.at += author.seq
    print("open", flush=True)
    async def commit(change):
        await store.commit(change)
        print(change.events[-1].seq, flush=True)
    while len(sys.argv) < 3:
        await asyncio.gather(*(commit(author.ended()) for _ in range(20)))
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "inspan.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    opened = await SqliteStore.open(path)
    yield opened
    await opened.close()


@pytest.fixture
def author() -> Author:
    return Author()


def run(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), *sys.path))},
    )


def sql(store: SqliteStore, statement: str) -> Any:
    """Run something in the store's own thread."""
    return store._owner.submit(lambda connection: connection.execute(statement).fetchall())


def open_files() -> int:
    return len(list(Path("/dev/fd").iterdir()))


def program(script: str, path: Path) -> tuple[int, str, str]:
    """Exit code, output and errors of a program that is given ``path``."""
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), *sys.path))},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


# ── the file ──────────────────────────────────────────────────────────────────


async def test_only_the_owner_can_read_the_files(path: Path, author: Author) -> None:
    old = os.umask(0)
    try:
        store = await SqliteStore.open(path)
        await store.commit(author.submit())
        assert path.parent.stat().st_mode & 0o777 == 0o700
        assert {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {
            "inspan.db": 0o600,
            "inspan.db-wal": 0o600,
            NAME: 0o600,
        }
        await store.close()
    finally:
        os.umask(old)


async def test_a_file_that_others_could_read_is_closed_to_them(path: Path) -> None:
    await (await SqliteStore.open(path)).close()
    path.chmod(0o644)
    await (await SqliteStore.open(path)).close()
    assert path.stat().st_mode & 0o777 == 0o600


async def test_a_number_stays_given_when_its_events_are_pruned_and_it_is_opened_again(
    path: Path, author: Author
) -> None:
    store = await SqliteStore.open(path)
    await store.commit(author.ended())
    await store.prune(PrunePolicy(older_than=0), author.at + 1)
    await store.close()
    store = await SqliteStore.open(path)
    assert await store.history(EventQuery()) == ()
    assert await store.last_seq() == author.seq > 0
    await store.close()


async def test_the_durability_is_what_was_asked_for(path: Path, store: SqliteStore) -> None:
    assert await sql(store, "PRAGMA synchronous") == [(2,)]
    assert await sql(store, "PRAGMA journal_mode") == [("wal",)]
    assert await sql(store, "PRAGMA foreign_keys") == [(1,)]
    assert store.version == sqlite3.sqlite_version
    await store.close()
    quick = await SqliteStore.open(path, synchronous="OFF")
    assert await sql(quick, "PRAGMA synchronous") == [(0,)]
    await quick.close()


async def test_what_was_stored_is_there_after_opening_again(path: Path, author: Author) -> None:
    store = await SqliteStore.open(path)
    changes = [change for _ in range(5) for change in author.no_op()]
    for change in changes:
        await store.commit(change)
    await store.close()
    store = await SqliteStore.open(path)
    assert await store.last_seq() == 25
    for task in author.tasks.values():
        assert await store.get(task.id) == task
    await store.close()
    assert verify(path).ok


async def test_nothing_is_left_of_a_closed_store(path: Path) -> None:
    await (await SqliteStore.open(path)).close()
    gc.collect()
    threads, files = threading.active_count(), open_files()
    for _ in range(20):
        await (await SqliteStore.open(path)).close()
    assert threading.active_count() == threads
    assert open_files() == files


# ── who holds it ──────────────────────────────────────────────────────────────


async def test_the_holder_is_named(path: Path, store: SqliteStore) -> None:
    assert await store.last_seq() == 0
    with pytest.raises(StoreLocked, match=f"held by pid {os.getpid()} "):
        await SqliteStore.open(path)


async def test_a_holder_in_another_process_is_named_and_its_lock_dies_with_it(
    path: Path,
) -> None:
    child = run(str(path), "quiet")
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == "open\n"
        with pytest.raises(StoreLocked, match=f"pid {child.pid} .*{path}"):
            await SqliteStore.open(path)
        child.kill()
    await (await SqliteStore.open(path)).close()


async def test_a_holder_without_a_name_is_told_too(path: Path) -> None:
    path.parent.mkdir()
    with (path.parent / NAME).open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(StoreLocked, match="did not say its name"):
            await SqliteStore.open(path)


async def test_a_stranger_with_the_database_open_is_told(path: Path, author: Author) -> None:
    await (await SqliteStore.open(path)).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as stranger:
        stranger.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreLocked, match="database is locked"):
            await SqliteStore.open(path)
        stranger.execute("ROLLBACK")
    store = await SqliteStore.open(path)
    await store.commit(author.submit())
    with (
        closing(sqlite3.connect(path, timeout=0)) as stranger,
        pytest.raises(sqlite3.OperationalError, match="locked"),
    ):
        stranger.execute("SELECT * FROM tasks").fetchall()
    await store.close()


async def test_an_opening_that_is_given_up_lets_go(path: Path) -> None:
    # Stores of tests that failed before this one may have threads of that name, too.
    others = set(threading.enumerate())
    with anyio.move_on_after(0):
        await SqliteStore.open(path)
    for thread in set(threading.enumerate()) - others:
        thread.join(30)
    await (await SqliteStore.open(path)).close()


async def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreFailed, match="cannot be opened"):
        await SqliteStore.open(tmp_path / "file" / "inspan.db")


async def test_a_database_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    (tmp_path / "inspan.db").mkdir()
    with pytest.raises(StoreFailed, match="cannot be opened"):
        await SqliteStore.open(tmp_path / "inspan.db")


# ── killed ────────────────────────────────────────────────────────────────────


async def test_nothing_acknowledged_is_lost_when_the_process_is_killed(path: Path) -> None:
    last = 0
    for kill in range(5):
        child = run(str(path))
        assert child.stdout is not None
        assert child.stdout.readline() == "open\n"
        acknowledged = [int(child.stdout.readline()) for _ in range(40 + 37 * kill)]
        child.send_signal(signal.SIGKILL)
        acknowledged += [int(line) for line in child.stdout if line.endswith("\n")]
        child.stdout.close()
        assert child.wait(30) == -signal.SIGKILL
        store = await SqliteStore.open(path)
        stored = {event.seq for event in await store.history(EventQuery(since=last, limit=10**6))}
        last = await store.last_seq()
        await store.close()
        assert set(acknowledged) <= stored
    assert verify(path).ok


def test_a_program_that_ends_without_closing_ends(path: Path) -> None:
    script = """
import asyncio, sys
from pathlib import Path
from inspan.store.sqlite import SqliteStore
from tests.fakes.lives import Author, seqs

async def main():
    store = await SqliteStore.open(Path(sys.argv[1]))
    await store.commit(Author().ended())

asyncio.run(main())
"""
    assert program(script, path) == (0, "", "")
    report = verify(path)
    assert (report.problems, report.events) == ((), 5)


def test_a_file_size_limit_fails_the_write_and_nothing_more(path: Path) -> None:
    """Another errno than a full disk: the kernel refuses to let the file grow."""
    script = """
import asyncio, resource, signal, sys
from dataclasses import replace
from pathlib import Path
from inspan.errors import StoreFailed
from inspan.store.sqlite import SqliteStore
from tests.fakes.lives import SPEC, Author, seqs

async def main():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    store = await SqliteStore.open(Path(sys.argv[1]))
    author = Author()
    await store.commit(author.submit())
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
    large = author.submit(replace(SPEC, prompt="x" * 1_000_000))
    try:
        await store.commit(large)
    except StoreFailed as error:
        print(type(error).__name__)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    await store.commit(large)
    print(await store.last_seq())
    await store.close()

asyncio.run(main())
"""
    assert program(script, path) == (0, "StoreFailed\n2\n", "")
    assert verify(path).ok


# ── the queue ─────────────────────────────────────────────────────────────────


async def test_more_commits_than_the_queue_holds_wait_their_turn(
    store: SqliteStore, author: Author
) -> None:
    changes = [author.submit() for _ in range(5000)]
    seen: list[int] = []
    store.on_commit = lambda changes: seen.extend(seqs(changes))
    await asyncio.gather(*map(store.commit, changes))
    assert seen == list(range(1, 5001))


async def test_closing_finishes_what_is_queued(path: Path, author: Author) -> None:
    store = await SqliteStore.open(path)
    changes = [author.submit() for _ in range(5000)]
    commits = [asyncio.ensure_future(store.commit(change)) for change in changes]
    await asyncio.sleep(0)
    await store.close()
    outcomes = await asyncio.gather(*commits, return_exceptions=True)
    done = [outcome for outcome in outcomes if outcome is None]
    refused = [outcome for outcome in outcomes if isinstance(outcome, StoreFailed)]
    assert len(done) >= 4096
    assert len(done) + len(refused) == 5000
    again = await SqliteStore.open(path)
    assert await again.last_seq() == len(done)
    await again.close()


async def test_a_listener_that_fails_fails_no_commit(store: SqliteStore, author: Author) -> None:
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))

    def fail(_: object) -> None:
        raise ZeroDivisionError

    store.on_commit = fail
    await store.commit(author.submit())
    asyncio.get_running_loop().set_exception_handler(None)
    assert [type(context["exception"]) for context in told] == [ZeroDivisionError]


async def test_a_value_that_cannot_be_stored_fails_its_own_change_only(
    store: SqliteStore, author: Author
) -> None:
    good = author.submit()
    odd = author.submit(replace(SPEC, patience=Patience(idle=float("nan"))))
    large = author.submit(replace(SPEC, priority=1 << 70))
    outcomes = await asyncio.gather(*map(store.commit, (good, odd, large)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [type(None), BadInput, BadInput]
    assert await store.last_seq() == 1


def test_a_loop_that_goes_away_ends_the_thread(tmp_path: Path) -> None:
    go_on = threading.Event()

    async def leave() -> tuple[threading.Thread, asyncio.Future[Any]]:
        store = await SqliteStore.open(tmp_path / "inspan.db")
        waiting = asyncio.ensure_future(store._owner.submit(lambda _: go_on.wait(10)))
        await asyncio.sleep(0)
        return store._owner._thread, waiting

    thread, waiting = asyncio.run(leave())
    go_on.set()
    thread.join(30)
    assert not thread.is_alive()
    assert waiting.cancelled()


def test_a_loop_that_goes_away_before_a_commit_is_told_ends_the_thread(tmp_path: Path) -> None:
    go_on = threading.Event()

    async def leave() -> threading.Thread:
        store = await SqliteStore.open(tmp_path / "inspan.db")
        held = asyncio.ensure_future(store._owner.submit(lambda _: go_on.wait(10)))
        commit = asyncio.ensure_future(store.commit(Author().submit()))
        await asyncio.sleep(0)
        assert not held.done()
        assert not commit.done()
        return store._owner._thread

    thread = asyncio.run(leave())
    go_on.set()
    thread.join(30)
    assert not thread.is_alive()
