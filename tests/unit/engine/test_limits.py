"""Deadlines, silence, retries, and being told to stop."""

from __future__ import annotations

import anyio
import pytest

from inspan.engine.rules import Rules
from inspan.errors import (
    IllegalTransition,
)
from inspan.model.patience import Backoff
from inspan.model.task import Patience, TaskState
from tests.unit.engine.stage import SPEC, Stage, limited, settle

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("B4", "B5")]


async def test_retries_back_off_and_then_fail() -> None:
    stage = Stage(Rules(backoff=Backoff(first=10, jitter=0)))
    async with stage.running():
        task = await stage.submit(retries=1)
        stage.run_of(task).finish(1)
        await settle()
        assert await stage.state(task) is TaskState.QUEUED
        await stage.clock.advance(9)
        assert await stage.state(task) is TaskState.QUEUED
        await stage.clock.advance(2)
        assert await stage.state(task) is TaskState.RUNNING
        stage.run_of(task, 2).finish(1)
        await settle()
        assert await stage.state(task) is TaskState.FAILED


async def test_the_deadline_stops_it_by_the_ladder() -> None:
    stage = Stage(limited(command=100, grace=10))
    stage.shell.yields_to = "terminate"
    async with stage.running():
        task = await stage.submit()
        await stage.clock.advance(99)
        assert stage.run_of(task).asked == []
        await stage.clock.advance(2)
        assert stage.run_of(task).asked == ["interrupt"]
        await stage.clock.advance(6)
        assert stage.run_of(task).asked == ["interrupt", "terminate", "kill", "close"]
        failed = await stage.engine.get(task.id)
        assert failed.state is TaskState.FAILED
        assert failed.reason is not None
        assert failed.reason.code == "deadline"


async def test_silence_warns_and_then_stops_and_output_resets_it() -> None:
    patience = Patience(deadline=None, idle=300, lifted=True)
    stage = Stage()
    async with stage.running():
        task = await stage.submit(patience=patience)
        await stage.clock.advance(269)
        assert "idle_warned" not in await stage.facts(task)
        await stage.clock.advance(2)
        assert "idle_warned" in await stage.facts(task)
        stage.run_of(task).print()
        await settle()
        await stage.clock.advance(299)
        assert await stage.state(task) is TaskState.RUNNING
        await stage.clock.advance(302)
        failed = await stage.engine.get(task.id)
        assert failed.state is TaskState.FAILED
        assert failed.reason is not None
        assert failed.reason.code == "idle"


async def test_the_idle_limit_follows_the_rhythm_that_was_seen() -> None:
    patience = Patience(deadline=None, idle=60, warn_before=5, lifted=True)
    stage = Stage()
    async with stage.running():
        task = await stage.submit(patience=patience)
        for _ in range(3):
            await stage.clock.advance(50)
            stage.run_of(task).print()
            await settle()
        await stage.clock.advance(99)
        assert await stage.state(task) is TaskState.RUNNING
        await stage.clock.advance(2)
        assert await stage.state(task) is TaskState.FAILED


async def test_waiting_for_a_person_stops_both_clocks() -> None:
    stage = Stage(limited(command=100, command_idle=50, warning=1))
    async with stage.running():
        task = await stage.submit()
        stage.run_of(task).ask("Proceed?")
        await settle()
        waiting = await stage.engine.get(task.id)
        assert waiting.state is TaskState.WAITING
        assert waiting.needs is not None
        assert waiting.needs.question == "Proceed?"
        await stage.clock.advance(5000)
        assert await stage.state(task) is TaskState.WAITING
        answered = await stage.engine.answer(task.id, "yes")
        assert answered.state is TaskState.RUNNING
        assert stage.run_of(task).typed == b"yes\r"
        await stage.clock.advance(51)
        assert await stage.state(task) is TaskState.FAILED


async def test_an_answer_to_nobody_is_refused() -> None:
    stage = Stage()
    async with stage.running():
        task = await stage.submit()
        with pytest.raises(IllegalTransition, match="asks nothing"):
            await stage.engine.answer(task.id, "yes")


async def test_interrupt_returns_when_nothing_is_left_and_resume_goes_on() -> None:
    stage = Stage()
    async with stage.running() as engine:
        task = await stage.submit()
        stopped = await engine.interrupt(task.id, reason="lunch")
        assert stopped.state is TaskState.INTERRUPTED
        assert stopped.reason is not None
        assert stopped.reason.message == "lunch"
        assert stage.run_of(task).asked == ["interrupt", "kill", "close"]
        await engine.resume(task.id)
        await settle()
        assert await stage.state(task) is TaskState.RUNNING
        stage.run_of(task, 2).finish()
        await settle()
        assert await stage.state(task) is TaskState.COMPLETED


async def test_force_kills_at_once_and_cancel_is_for_good() -> None:
    stage = Stage()
    stage.shell.yields_to = "kill"
    async with stage.running() as engine:
        task = await stage.submit()
        ended = await engine.cancel(task.id, force=True)
        assert ended.state is TaskState.CANCELLED
        assert stage.run_of(task).asked == ["kill", "close"]
        with pytest.raises(IllegalTransition):
            await engine.resume(task.id)
        with pytest.raises(IllegalTransition):
            await engine.cancel(task.id)


async def test_one_that_never_started_is_interrupted_and_resumed_too() -> None:
    stage = Stage(Rules(default_slots=1))
    async with stage.running() as engine:
        first = await stage.submit()
        queued = await stage.submit()
        pending = await stage.submit(after=(first.id,))
        for task in (queued, pending):
            assert (await engine.interrupt(task.id)).state is TaskState.INTERRUPTED
        resumed = await engine.resume(pending.id)
        assert resumed.state is TaskState.PENDING
        await engine.resume(queued.id)
        stage.run_of(first).finish()
        await settle()
        assert await stage.state(queued) is TaskState.RUNNING
        assert await stage.state(pending) is TaskState.QUEUED


async def test_interrupting_while_checks_run_stops_the_check() -> None:
    stage = Stage()
    async with stage.running() as engine:
        task = await stage.submit(checks=("sleep 100",))
        stage.run_of(task).finish(0)
        await settle()
        assert (await engine.interrupt(task.id)).state is TaskState.INTERRUPTED
        assert stage.shell.runs[f"{task.id}-1-c0"].asked[0] == "interrupt"


async def test_interrupt_all_leaves_nothing_running() -> None:
    stage = Stage(Rules(default_slots=5))
    async with stage.running() as engine:
        tasks = [await stage.submit() for _ in range(4)]
        await engine.interrupt_all("shutting down")
        for task in tasks:
            assert await stage.state(task) is TaskState.INTERRUPTED


async def test_an_attempt_stopped_before_it_was_spawned_is_stopped_then() -> None:
    stage = Stage()
    async with stage.running() as engine:
        task = await engine.submit(SPEC)
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: engine.interrupt(task.id))
        assert await stage.state(task) is TaskState.INTERRUPTED
