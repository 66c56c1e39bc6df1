from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from inspan.control import EventQuery, PrunePolicy, TaskQuery
from inspan.errors import DiskFull, SchemaTooNew, StoreCorrupt
from inspan.store.migrate import newest
from inspan.store.sqlite import SqliteStore
from inspan.store.verify import verify
from tests.fakes.lives import SPEC, Author, merged, seqs

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("A4")]


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


def sql(store: SqliteStore, statement: str) -> Any:
    """Run something in the store's own thread."""
    return store._owner.submit(lambda connection: connection.execute(statement).fetchall())


# ── damage ────────────────────────────────────────────────────────────────────


async def test_a_file_that_is_no_database_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("Dear diary,\n" * 1000)
    with pytest.raises(StoreCorrupt, match="not a database"):
        await SqliteStore.open(path)
    assert path.read_text() == "Dear diary,\n" * 1000


async def test_a_database_of_another_program_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE cookies (x)")
    before = path.read_bytes()
    with pytest.raises(StoreCorrupt, match="another program"):
        await SqliteStore.open(path)
    assert path.read_bytes() == before


async def test_a_newer_schema_is_refused(path: Path) -> None:
    await (await SqliteStore.open(path)).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(SchemaTooNew, match=f"version 99; this inspan knows up to {newest()}"):
        await SqliteStore.open(path)


async def test_a_damaged_page_is_told_at_opening(path: Path, author: Author) -> None:
    store = await SqliteStore.open(path)
    await store.commit(merged(*(author.ended() for _ in range(200))))
    await store.close()
    whole = path.read_bytes()
    assert len(whole) > 40 * 4096
    for page in range(1, 40):
        data = bytearray(whole)
        data[page * 4096 : page * 4096 + 8] = bytes(255 - byte for byte in data[page * 4096 :][:8])
        path.write_bytes(data)
        with pytest.raises(StoreCorrupt):
            await SqliteStore.open(path)
    path.write_bytes(whole)
    await (await SqliteStore.open(path)).close()


async def test_damage_under_an_open_store_is_told_by_reads_and_writes(
    path: Path, store: SqliteStore, author: Author
) -> None:
    await store.commit(author.submit())
    await sql(store, "PRAGMA wal_checkpoint(TRUNCATE)")
    await sql(store, "PRAGMA cache_size = 0")
    await sql(store, "PRAGMA shrink_memory")
    data = bytearray(path.read_bytes())
    for page in range(1, len(data) // 4096):
        data[page * 4096 : page * 4096 + 100] = b"\xee" * 100
    path.write_bytes(data)
    with pytest.raises(StoreCorrupt):
        await store.list(TaskQuery())
    with pytest.raises(StoreCorrupt):
        await store.commit(author.submit())


async def test_a_row_that_is_not_ours_is_damage(store: SqliteStore, author: Author) -> None:
    change = author.submit()
    await store.commit(change)
    await sql(store, "UPDATE events SET body = '[]'")
    with pytest.raises(StoreCorrupt, match="not readable"):
        await store.history(EventQuery())
    with pytest.raises(StoreCorrupt, match="not readable"):
        await store.get(change.tasks[0].id)
    await sql(store, "UPDATE events SET body = CAST(x'ff22' AS TEXT)")
    with pytest.raises(StoreCorrupt, match="not readable"):
        await store.history(EventQuery())


async def test_a_wal_that_was_torn_keeps_what_came_before_the_tear(
    path: Path, store: SqliteStore, author: Author, tmp_path: Path
) -> None:
    for _ in range(12):
        await store.commit(author.ended())
    database, wal = path.read_bytes(), path.with_name("inspan.db-wal").read_bytes()
    kept = []
    for tenth in range(11):
        torn = tmp_path / str(tenth) / "inspan.db"
        torn.parent.mkdir()
        torn.write_bytes(database)
        torn.with_name("inspan.db-wal").write_bytes(wal[: len(wal) * tenth // 10 + tenth % 2])
        again = await SqliteStore.open(torn)
        events = await again.history(EventQuery())
        await again.close()
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        assert verify(torn).ok
        kept.append(len(events))
    assert kept == sorted(kept)
    assert kept[0] == 0
    assert 0 < kept[5] < kept[10] == 60


# ── no room ───────────────────────────────────────────────────────────────────


async def test_a_full_disk_is_told_and_the_store_goes_on(
    path: Path, store: SqliteStore, author: Author
) -> None:
    await store.commit(author.submit(key="before"))
    ((pages,),) = await sql(store, "PRAGMA page_count")
    await sql(store, f"PRAGMA max_page_count = {pages + 2}")
    large, small = author.submit(replace(SPEC, prompt="x" * 100_000)), author.submit()
    seen: list[int] = []
    store.on_commit = lambda changes: seen.extend(seqs(changes))
    outcomes = await asyncio.gather(
        store.commit(large), store.commit(small), return_exceptions=True
    )
    assert isinstance(outcomes[0], DiskFull)
    assert outcomes[1] is None
    assert seen == [small.events[0].seq]
    await sql(store, "PRAGMA max_page_count = 1000000")
    await store.commit(large)
    assert await store.get(large.tasks[0].id) == large.tasks[0]
    await store.close()
    assert verify(path).ok


async def test_pruning_on_a_full_disk_is_told(store: SqliteStore, author: Author) -> None:
    for _ in range(3):
        await store.commit(author.ended())
    await sql(store, "CREATE TABLE ballast (x)")
    await sql(
        store,
        "CREATE TRIGGER fill AFTER DELETE ON tasks BEGIN "
        "INSERT INTO ballast VALUES (zeroblob(100000)); END",
    )
    ((pages,),) = await sql(store, "PRAGMA page_count")
    await sql(store, f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(DiskFull):
        await store.prune(PrunePolicy(older_than=0), author.at + 1)
    assert (await store.list(TaskQuery())).counts == {"completed": 3}
