"""Which task starts when: slots, priorities, dependencies, time."""

from __future__ import annotations

from dataclasses import replace

import anyio
import pytest

from inspan.control import TaskQuery
from inspan.engine.rules import Rules
from inspan.errors import StoreFailed
from inspan.model.task import Task, TaskState
from inspan.store.memory import MemoryStore
from tests.unit.engine.stage import SPEC, Stage, settle

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("B2", "A3")]


async def test_a_role_has_two_slots_and_the_rest_queue() -> None:
    stage = Stage()
    async with stage.running():
        tasks = [await stage.submit() for _ in range(3)]
        other = await stage.submit(role="reviewer")
        states = [await stage.state(task) for task in (*tasks, other)]
        running, queued = TaskState.RUNNING, TaskState.QUEUED
        assert states == [running, running, queued, running]
        stage.run_of(tasks[0]).finish()
        await settle()
        assert await stage.state(tasks[2]) is running


async def test_priority_goes_first_and_equals_in_order() -> None:
    stage = Stage(Rules(default_slots=1))
    async with stage.running():
        first = await stage.submit()
        low = await stage.submit()
        high = await stage.submit(priority=5)
        stage.run_of(first).finish()
        await settle()
        assert (await stage.state(high), await stage.state(low)) == (
            TaskState.RUNNING,
            TaskState.QUEUED,
        )


async def test_a_dependent_waits_and_then_runs() -> None:
    stage = Stage()
    async with stage.running():
        first = await stage.submit()
        second = await stage.submit(after=(first.id,))
        waiting = await stage.engine.get(second.id)
        assert waiting.state is TaskState.PENDING
        assert waiting.reason is not None
        assert waiting.reason.code == "dependency"
        stage.run_of(first).finish()
        await settle()
        assert await stage.state(second) is TaskState.RUNNING


async def test_dependents_of_a_failure_are_cancelled_down_a_chain_of_a_thousand() -> None:
    stage = Stage()
    async with stage.running():
        specs = [SPEC] + [replace(SPEC, after=(f"@{number}",)) for number in range(1000)]
        tasks = await stage.engine.submit_all(specs)
        await settle()
        stage.run_of(tasks[0]).finish(1)
        await settle()
        page = await stage.engine.list(TaskQuery(limit=1))
        assert page.counts == {"failed": 1, "cancelled": 1000}
        last = await stage.engine.get(tasks[-1].id)
        assert last.reason is not None
        assert last.reason.code == "dependency"


async def test_after_an_ended_task_it_starts_at_once_or_never() -> None:
    stage = Stage()
    async with stage.running():
        good, bad = await stage.submit(), await stage.submit()
        stage.run_of(good).finish(0)
        stage.run_of(bad).finish(1)
        await settle()
        assert await stage.state(await stage.submit(after=(good.id,))) is TaskState.RUNNING
        assert await stage.state(await stage.submit(after=(bad.id,))) is TaskState.CANCELLED


async def test_a_delayed_task_waits_for_its_time_even_when_the_clock_jumps() -> None:
    stage = Stage()
    async with stage.running():
        task = await stage.submit(not_before=stage.clock.now() + 3600)
        await stage.clock.advance(59)
        assert await stage.state(task) is TaskState.PENDING
        stage.clock.jump(3600)
        await stage.clock.advance(61)
        assert await stage.state(task) is TaskState.RUNNING


class Mute(MemoryStore):
    """Cannot say what has become of ended tasks, for a while."""

    def __init__(self) -> None:
        super().__init__()
        self.mute = False

    async def get(self, task: str) -> Task | None:
        if self.mute:
            raise StoreFailed("the disk does not answer")
        return await super().get(task)


class Slow(MemoryStore):
    """Says what has become of ended tasks once it may."""

    def __init__(self) -> None:
        super().__init__()
        self.may = anyio.Event()
        self.may.set()

    async def get(self, task: str) -> Task | None:
        await self.may.wait()
        return await super().get(task)


async def test_a_task_that_is_stopped_while_its_dependencies_are_looked_up_does_not_start() -> None:
    stage = Stage()
    stage.store = store = Slow()
    async with stage.running():
        first = await stage.submit()
        second = await stage.submit(after=(first.id,))
        store.may = anyio.Event()
        stage.run_of(first).finish()
        await settle()
        await stage.engine.cancel(second.id)
        store.may.set()
        await settle()
        assert await stage.state(second) is TaskState.CANCELLED
        assert f"{second.id}-1" not in stage.shell.runs
        assert await stage.state(await stage.submit(after=(first.id,))) is TaskState.RUNNING


async def test_a_store_that_cannot_be_read_delays_a_dependent_and_ends_nothing() -> None:
    stage = Stage()
    stage.store = store = Mute()
    async with stage.running():
        first = await stage.submit()
        second = await stage.submit(after=(first.id,))
        store.mute = True
        stage.run_of(first).finish()
        await settle()
        store.mute = False
        assert await stage.state(second) is TaskState.PENDING
        await stage.clock.advance(6)
        assert await stage.state(second) is TaskState.RUNNING
