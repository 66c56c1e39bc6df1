"""When those who wait for the store's thread are told."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from inspan.engine.ports import Change
from inspan.errors import InspanError, StoreFailed
from inspan.store.owner import Owner

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("A4")]


class Disk:
    """Stands for the writer. Each transaction stops twice until it may go on: before its rows are
    written, and when the disk is all that it waits for.
    """

    def __init__(self) -> None:
        self.rows = threading.Semaphore(0)
        self.disk = threading.Semaphore(0)
        #: A transaction has begun.
        self.begun = asyncio.Event()
        self.fails = False
        self._loop = asyncio.get_running_loop()

    def write(
        self, _: sqlite3.Connection, changes: Sequence[Change], meanwhile: Callable[[], object]
    ) -> list[InspanError | None]:
        self._loop.call_soon_threadsafe(self.begun.set)
        self.rows.acquire()
        if self.fails:
            return [StoreFailed("no room") for _ in changes]
        meanwhile()
        self.disk.acquire()
        return [None for _ in changes]


@asynccontextmanager
async def owning(disk: Disk) -> AsyncIterator[Owner]:
    def connect() -> tuple[sqlite3.Connection, Callable[[], None]]:
        connection = sqlite3.connect(":memory:")
        return connection, connection.close

    owner = Owner(connect, disk.write, lambda _: None, lambda *_: None)
    await owner.start()
    try:
        yield owner
    finally:
        await owner.close()


@asynccontextmanager
async def two(disk: Disk) -> AsyncIterator[tuple[asyncio.Task[None], asyncio.Task[None]]]:
    """Two changes, of which the first is over and the second is at its rows."""
    async with owning(disk) as owner:
        first = asyncio.create_task(owner.submit(Change()))
        await disk.begun.wait()
        disk.begun.clear()
        second = asyncio.create_task(owner.submit(Change()))
        await asyncio.sleep(0)  # it is in the queue
        disk.rows.release()
        disk.disk.release()
        await disk.begun.wait()
        yield first, second


async def test_who_waited_is_told_while_the_next_transaction_waits_for_the_disk() -> None:
    disk = Disk()
    async with two(disk) as (first, second):
        disk.rows.release()
        await first
        assert not second.done()
        disk.disk.release()
        await second


async def test_who_waited_is_told_where_the_next_transaction_never_gets_to_the_disk() -> None:
    disk = Disk()
    async with two(disk) as (first, second):
        disk.fails = True
        disk.rows.release()
        await first
        with pytest.raises(StoreFailed):
            await second


async def test_a_question_is_answered_after_the_change_that_was_handed_in_before_it() -> None:
    disk, told = Disk(), list[str]()
    async with owning(disk) as owner, asyncio.TaskGroup() as group:

        async def tell(what: str, work: Change | Callable[[sqlite3.Connection], None]) -> None:
            await owner.submit(work)
            told.append(what)

        group.create_task(tell("change", Change()))
        await disk.begun.wait()
        group.create_task(tell("question", lambda _: None))
        await asyncio.sleep(0)  # it is in the queue
        disk.rows.release()
        disk.disk.release()
    assert told == ["change", "question"]
