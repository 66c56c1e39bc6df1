"""Warm sessions for the length of a block, of whatever opens them."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from inspan.errors import BadInput, SessionEnded, WorkerNotReady
from inspan.kernel.host.session import KernelSession
from inspan.kernel.host.warm import warm
from tests.fakes.kernel import ScriptedWorker
from tests.unit.keeper.desk import wait_for
from tests.unit.kernel.host.desk import joined

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("D1")]


class Openings:
    """Opens sessions over scripted workers, and counts those that are open."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._names = itertools.count()
        self.opened = 0
        self.left = 0
        self.failing = False

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[KernelSession]:
        if self.failing:
            raise WorkerNotReady("no")
        folder = self._home / str(next(self._names))
        async with ScriptedWorker(folder) as worker, joined(worker) as session:
            self.opened += 1
            try:
                yield session
            finally:
                worker.process.end(code=0)
                self.left += 1


@pytest.fixture
def opening(home: Path) -> Openings:
    return Openings(home)


async def test_each_is_used_once_and_all_are_left_in_the_end(opening: Openings) -> None:
    async with warm(2, opening) as pool:
        await wait_for(lambda: len(pool) == 2)
        async with pool.session() as one, pool.session() as other:
            assert one is not other
            assert not one.reason
            await wait_for(lambda: len(pool) == 2)
        async with pool.session() as third:
            assert third not in (one, other)
        assert one.reason is not None
        await wait_for(lambda: opening.left == 3)
    assert opening.left == opening.opened


async def test_what_opening_one_raises_is_raised_where_one_is_asked_for(opening: Openings) -> None:
    opening.failing = True
    async with warm(1, opening) as pool:
        with pytest.raises(WorkerNotReady):
            async with pool.session():
                pytest.fail("there is none")


async def test_what_the_block_raises_comes_out_as_itself(opening: Openings) -> None:
    with pytest.raises(ZeroDivisionError):
        async with warm(1, opening) as pool, pool.session():
            _ = 1 / 0
    assert opening.left == opening.opened


async def test_a_session_that_outlives_its_pool_is_ended_with_it(opening: Openings) -> None:
    async with asyncio.TaskGroup() as group:
        async with warm(1, opening) as pool:
            taken = asyncio.Event()

            async def user() -> None:
                async with pool.session() as session:
                    taken.set()
                    await session.over()

            task = group.create_task(user())
            await taken.wait()
        with pytest.raises(SessionEnded):
            async with pool.session():
                pytest.fail("the pool is closed")
    assert task.done()
    assert opening.left == opening.opened


async def test_a_pool_of_none_is_refused(opening: Openings) -> None:
    with pytest.raises(BadInput, match="at least one"):
        async with warm(0, opening):
            pytest.fail("there is none")
