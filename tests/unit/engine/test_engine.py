"""The life of a task, from submission to its end, and what may break on the way."""

from __future__ import annotations

import anyio
import pytest

from inspan.control import EventQuery, PrunePolicy
from inspan.errors import (
    IllegalTransition,
    KeeperLost,
    ProgramNotFound,
    SpawnFailed,
    TaskNotFound,
)
from inspan.model import receipt
from inspan.model.task import Exit, OnCrash, TaskState, WorkspaceKind
from tests.unit.engine.stage import Stage, settle

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("A1", "A5", "B1")]


async def test_a_task_that_ends_well_is_completed() -> None:
    stage = Stage()
    async with stage.running():
        task = await stage.submit()
        stage.run_of(task).print(10)
        stage.run_of(task).finish(0)
        await settle()
        done = await stage.engine.get(task.id)
        assert done.state is TaskState.COMPLETED
        assert (done.exit, done.output_bytes) == (Exit(0), 10)
        assert await stage.facts(task) == [
            "submitted", "readied", "started", "spawned", "exited", "completed",
        ]  # fmt: skip
        assert stage.run_of(task).asked == ["close"]


async def test_an_exit_status_is_a_failure_with_its_reason() -> None:
    stage = Stage()
    async with stage.running():
        task = await stage.submit()
        stage.run_of(task).finish(3)
        await settle()
        failed = await stage.engine.get(task.id)
        assert failed.state is TaskState.FAILED
        assert failed.reason is not None
        assert failed.reason.message == "exited with status 3"


async def test_interrupting_all_passes_over_what_was_pruned_just_then() -> None:
    stage = Stage()
    async with stage.running():
        task = await stage.submit()
        attempts = stage.engine._attempts
        attempt = attempts[task.id]
        stage.run_of(task).finish(0)
        await settle()
        await stage.clock.advance(10.0)
        assert (await stage.engine.prune(PrunePolicy(older_than=1.0))).tasks == 1
        attempts[task.id] = attempt  # as it is until it has told all that wait for it
        await stage.engine.interrupt_all("it ends")
        del attempts[task.id]


async def test_a_signal_is_named() -> None:
    stage = Stage()
    async with stage.running():
        task = await stage.submit()
        stage.run_of(task).finish(None, signal=11)
        await settle()
        failed = await stage.engine.get(task.id)
        assert failed.reason is not None
        assert failed.reason.message == "was ended by SIGSEGV"


async def test_what_cannot_be_spawned_is_an_error_with_code_and_hint() -> None:
    stage = Stage()
    stage.shell.fails = ProgramNotFound("no program `wrok`", hint="Did you mean `work`?")
    async with stage.running():
        task = await stage.submit()
        wrong = await stage.engine.get(task.id)
        assert wrong.state is TaskState.ERROR
        assert wrong.reason is not None
        assert (wrong.reason.code, wrong.reason.hint) == (
            "program-not-found",
            "Did you mean `work`?",
        )


async def test_a_bug_in_an_adapter_is_the_tasks_error_and_not_the_engines_end() -> None:
    stage = Stage()
    async with stage.running():
        stage.shell.fails = ZeroDivisionError("oops")  # type: ignore[assignment]
        task = await stage.submit()
        assert await stage.state(task) is TaskState.ERROR
        stage.shell.fails = None
        other = await stage.submit()
        assert await stage.state(other) is TaskState.RUNNING


async def test_checks_verify_and_decide() -> None:
    stage = Stage()
    async with stage.running():
        good = await stage.submit(checks=("test -f a", "test -f b"))
        stage.run_of(good).finish(0)
        await settle()
        assert await stage.state(good) is TaskState.PROCESSING
        stage.shell.runs[f"{good.id}-1-c0"].finish(0)
        await settle()
        stage.shell.runs[f"{good.id}-1-c1"].finish(0)
        await settle()
        assert await stage.state(good) is TaskState.SUCCEEDED

        bad = await stage.submit(checks=("test -f c",))
        stage.run_of(bad).finish(0)
        await settle()
        stage.shell.runs[f"{bad.id}-1-c0"].finish(1)
        await settle()
        failed = await stage.engine.get(bad.id)
        assert failed.state is TaskState.FAILED
        assert failed.reason is not None
        assert failed.reason.code == "check-failed"


async def test_a_lost_keeper_interrupts_and_policy_resumes() -> None:
    stage = Stage()
    async with stage.running():
        asks = await stage.submit()
        retries = await stage.submit(on_crash=OnCrash.RETRY)
        stage.run_of(asks).lose()
        stage.run_of(retries).lose()
        await settle()
        assert await stage.state(asks) is TaskState.INTERRUPTED
        assert await stage.state(retries) is TaskState.RUNNING
        assert f"{retries.id}-2" in stage.shell.runs


async def test_no_keeper_at_all_is_an_error_that_says_so() -> None:
    stage = Stage()
    stage.keep.gone = True
    async with stage.running():
        task = await stage.submit()
        assert await stage.state(task) is TaskState.ERROR


async def test_a_keeper_lost_while_spawning_is_not_a_failure_of_the_task() -> None:
    stage = Stage()
    stage.shell.fails = KeeperLost("gone")
    async with stage.running():
        task = await stage.submit()
        assert await stage.state(task) is TaskState.INTERRUPTED


async def test_watchers_see_what_is_stored_in_order_from_where_they_left() -> None:
    stage = Stage()
    async with stage.running() as engine:
        task = await stage.submit()
        stage.run_of(task).finish()
        await settle()
        seen = []
        async for event in engine.watch(2):
            seen.append(event.seq)
            if event.kind == "task.completed":
                break
        stored = await engine.history(EventQuery(since=2))
        assert seen == [event.seq for event in stored]


async def test_send_types_and_says_how_far_it_got() -> None:
    stage = Stage()
    async with stage.running() as engine:
        task = await stage.submit()
        assert await engine.send(task.id, b"hello") is receipt.Stage.WRITTEN
        assert stage.run_of(task).typed == b"hello"
        stage.run_of(task).finish()
        await settle()
        with pytest.raises(IllegalTransition, match="nothing of it runs"):
            await engine.send(task.id, b"hello")
        stopped = await engine.interrupt((await stage.submit(not_before=1e12)).id)
        with pytest.raises(IllegalTransition) as refused:
            await engine.send(stopped.id, b"hello")
        assert refused.value.hint == f"`inspan resume {stopped.id[-6:]}` lets it go on."


async def test_a_task_that_is_at_work_is_not_resumed_and_nobody_waits_for_its_end() -> None:
    stage = Stage()
    async with stage.running() as engine:
        task = await stage.submit()
        with anyio.fail_after(30), pytest.raises(IllegalTransition, match="is running"):
            await engine.resume(task.id)


async def test_a_workspace_is_made_before_the_spawn_and_order_goes_there() -> None:
    stage = Stage()
    async with stage.running():
        task = await stage.submit(workspace=WorkspaceKind.FOLDER)
        assert stage.workspaces.log == ["prepare 1"]
        assert stage.run_of(task).order.cwd == f"/workspaces/{task.id}"
        assert stage.run_of(task).order.env["INSPAN_TASK"] == task.id


async def test_spawn_errors_do_not_retry() -> None:
    stage = Stage()
    stage.shell.fails = SpawnFailed("no")
    async with stage.running():
        task = await stage.submit(retries=3)
        assert await stage.state(task) is TaskState.ERROR


async def test_an_error_in_the_block_comes_out_as_it_is() -> None:
    with pytest.raises(TaskNotFound):
        async with Stage().running() as engine:
            await engine.get("no-such-task")
