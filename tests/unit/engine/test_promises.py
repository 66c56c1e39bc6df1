"""Promises over a store that refuses for a while."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
import pytest

from inspan.engine.ports import Change
from inspan.engine.promises import Promises
from inspan.errors import PromiseNotFound, StoreFailed
from inspan.model.promise import Promise, PromiseState
from inspan.store.memory import MemoryStore
from tests.fakes.clock import FakeClock
from tests.fakes.rest import at_rest

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("D6")]


class RefusingStore(MemoryStore):
    """Neither writes nor reads a promise while it refuses."""

    refuses = False

    async def commit(self, change: Change) -> None:
        if self.refuses:
            raise StoreFailed("the disk is full")
        await super().commit(change)

    async def promise(self, promise: str) -> Promise | None:
        if self.refuses:
            raise StoreFailed("the disk does not answer")
        return await super().promise(promise)


class World:
    def __init__(self) -> None:
        self.store = RefusingStore()
        self.clock = FakeClock(rest=at_rest)
        self.promises = Promises(self.store, self.clock)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    await made.promises.load()
    async with anyio.create_task_group() as group:
        group.start_soon(made.promises.keep_time)
        with anyio.fail_after(30):
            yield made
        group.cancel_scope.cancel()


async def test_what_a_store_cannot_take_is_told_as_it_said_and_nothing_has_changed(
    world: World,
) -> None:
    await world.promises.create("old")
    world.store.refuses = True
    with pytest.raises(StoreFailed, match="disk is full"):
        await world.promises.resolve("old", 1)
    with pytest.raises(StoreFailed, match="does not answer"):
        await world.promises.create("new")
    with pytest.raises(StoreFailed, match="disk is full"):
        await world.promises.add(world.promises.draft("other"))
    world.store.refuses = False
    assert [one.id for one in world.promises.pending()] == ["old"]
    with pytest.raises(PromiseNotFound):
        await world.promises.get("other")
    assert (await world.promises.resolve("old", 2)).value == 2


async def test_a_time_that_cannot_be_stored_is_stored_later_and_who_waits_is_told_then(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    await world.promises.create("late", timeout=5)
    told: list[Promise] = []

    async def wait() -> None:
        told.append(await world.promises.wait("late"))

    async with anyio.create_task_group() as group:
        group.start_soon(wait)
        await at_rest()
        world.store.refuses = True
        await world.clock.advance(6)
        assert "its time is not stored yet" in caplog.text
        assert told == []
        world.store.refuses = False
        await world.clock.advance(2)
    (late,) = told
    assert late.state is PromiseState.TIMEDOUT
