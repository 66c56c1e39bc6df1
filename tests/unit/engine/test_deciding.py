from __future__ import annotations

from functools import partial

import pytest

from inspan.control import PrunePolicy
from inspan.errors import (
    DiskFull,
    IllegalTransition,
    NothingToDecide,
    SessionNotFound,
    WriterTaken,
)
from inspan.model.merging import MergeRequest
from inspan.model.session import Answers, Output
from inspan.model.task import Exit, TaskState, Verdict, WorkspaceKind
from tests.unit.engine.stage import Stage, settle

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("B1")]


async def _reviewed() -> Stage:
    stage = Stage()
    stage.shell.auto = Exit(0)
    return stage


async def test_rejecting_ends_it_and_keeps_what_was_not_committed() -> None:
    stage = await _reviewed()
    async with stage.running() as engine:
        task = await stage.submit(workspace=WorkspaceKind.WORKTREE, review=True)
        decided = await engine.decide(task.id, Verdict.REJECT, ["no tests"])
        assert (decided.state, decided.findings) == (TaskState.FAILED, ("no tests",))
        assert (await stage.facts(task))[-1] == "saved"


async def test_sending_back_queues_another_attempt_with_the_findings() -> None:
    stage = await _reviewed()
    async with stage.running() as engine:
        task = await stage.submit(workspace=WorkspaceKind.WORKTREE, review=True)
        await engine.decide(task.id, Verdict.SEND_BACK, ["no tests"])
        await settle()
        assert stage.run_of(task, 2).order.findings == ("no tests",)
        assert stage.run_of(task, 2).order.env["INSPAN_FINDINGS"] == "no tests"
        assert "INSPAN_FINDINGS" not in stage.run_of(task, 1).order.env
        with pytest.raises(NothingToDecide, match="needs a finding"):
            await engine.decide(task.id, Verdict.SEND_BACK)


async def test_after_the_end_a_verdict_is_remembered_and_sending_back_makes_a_new_task() -> None:
    stage = await _reviewed()
    async with stage.running() as engine:
        task = await stage.submit(workspace=WorkspaceKind.WORKTREE)
        again = await engine.decide(task.id, Verdict.SEND_BACK, ["no tests"])
        assert again.id != task.id
        assert again.spec.labels == {"takes_up": task.id}
        assert again.spec.base == f"inspan/{task.id[-6:]}"
        judged = await engine.decide(task.id, Verdict.ACCEPT)
        assert (judged.state, judged.verdict) == (TaskState.COMPLETED, Verdict.ACCEPT)


async def test_there_must_be_something_to_decide() -> None:
    stage = await _reviewed()
    async with stage.running() as engine:
        plain = await stage.submit()
        with pytest.raises(NothingToDecide):
            await engine.decide(plain.id, Verdict.ACCEPT)
        with pytest.raises(NothingToDecide):
            await engine.diff(plain.id)
        stage.shell.auto = None
        running = await stage.submit(workspace=WorkspaceKind.WORKTREE)
        with pytest.raises(IllegalTransition, match="still at work"):
            await engine.decide(running.id, Verdict.ACCEPT)
        assert (await engine.diff(running.id)).startswith("diff of inspan/")


async def test_one_writer_at_a_time_unless_it_is_stolen() -> None:
    stage = Stage()
    async with stage.running() as engine:
        task = await stage.submit()
        run = stage.run_of(task)
        async with engine.attach(task.id, writer=True, answers=Answers.NEW) as mine:
            await mine.write(b"a")
            with pytest.raises(WriterTaken):
                async with engine.attach(task.id, writer=True):
                    pass
            async with engine.attach(task.id) as reader:
                with pytest.raises(WriterTaken):
                    await reader.write(b"no")
            steal = partial(engine.attach, task.id, writer=True, steal=True)
            async with steal(answers=Answers.DUE) as thief:
                await thief.resize(100, 30)
                with pytest.raises(WriterTaken):
                    await mine.write(b"b")
        assert run.typed == b"a"
        # A thief is not owed what was asked of its victim.
        attended = ["attend True", "attend False 0"]
        assert run.asked == [*attended, "attend True", "resize 100x30", "attend False 0"]


