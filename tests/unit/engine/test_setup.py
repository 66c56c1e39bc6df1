"""A workspace is set up before its task starts: in order, once, within limits, through deaths."""

from __future__ import annotations

from typing import Any

import pytest

from inspan.engine.ports import Asks, Counted
from inspan.errors import DiskFull, InputFull, KeeperLost, SpawnFailed
from inspan.model.agent import Usage
from inspan.model.task import (
    Needs,
    OnCrash,
    Patience,
    SetupState,
    Task,
    TaskState,
    Verdict,
    WorkspaceKind,
)
from tests.fakes.provider import FakeRun
from tests.unit.engine.stage import Stage, settle

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("A2")]


def _stage(*commands: str) -> Stage:
    stage = Stage()
    stage.workspaces.setup = commands
    return stage


async def _submit(stage: Stage, **changes: Any) -> Task:
    return await stage.submit(workspace=WorkspaceKind.WORKTREE, **changes)


def _step(stage: Stage, task: Task, number: int, attempt: int = 1) -> FakeRun:
    return stage.shell.runs[f"{task.id}-{attempt}-s{number}"]


async def _now(stage: Stage, task: Task) -> Task:
    return await stage.engine.get(task.id)


async def _states(stage: Stage, task: Task) -> list[str]:
    return [step.state.value for step in (await _now(stage, task)).setup]


async def test_commands_run_in_order_before_the_task_starts() -> None:
    stage = _stage("npm ci", "make db")
    async with stage.running():
        task = await _submit(stage, setup=("own",), env={"A": "1"})
        first = _step(stage, task, 0)
        assert list(stage.shell.runs) == [f"{task.id}-1-s0"]
        assert first.order.command == ("/bin/sh", "-c", "npm ci")
        assert first.order.cwd == f"/workspaces/{task.id}"
        assert first.order.env["A"] == "1"
        assert not first.order.terminal.pty
        running = await _now(stage, task)
        assert (running.state, running.pid) == (TaskState.RUNNING, None)
        assert await _states(stage, task) == ["runs"]
        first.finish()
        await settle()
        assert await _states(stage, task) == ["done", "runs"]
        _step(stage, task, 1).finish()
        await settle()
        assert _step(stage, task, 2).order.command[-1] == "own"
        _step(stage, task, 2).finish()
        await settle()
        assert await _states(stage, task) == ["done"] * 3
        stage.run_of(task).finish()
        await settle()
        assert await stage.state(task) is TaskState.COMPLETED
        facts = await stage.facts(task)
        began = facts.index("started")
        assert facts[began + 1 :][:8] == ["ready", *["started", "done"] * 3, "spawned"]
    assert all(run.asked == ["close"] for run in stage.shell.runs.values())


async def test_one_that_fails_ends_the_attempt_and_says_which_and_where_to_look() -> None:
    stage = _stage("npm ci", "never")
    async with stage.running():
        task = await _submit(stage)
        _step(stage, task, 0).finish(7)
        await settle()
        failed = await _now(stage, task)
        assert failed.state is TaskState.FAILED
        assert failed.reason is not None
        assert failed.reason.code == "setup-failed"
        assert failed.reason.message == "the set-up command `npm ci` exited with status 7"
        assert f"inspan logs {task.id[-6:]} --setup" in failed.reason.hint
        assert [(step.state, step.exit and step.exit.code) for step in failed.setup] == [
            (SetupState.FAILED, 7)
        ]
        assert list(stage.shell.runs) == [f"{task.id}-1-s0"]


async def test_only_a_task_with_retries_is_set_up_once_more_from_what_failed_on() -> None:
    stage = _stage("one", "two")
    async with stage.running():
        task = await _submit(stage, retries=1)
        _step(stage, task, 0).finish()
        await settle()
        _step(stage, task, 1).finish(1)
        await settle()
        await stage.clock.advance(60)
        await settle()
        again = _step(stage, task, 0, attempt=2)
        assert again.order.command[-1] == "two"
        assert await _states(stage, task) == ["done", "runs"]
        again.finish()
        await settle()
        stage.run_of(task, 2).finish()
        await settle()
        assert await stage.state(task) is TaskState.COMPLETED
        assert len(stage.shell.runs) == 4


