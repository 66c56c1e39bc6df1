"""A usage limit parks a task that was to wait, and lets it go on when it is lifted."""

from __future__ import annotations

import pytest

from inspan.engine.ports import Began, Finished
from inspan.engine.rules import Rules
from inspan.model.agent import AgentSession, Ending, Mode, Outcome
from inspan.model.patience import Backoff, Waits
from inspan.model.task import Exit, OnLimit, Task, TaskState
from tests.unit.engine.stage import Stage, settle

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("B4", "C4")]

AGENT = AgentSession(id="a-1", mode=Mode.STREAM)


async def _meets_limit(stage: Stage, task: Task, attempt: int = 1, after: float = 3600) -> float:
    """The agent begins, and ends at a limit that is lifted ``after`` seconds; that moment."""
    run, retry_at = stage.run_of(task, attempt), stage.clock.now() + after
    run.say(Began(AGENT))
    run.say(Finished(Exit(1), 0, Outcome(Ending.QUOTA, "the limit is reached", "", retry_at)))
    await settle()
    return retry_at


async def test_it_waits_until_the_limit_is_lifted_and_takes_its_session_up() -> None:
    stage = Stage()
    async with stage.running():
        task = await stage.submit(on_limit=OnLimit.WAIT)
        retry_at = await _meets_limit(stage, task)
        parked = await stage.engine.get(task.id)
        assert (parked.state, parked.wake_at, parked.attempt) == (TaskState.PENDING, retry_at, 1)
        assert parked.is_parked
        assert parked.reason is not None
        assert parked.reason.code == "quota"
        await stage.clock.advance(3599)
        assert await stage.state(task) is TaskState.PENDING
        await stage.clock.advance(2)
        assert await stage.state(task) is TaskState.RUNNING
        again = stage.run_of(task, 2)
        assert again.order.resumes == "a-1"
        assert again.order.env["INSPAN_MODE"] == "session"
        again.finish()
        await settle()
        assert await stage.state(task) is TaskState.COMPLETED


async def test_its_slot_is_free_while_it_waits() -> None:
    stage = Stage(Rules(default_slots=1))
    async with stage.running():
        task = await stage.submit(on_limit=OnLimit.WAIT)
        other = await stage.submit()
        assert await stage.state(other) is TaskState.QUEUED
        await _meets_limit(stage, task)
        assert await stage.state(other) is TaskState.RUNNING


async def test_without_being_told_to_wait_it_fails_and_names_the_flag() -> None:
    stage = Stage()
    async with stage.running():
        task = await stage.submit()
        await _meets_limit(stage, task)
        failed = await stage.engine.get(task.id)
        assert failed.state is TaskState.FAILED
        assert failed.reason is not None
        assert failed.reason.code == "quota"
        assert "--on-limit wait" in failed.reason.hint


async def test_the_settings_can_have_it_wait_and_a_task_not() -> None:
    stage = Stage(Rules(on_limit=OnLimit.WAIT))
    async with stage.running():
        waits = await stage.submit()
        fails = await stage.submit(on_limit=OnLimit.FAIL)
        await _meets_limit(stage, waits)
        await _meets_limit(stage, fails)
        assert await stage.state(waits) is TaskState.PENDING
        assert await stage.state(fails) is TaskState.FAILED


async def test_where_nobody_said_until_when_each_wait_is_twice_the_one_before() -> None:
    stage = Stage(Rules(waits=Waits(most=2, backoff=Backoff(first=100, most=1000, jitter=0))))
    async with stage.running():
        task = await stage.submit(on_limit=OnLimit.WAIT)
        for attempt, pause in ((1, 100), (2, 200)):
            await _meets_limit(stage, task, attempt, after=-5)
            parked = await stage.engine.get(task.id)
            assert parked.wake_at == stage.clock.now() + pause
            await stage.clock.advance(pause + 1)
        await _meets_limit(stage, task, 3)
        failed = await stage.engine.get(task.id)
        assert failed.state is TaskState.FAILED
        assert failed.reason is not None
        assert "2 times" in failed.reason.message
        assert "agents.waits" in failed.reason.hint


async def test_a_person_wakes_it_early_and_it_does_not_start_twice() -> None:
    stage = Stage()
    async with stage.running():
        task = await stage.submit(on_limit=OnLimit.WAIT)
        await _meets_limit(stage, task)
        await stage.engine.resume(task.id)
        await settle()
        assert await stage.state(task) is TaskState.RUNNING
        await stage.clock.advance(4000)
        assert (await stage.engine.get(task.id)).attempt == 2
        assert (await stage.facts(task)).count("parked") == 1


@pytest.mark.parametrize("away", [60, 7200], ids=["before it wakes", "after"])
async def test_it_survives_the_engine(away: float) -> None:
    stage = Stage()
    async with stage.running():
        task = await stage.submit(on_limit=OnLimit.WAIT)
        await _meets_limit(stage, task)
    await stage.clock.advance(away)
    async with stage.running():
        if away < 3600:
            assert await stage.state(task) is TaskState.PENDING
            await stage.clock.advance(3600)
        assert await stage.state(task) is TaskState.RUNNING
        assert stage.run_of(task, 2).order.resumes == "a-1"


async def test_a_parked_task_can_be_given_up_or_interrupted() -> None:
    stage = Stage()
    async with stage.running():
        gone, rests = [await stage.submit(on_limit=OnLimit.WAIT) for _ in range(2)]
        for task in (gone, rests):
            await _meets_limit(stage, task)
        assert (await stage.engine.cancel(gone.id)).state is TaskState.CANCELLED
        assert (await stage.engine.interrupt(rests.id)).state is TaskState.INTERRUPTED
        await stage.clock.advance(4000)
        assert await stage.state(rests) is TaskState.INTERRUPTED
        await stage.engine.resume(rests.id)
        await settle()
        assert stage.run_of(rests, 2).order.resumes == "a-1"


async def test_those_that_wait_for_the_same_moment_do_not_start_at_once() -> None:
    stage = Stage(Rules(default_slots=10))
    async with stage.running():
        tasks = [await stage.submit(on_limit=OnLimit.WAIT) for _ in range(5)]
        for number, task in enumerate(tasks):
            stage.clock.luck = number / 5
            await _meets_limit(stage, task)
        moments = {(await stage.engine.get(task.id)).wake_at for task in tasks}
        assert len(moments) == 5
        assert all(0 <= (at or 0) - stage.clock.now() - 3600 <= 30 for at in moments)
