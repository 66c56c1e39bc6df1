"""A task starts only where its memory is there."""

from __future__ import annotations

import pytest

from inspan.engine.memory import BEGINS, LOOK
from inspan.engine.rules import Rules
from inspan.model.memory import MemoryRules
from inspan.model.task import TaskState
from tests.unit.engine.stage import Stage, settle

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("A6", "B2")]

MB = 1 << 20


def _stage(**figures: int) -> Stage:
    sizes = {name: figure * MB for name, figure in figures.items()}
    stage = Stage(Rules(default_slots=20, memory=MemoryRules(**sizes)))
    stage.providers["agent"] = stage.shell
    return stage


async def _running(stage: Stage, many: int, provider: str) -> int:
    tasks = [await stage.submit(provider=provider) for _ in range(many)]
    return [await stage.state(task) for task in tasks].count(TaskState.RUNNING)


async def _warnings(stage: Stage) -> str:
    return "; ".join((await stage.engine.health()).warnings)


async def test_a_task_waits_for_memory_is_told_of_and_starts_when_there_is_some() -> None:
    stage = _stage(keep=256)
    stage.free_memory = 200 * MB
    async with stage.running():
        task = await stage.submit()
        assert await stage.state(task) is TaskState.QUEUED
        assert "wait for memory: 200 MB are free, and 256 MB stay so" in await _warnings(stage)
        stage.free_memory = 300 * MB
        await stage.clock.advance(LOOK)
        await settle()
        assert await stage.state(task) is TaskState.RUNNING
        assert "memory" not in await _warnings(stage)


async def test_what_waited_and_is_given_up_is_not_warned_of() -> None:
    stage = _stage(keep=256)
    stage.free_memory = 200 * MB
    async with stage.running():
        task = await stage.submit()
        await stage.engine.cancel(task.id)
        await settle()
        assert "memory" not in await _warnings(stage)


async def test_agents_that_have_just_begun_are_reckoned_with() -> None:
    stage = _stage(keep=100, start=100)
    stage.free_memory = 350 * MB
    async with stage.running():
        assert await _running(stage, 4, "agent") == 2
        # They have taken what they will; the machine has as much left, and so there is room again.
        await stage.clock.advance(BEGINS + LOOK)
        await settle()
        assert len(stage.shell.runs) == 4


async def test_an_agent_that_is_over_makes_room_at_once() -> None:
    stage = _stage(keep=100, start=100)
    stage.free_memory = 250 * MB
    async with stage.running():
        first = await stage.submit(provider="agent")
        second = await stage.submit(provider="agent")
        assert await stage.state(second) is TaskState.QUEUED
        stage.run_of(first).finish()
        await settle()
        assert await stage.state(second) is TaskState.RUNNING


@pytest.mark.parametrize(("free", "keep"), [(None, 256), (1, 0)])
async def test_where_nobody_tells_or_nobody_asks_for_it_all_start(
    free: int | None, keep: int
) -> None:
    stage = _stage(keep=keep)
    stage.free_memory = free
    async with stage.running():
        assert await _running(stage, 3, "shell") == 3
