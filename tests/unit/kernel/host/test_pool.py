import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from inspan.errors import SessionEnded, WorkerNotReady
from inspan.kernel.host.pool import Pool
from inspan.kernel.host.session import KernelSession, Watching
from tests.fakes.kernel import ScriptedWorker
from tests.unit.keeper.desk import wait_for

pytestmark = pytest.mark.anyio


class Maker:
    """Sessions over scripted workers."""

    def __init__(self, home: Path, group: asyncio.TaskGroup, stack: AsyncExitStack) -> None:
        self.made: list[ScriptedWorker] = []
        self.failing = False
        self.news = asyncio.Event()
        self._home, self._group, self._stack = home, group, stack
        self._names = itertools.count()

    async def __call__(self) -> KernelSession:
        if self.failing:
            raise WorkerNotReady("no")
        folder = self._home / str(next(self._names))
        worker = await self._stack.enter_async_context(ScriptedWorker(folder))
        session = KernelSession("s", worker.folder, Watching(), cap=1)
        await session.join(self._group, worker.process, worker.card)
        self.made.append(worker)
        self.news.set()
        return session

    async def until(self, count: int) -> None:
        async with asyncio.timeout(30):
            while len(self.made) < count:
                self.news.clear()
                await self.news.wait()


@pytest.fixture
async def maker(home: Path) -> AsyncIterator[Maker]:
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        yield Maker(home, group, stack)


async def test_a_pool_is_filled_gives_at_once_and_fills_again(maker: Maker) -> None:
    pool = Pool(2, maker)
    pool.start(maker._group)
    await maker.until(2)
    first, second = await pool.take(), await pool.take()
    assert first is not second
    await maker.until(4)
    third = await pool.take()
    await pool.close()
    for session in (first, second, third):
        await session.close()
    assert all(worker.process.closed for worker in maker.made)
    with pytest.raises(SessionEnded):
        await pool.take()


async def test_a_session_that_died_in_the_pool_is_not_given(maker: Maker) -> None:
    pool = Pool(1, maker)
    pool.start(maker._group)
    await maker.until(1)
    maker.made[0].process.end(code=1)
    maker.made[0].links[-1].close()
    await wait_for(lambda: maker.made[0].process.closed)
    session = await pool.take()
    assert session.reason is None
    await session.close()
    await pool.close()


async def test_who_waits_for_a_session_that_cannot_be_made_is_told(maker: Maker) -> None:
    maker.failing = True
    pool = Pool(1, maker)
    pool.start(maker._group)
    with pytest.raises(WorkerNotReady):
        await pool.take()
    await pool.close()


async def test_a_pool_of_none_makes_them_as_they_are_asked_for(maker: Maker) -> None:
    pool = Pool(0, maker)
    pool.start(maker._group)
    session = await pool.take()
    assert len(maker.made) == 1
    await session.close()
    await pool.close()


async def test_who_waits_no_longer_leaves_what_is_made_to_the_next(maker: Maker) -> None:
    pool = Pool(0, maker)
    waits = asyncio.create_task(pool.take())
    await wait_for(lambda: bool(pool._waiters))
    waits.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waits
    pool.start(maker._group)
    session = await pool.take()
    assert len(maker.made) == 1
    await session.close()
    await pool.close()


async def test_a_session_given_to_who_is_cancelled_just_then_is_not_lost(maker: Maker) -> None:
    async def make() -> KernelSession:
        made = await maker()
        asyncio.get_running_loop().call_soon(waits.cancel)  # before it learns that it has it
        return made

    pool = Pool(0, make)
    pool.start(maker._group)
    waits = asyncio.create_task(pool.take())
    with pytest.raises(asyncio.CancelledError):
        await waits
    assert len(pool) == 1
    session = await pool.take()
    assert session.reason is None
    assert len(maker.made) == 1
    await session.close()
    await pool.close()