async def test_one_that_takes_too_long_is_stopped_with_what_it_started() -> None:
    stage = _stage("hang")
    stage.shell.yields_to = "kill"
    async with stage.running():
        task = await _submit(stage)
        await stage.clock.advance(299)
        await settle()
        assert _step(stage, task, 0).asked == []
        await stage.clock.advance(1)
        await stage.clock.advance(60)
        await settle()
        assert _step(stage, task, 0).asked[:3] == ["interrupt", "terminate", "kill"]
        late = await _now(stage, task)
        assert late.state is TaskState.FAILED
        assert late.reason is not None
        assert late.reason.code == "setup-timed-out"
        assert late.reason.message == "the set-up command `hang` ran longer than 300 s"
        assert [step.state for step in late.setup] == [SetupState.TIMED_OUT]


async def test_an_exit_of_zero_after_its_time_is_no_success() -> None:
    stage = _stage("hang")
    async with stage.running():
        task = await _submit(stage)
        run = _step(stage, task, 0)

        async def polite() -> None:
            run.finish(0)

        run.interrupt = polite  # type: ignore[method-assign]
        await stage.clock.advance(300)
        await settle()
        assert await stage.state(task) is TaskState.FAILED
        assert await _states(stage, task) == ["timed-out"]


async def test_its_time_is_not_the_tasks_own() -> None:
    stage = _stage("slow")
    async with stage.running():
        task = await _submit(stage, patience=Patience(deadline=100, idle=100, warn_before=0))
        await stage.clock.advance(250)
        await settle()
        _step(stage, task, 0).finish()
        await settle()
        await stage.clock.advance(99)
        await settle()
        assert stage.run_of(task).asked == []
        await stage.clock.advance(2)
        await settle()
        assert stage.run_of(task).asked[0] == "interrupt"


@pytest.mark.parametrize("verb", ["interrupt", "cancel"])
async def test_who_stops_the_task_stops_its_set_up(verb: str) -> None:
    stage = _stage("one", "two")
    async with stage.running() as engine:
        task = await _submit(stage, retries=3)
        stopped = await getattr(engine, verb)(task.id)
        wanted = TaskState.INTERRUPTED if verb == "interrupt" else TaskState.CANCELLED
        assert stopped.state is wanted
        assert _step(stage, task, 0).asked == ["interrupt", "kill", "close"]
        assert await _states(stage, task) == ["stopped"]
        if verb == "interrupt":
            await engine.resume(task.id)
            await settle()
            assert _step(stage, task, 0, attempt=2).order.command[-1] == "one"


async def test_what_ends_well_as_the_task_is_stopped_is_done_and_nothing_starts() -> None:
    stage = _stage("one")
    async with stage.running() as engine:
        task = await _submit(stage)
        run = _step(stage, task, 0)

        async def polite() -> None:
            run.finish(0)

        run.interrupt = polite  # type: ignore[method-assign]
        assert (await engine.interrupt(task.id)).state is TaskState.INTERRUPTED
        assert await _states(stage, task) == ["done"]
        assert len(stage.shell.runs) == 1
        await engine.resume(task.id)
        await settle()
        assert list(stage.shell.runs)[1:] == [f"{task.id}-2"]


async def test_what_is_set_up_is_not_set_up_again_unless_it_was_made_anew() -> None:
    stage = _stage("npm ci")
    async with stage.running() as engine:
        task = await _submit(stage, review=True)
        _step(stage, task, 0).finish()
        await settle()
        for attempt in (1, 2):
            stage.run_of(task, attempt).finish()
            await settle()
            await engine.decide(task.id, Verdict.SEND_BACK, ("more",))
            await settle()
        assert [name for name in stage.shell.runs if "-s" in name] == [f"{task.id}-1-s0"]
        stage.workspaces.made = "anew"
        stage.run_of(task, 3).finish()
        await settle()
        await engine.decide(task.id, Verdict.SEND_BACK, ("more",))
        await settle()
        assert await _states(stage, task) == ["runs"]
        assert _step(stage, task, 0, attempt=4).order.command[-1] == "npm ci"


