from __future__ import annotations

from dataclasses import replace

import anyio
import pytest

from inspan.control import EventQuery, TaskQuery
from inspan.engine.rules import Rules
from inspan.errors import (
    AmbiguousId,
    BadInput,
    CyclicPlan,
    DeadlineTooLong,
    IllegalTransition,
    KeeperLost,
    KeyReused,
    ProgramNotFound,
    ProviderNotFound,
    SpawnFailed,
    TaskNotFound,
)
from inspan.model.patience import Backoff
from inspan.model.session import Receipt
from inspan.model.task import Exit, OnCrash, Patience, TaskState, WorkspaceKind
from tests.unit.engine.stage import SPEC, Stage, settle

pytestmark = pytest.mark.anyio


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


async def test_a_circle_is_refused_and_named_and_nothing_is_stored() -> None:
    stage = Stage()
    async with stage.running():
        loop = [
            replace(SPEC, name="egg", after=("@1",)),
            replace(SPEC, name="hen", after=("@0",)),
        ]
        with pytest.raises(CyclicPlan, match="0:egg → 1:hen → 0:egg"):
            await stage.engine.submit_all(loop)
        assert (await stage.engine.list()).tasks == ()


async def test_a_delayed_task_waits_for_its_time_even_when_the_clock_jumps() -> None:
    stage = Stage()
    async with stage.running():
        task = await stage.submit(not_before=stage.clock.now() + 3600)
        await stage.clock.advance(59)
        assert await stage.state(task) is TaskState.PENDING
        stage.clock.jump(3600)
        await stage.clock.advance(61)
        assert await stage.state(task) is TaskState.RUNNING


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


async def test_the_deadline_stops_it_by_the_ladder() -> None:
    stage = Stage(Rules(patience=Patience(deadline=100, grace=10)))
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
    stage = Stage(Rules(patience=Patience(deadline=100, idle=50, warn_before=1)))
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


async def test_one_key_makes_one_task() -> None:
    stage = Stage()
    async with stage.running() as engine:
        made: list[str] = []

        async def once() -> None:
            made.append((await engine.submit(SPEC, key="k")).id)

        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(once)
        assert len(set(made)) == 1
        with pytest.raises(KeyReused):
            await engine.submit(replace(SPEC, name="other"), key="k")


async def test_a_plan_with_a_key_is_one_plan() -> None:
    stage = Stage()
    async with stage.running() as engine:
        specs = [SPEC, replace(SPEC, after=("@0",))]
        first = await engine.submit_all(specs, key="plan")
        second = await engine.submit_all(specs, key="plan")
        assert [task.id for task in first] == [task.id for task in second]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"provider": "no-such"}, ProviderNotFound),
        ({"retries": -1}, BadInput),
        ({"review": True}, BadInput),
        ({"patience": Patience(deadline=9999)}, DeadlineTooLong),
        ({"patience": Patience(deadline=None)}, DeadlineTooLong),
        ({"patience": Patience(deadline=-1)}, BadInput),
        ({"after": ("@7",)}, BadInput),
        ({"after": ("zzzzzz",)}, TaskNotFound),
    ],
)
async def test_bad_specs_are_refused_whole(
    changes: dict[str, object], error: type[Exception]
) -> None:
    stage = Stage()
    async with stage.running() as engine:
        with pytest.raises(error):
            await engine.submit_all([SPEC, replace(SPEC, **changes)])  # type: ignore[arg-type]
        assert (await engine.list()).tasks == ()
        with pytest.raises(BadInput, match="1 to"):
            await engine.submit_all([])


async def test_ids_are_found_by_their_end_or_name_and_last_is_the_newest() -> None:
    stage = Stage()
    async with stage.running() as engine:
        with pytest.raises(TaskNotFound, match="no task yet"):
            await engine.get("last")
        await stage.submit(name="tests")
        task = await stage.submit(name="tests")
        newer = await stage.submit()
        assert (await engine.get("tests")).id == task.id
        assert (await engine.get("last")).id == newer.id
        assert (await engine.get(task.id[-6:])).id == task.id
        with pytest.raises(AmbiguousId):
            await engine.get(task.id[:8])
        with pytest.raises(TaskNotFound, match="4 characters"):
            await engine.get("1")
        with pytest.raises(TaskNotFound, match="no task has an id or"):
            await engine.get("nothing")


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
        assert await engine.send(task.id, b"hello") is Receipt.QUEUED
        assert stage.run_of(task).typed == b"hello"
        stage.run_of(task).finish()
        await settle()
        with pytest.raises(IllegalTransition, match="nothing of it runs"):
            await engine.send(task.id, b"hello")


async def test_a_workspace_is_made_before_the_spawn_and_order_goes_there() -> None:
    stage = Stage()
    async with stage.running():
        task = await stage.submit(workspace=WorkspaceKind.FOLDER)
        assert stage.workspaces.log == ["prepare 1"]
        assert stage.run_of(task).order.cwd == f"/workspaces/{task.id}"
        assert stage.run_of(task).order.env["INSPAN_TASK"] == task.id


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