async def test_who_comes_back_and_who_leaves_tell_what_they_were_shown() -> None:
    stage = Stage()
    async with stage.running() as engine:
        task = await stage.submit()
        run = stage.run_of(task)
        stage.recordings.output[f"{task.id}-1"] = b"hello"
        attach = partial(engine.attach, task.id, writer=True)
        async with attach(offset=3, answers=Answers.DUE) as back:
            assert back.answers_from == 3
        async with attach(answers=Answers.DUE) as leaver:
            await leaver.leave(2)
        async with attach(answers=Answers.NONE) as mute:
            assert mute.answers_from is None
        assert run.asked == ["attend True 3", "attend False 3", "attend True 0", "attend False 2"]
        # Without a word, all that was taken counts as shown.
        async with attach(answers=Answers.NEW) as taker:
            assert Output(0, b"hello") in [chunk async for chunk in taker]
        assert run.asked[-1] == "attend False 5"


async def test_sessions_are_named_by_task_or_by_attempt() -> None:
    stage = Stage()
    async with stage.running() as engine:
        task = await stage.submit()
        stage.recordings.output[f"{task.id}-1"] = b"hello"
        for name in (task.id, task.id[-6:], f"{task.id}-1", f"{task.id[-6:]}-1"):
            assert (await engine.read(name, 1))[0] == Output(1, b"ello")
        with pytest.raises(SessionNotFound):
            await engine.read(f"{task.id[-6:]}-x")
        pending = await stage.submit(after=(task.id,))
        with pytest.raises(SessionNotFound, match="is pending"):
            await engine.read(pending.id)


async def test_what_is_about_to_run_has_printed_nothing_yet() -> None:
    stage = Stage()
    stage.shell.fails = DiskFull("no room")
    async with stage.running() as engine:
        task = await stage.submit()
        assert await stage.state(task) is TaskState.RUNNING
        assert await engine.read(task.id) == ()
        stage.shell.fails = None
        await stage.clock.advance(1)
        # It runs, and its recording is gone.
        with pytest.raises(SessionNotFound):
            await engine.read(task.id)


async def test_pruning_takes_ended_tasks_and_recordings_above_the_allowance() -> None:
    stage = Stage()
    async with stage.running() as engine:
        old = await stage.submit(workspace=WorkspaceKind.FOLDER)
        stage.run_of(old).finish()
        await settle()
        await stage.clock.advance(100)
        big = await stage.submit()
        stage.run_of(big).finish()
        live = await stage.submit()
        await settle()
        stage.recordings.output = {
            f"{old.id}-1": b"x" * 10,
            f"{big.id}-1": b"x" * 100,
            f"{live.id}-1": b"x" * 100,
        }
        policy = PrunePolicy(older_than=50, bytes=120)
        dry = await engine.prune(PrunePolicy(older_than=50, bytes=120, dry_run=True))
        assert (dry.tasks, dry.bytes, len(stage.recordings.output)) == (1, 110, 3)
        assert stage.forgotten == set()
        gone = await engine.prune(policy)
        assert (gone.tasks, gone.bytes) == (1, 110)
        assert stage.forgotten == {old.id}
        assert list(stage.recordings.output) == [f"{live.id}-1"]
        assert stage.workspaces.log[-1] == "remove"


async def test_health_counts() -> None:
    stage = Stage()
    async with stage.running() as engine:
        await stage.submit()
        health = await engine.health()
        assert (health.sessions, health.counts) == (1, {"running": 1})


async def test_there_is_no_verdict_before_there_is_a_result() -> None:
    stage = Stage()
    async with stage.running() as engine:
        first = await stage.submit()
        second = await stage.submit(after=(first.id,), workspace=WorkspaceKind.WORKTREE)
        with pytest.raises(IllegalTransition, match="no result yet"):
            await engine.decide(second.id, Verdict.ACCEPT)


async def test_what_is_not_accepted_is_not_merged() -> None:
    stage = await _reviewed()
    async with stage.running() as engine:
        task = await stage.submit(workspace=WorkspaceKind.WORKTREE)
        with pytest.raises(NothingToDecide, match="is not accepted") as refused:
            await engine.merge(task.id, MergeRequest())
        assert "inspan accept" in refused.value.hint
        assert not [line for line in stage.workspaces.log if line.startswith("merge")]
        await engine.decide(task.id, Verdict.ACCEPT)
        assert (await engine.merge(task.id, MergeRequest())).moved