@pytest.mark.requirement("B1")
async def test_a_dead_engine_loses_nothing_and_runs_nothing_twice() -> None:
    stage = _stage("one", "two")
    async with stage.running():
        task = await _submit(stage)
        _step(stage, task, 0).finish()
        await settle()
    # It is the same place, whatever is said of new ones by now.
    stage.workspaces.setup, stage.workspaces.made = ("another",), "anew"
    async with stage.running():
        assert await _states(stage, task) == ["done", "runs"]
        _step(stage, task, 1).finish()
        await settle()
        assert await _states(stage, task) == ["done", "done"]
    async with stage.running():
        stage.run_of(task).finish()
        await settle()
        assert await stage.state(task) is TaskState.COMPLETED
        assert len(stage.shell.runs) == 3  # a fake that is started twice says so


@pytest.mark.requirement("B1")
async def test_its_time_goes_on_while_there_is_no_engine() -> None:
    stage = _stage("hang")
    async with stage.running():
        task = await _submit(stage)
        await stage.clock.advance(200)
    async with stage.running():
        await stage.clock.advance(99)
        await settle()
        assert _step(stage, task, 0).asked == []
        await stage.clock.advance(2)
        await settle()
        assert (await _now(stage, task)).state is TaskState.FAILED


@pytest.mark.parametrize("retry", [False, True])
async def test_a_lost_keeper_interrupts_it_and_it_is_not_done(*, retry: bool) -> None:
    stage = _stage("one")
    async with stage.running():
        task = await _submit(stage, on_crash=OnCrash.RETRY if retry else OnCrash.ASK)
        _step(stage, task, 0).lose()
        await settle()
        if not retry:
            assert await stage.state(task) is TaskState.INTERRUPTED
            assert await _states(stage, task) == ["stopped"]
            return
        assert await _states(stage, task) == ["runs"]
        assert _step(stage, task, 0, attempt=2).order.command[-1] == "one"


async def test_what_cannot_be_started_is_an_error() -> None:
    stage = _stage("one")
    stage.shell.fails = SpawnFailed("no room for it")
    async with stage.running():
        task = await _submit(stage)
        assert await stage.state(task) is TaskState.ERROR
        assert await _states(stage, task) == ["stopped"]
    stage.shell.fails = KeeperLost("gone")
    async with stage.running():
        task = await _submit(stage)
        assert await stage.state(task) is TaskState.INTERRUPTED


async def test_one_that_waits_for_room_on_the_disk_can_be_stopped() -> None:
    stage = _stage("one")
    stage.shell.fails = DiskFull("no room")
    async with stage.running() as engine:
        task = await _submit(stage)
        assert await _states(stage, task) == ["runs"]
        assert (await engine.cancel(task.id)).state is TaskState.CANCELLED
        assert await _states(stage, task) == ["stopped"]


async def test_nobody_types_into_it_and_what_it_asks_is_not_heard() -> None:
    stage = _stage("one")
    async with stage.running() as engine:
        task = await _submit(stage)
        run = _step(stage, task, 0)
        run.say(Asks(Needs("question", "Proceed?")))
        run.say(Counted(Usage(read=1)))
        run.print()
        await settle()
        assert await stage.state(task) is TaskState.RUNNING
        for say in (engine.send(task.id, b"yes\n"), engine.prompt(task.id, "yes")):
            with pytest.raises(InputFull, match="not there yet"):
                await say
        assert run.typed == b""


async def test_nobody_types_into_a_check() -> None:
    stage = Stage()
    async with stage.running() as engine:
        task = await stage.submit(checks=("cat",))
        stage.run_of(task).finish()
        await settle()
        with pytest.raises(InputFull, match="its checks are running"):
            await engine.send(task.id, b"yes\n")
        assert stage.shell.runs[f"{task.id}-1-c0"].typed == b""


async def test_a_check_is_stored_before_it_is_forgotten() -> None:
    stage = Stage()
    async with stage.running():
        task = await stage.submit(checks=("true",))
        stage.run_of(task).finish()
        await settle()
        check = stage.shell.runs[f"{task.id}-1-c0"]
        stored: list[bool] = []

        async def close() -> None:
            stored.append(bool((await _now(stage, task)).checks))

        check.close = close  # type: ignore[method-assign]
        check.finish()
        await settle()
        assert stored == [True]
        assert await stage.state(task) is TaskState.SUCCEEDED
