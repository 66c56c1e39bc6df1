"""The rarer turns of an attempt: keepers that go, checks that fail to run, wishes that cross."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import anyio
import pytest

from inspan.engine.ports import Change, GoesOn, Lost, Order
from inspan.engine.rules import Rules
from inspan.errors import (
    DiskFull,
    FolderMissing,
    InputFull,
    InspanError,
    KeeperLost,
    KeeperMismatch,
    SessionNotFound,
)
from inspan.model.session import Answers
from inspan.model.task import Exit, OnCrash, Task, TaskState, Workspace, WorkspaceKind
from inspan.store.memory import MemoryStore
from tests.fakes.provider import FakeProvider, FakeRun
from tests.unit.engine.stage import Stage, limited, settle

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("A1", "B1", "B5")]


class Shell(FakeProvider):
    """Opens checks, or fails to."""

    def __init__(self) -> None:
        super().__init__()
        self.check_fails: InspanError | None = None
        self.adopt_fails: InspanError | None = None
        self.adopts = anyio.Event()
        self.adopts.set()

    async def open(self, order: Order) -> FakeRun:
        if "-c" in order.session and self.check_fails is not None:
            raise self.check_fails
        return await super().open(order)

    async def adopt(self, order: Order) -> FakeRun | None:
        await self.adopts.wait()
        if self.adopt_fails is not None:
            raise self.adopt_fails
        return await super().adopt(order)


def _stage(rules: Rules | None = None) -> tuple[Stage, Shell]:
    stage = Stage(rules)
    shell = stage.shell = Shell()
    return stage, shell


async def _reason(stage: Stage, task: Task) -> str:
    found = await stage.engine.get(task.id)
    return found.reason.code if found.reason else ""


async def test_a_keeper_of_another_version_is_an_error_with_its_code() -> None:
    stage, shell = _stage()
    shell.fails = KeeperMismatch("speaks version 9")
    async with stage.running():
        task = await stage.submit()
        assert await stage.state(task) is TaskState.ERROR
        assert await _reason(stage, task) == "keeper-mismatch"


async def test_with_no_keeper_to_adopt_from_it_is_interrupted() -> None:
    stage, shell = _stage()
    async with stage.running():
        task = await stage.submit()
    shell.adopt_fails = KeeperLost("none can be started")
    async with stage.running():
        assert await stage.state(task) is TaskState.INTERRUPTED


@pytest.mark.parametrize("lost", [False, True])
async def test_who_types_waits_until_the_process_is_adopted(*, lost: bool) -> None:
    stage, shell = _stage()
    async with stage.running():
        task = await stage.submit()
    shell.adopts = anyio.Event()
    async with stage.running() as engine, anyio.create_task_group() as group:

        async def adopt() -> None:
            await settle()
            shell.adopt_fails = KeeperLost("it is gone") if lost else None
            shell.adopts.set()

        group.start_soon(adopt)
        async with engine.attach(task.id, writer=True, answers=Answers.NEW) as mine:
            assert shell.adopts.is_set()
            assert mine.answers_from == (None if lost else 0)


async def test_who_types_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inspan.engine.sessions._ADOPTION", 0.0)
    stage, shell = _stage()
    async with stage.running():
        task = await stage.submit()
    shell.adopts = anyio.Event()
    async with stage.running() as engine:
        async with engine.attach(task.id, writer=True, answers=Answers.NEW) as mine:
            assert mine.answers_from is None
        shell.adopts.set()


class Slow(FakeProvider):
    """Takes as long to start as the test likes."""

    def __init__(self) -> None:
        super().__init__()
        self.opens = anyio.Event()

    async def open(self, order: Order) -> FakeRun:
        await self.opens.wait()
        return await super().open(order)


@pytest.mark.parametrize("writer", [True, False])
async def test_a_process_that_is_about_to_begin_is_waited_for(*, writer: bool) -> None:
    stage = Stage()
    stage.shell = shell = Slow()
    async with stage.running() as engine, anyio.create_task_group() as group:
        task = await stage.submit()

        async def begin() -> None:
            await settle()
            assert not shell.runs
            shell.opens.set()

        group.start_soon(begin)
        async with engine.attach(f"{task.id}-1", writer=writer, answers=Answers.DUE) as mine:
            assert stage.run_of(task).asked == (["attend True 0"] if writer else [])
            if writer:
                await mine.write(b"typed")
    assert stage.run_of(task).typed == (b"typed" if writer else b"")


async def test_a_process_that_does_not_begin_is_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("inspan.engine.sessions._BEGINNING", 0.0)
    stage = Stage()
    stage.shell = shell = Slow()
    async with stage.running() as engine:
        task = await stage.submit()
        with pytest.raises(SessionNotFound, match="not begun"):
            async with engine.attach(f"{task.id}-1", writer=True):
                raise AssertionError("what is typed would be lost")
        shell.opens.set()


async def test_a_session_of_a_task_without_a_slot_is_not_waited_for() -> None:
    stage = Stage(Rules(roles={"worker": 1}))
    async with stage.running() as engine:
        await stage.submit()
        task = await stage.submit()
        with pytest.raises(SessionNotFound, match="not begun"):
            async with engine.attach(f"{task.id}-1", writer=True):
                raise AssertionError("what is typed would be lost")


async def test_one_that_waits_is_adopted_with_its_clocks_stopped() -> None:
    stage, _ = _stage(limited(command=100))
    async with stage.running():
        task = await stage.submit()
        stage.run_of(task).ask("Proceed?")
        await settle()
    async with stage.running():
        await stage.clock.advance(500)
        assert await stage.state(task) is TaskState.WAITING
        stage.run_of(task).say(GoesOn())
        await settle()
        assert await stage.state(task) is TaskState.RUNNING


async def test_a_newer_question_is_not_answered_by_an_older_answer() -> None:
    stage, _ = _stage()
    async with stage.running():
        task = await stage.submit()
        run = stage.run_of(task)
        run.ask("One?")
        await settle()
        asked = (await stage.engine.get(task.id)).needs
        run.say(GoesOn())
        run.ask("Two?")
        await settle()
        await stage.engine._attempts[task.id].minder.answered(asked)
        waiting = await stage.engine.get(task.id)
        assert waiting.state is TaskState.WAITING
        assert waiting.needs is not None
        assert waiting.needs.question == "Two?"


async def test_a_check_that_asks_is_not_heard_and_the_deadline_ends_it() -> None:
    stage, shell = _stage(limited(command=100))
    async with stage.running():
        task = await stage.submit(checks=("ask",))
        stage.run_of(task).finish()
        await settle()
        shell.runs[f"{task.id}-1-c0"].ask("Really?")
        await stage.clock.advance(101)
        assert (await stage.state(task), await _reason(stage, task)) == (
            TaskState.FAILED,
            "deadline",
        )


@pytest.mark.parametrize(
    ("error", "state", "code"),
    [
        (FolderMissing("gone"), TaskState.ERROR, "folder-missing"),
        (KeeperLost("gone"), TaskState.INTERRUPTED, "lost"),
    ],
)
async def test_a_check_that_cannot_be_started(
    error: InspanError, state: TaskState, code: str
) -> None:
    stage, shell = _stage()
    shell.check_fails = error
    async with stage.running():
        task = await stage.submit(checks=("true",))
        stage.run_of(task).finish()
        await settle()
        assert (await stage.state(task), await _reason(stage, task)) == (state, code)


async def test_a_check_whose_keeper_dies() -> None:
    stage, shell = _stage()
    async with stage.running():
        task = await stage.submit(checks=("true",))
        stage.run_of(task).finish()
        await settle()
        shell.runs[f"{task.id}-1-c0"].lose()
        await settle()
        assert await stage.state(task) is TaskState.INTERRUPTED


async def test_checks_that_ran_before_the_engine_died_do_not_run_again() -> None:
    stage, shell = _stage()
    async with stage.running():
        task = await stage.submit(checks=("one", "two"))
        stage.run_of(task).finish()
        await settle()
        shell.runs[f"{task.id}-1-c0"].finish()
        await settle()
    async with stage.running():
        shell.runs[f"{task.id}-1-c1"].finish()
        await settle()
        assert await stage.state(task) is TaskState.SUCCEEDED
        assert [name[27:] for name in shell.runs] == ["1", "1-c0", "1-c1"]


async def test_a_wish_to_stop_is_heeded_by_the_engine_that_comes_after() -> None:
    stage, shell = _stage()
    shell.yields_to = "nothing"
    async with stage.running() as engine:
        task = await stage.submit(checks=("slow",))
        stage.run_of(task).finish()
        await settle()
        engine._spawn(lambda: _ignore(engine.cancel, task.id))
        await settle()
        assert (await engine.get(task.id)).stop is not None
    del shell.runs[f"{task.id}-1-c0"]
    async with stage.running():
        await settle()
        assert await stage.state(task) is TaskState.CANCELLED


async def _ignore(verb: Callable[..., object], task: str) -> None:
    await verb(task)  # type: ignore[misc]


async def test_cancelled_and_then_lost_stays_cancelled() -> None:
    stage, shell = _stage()
    shell.yields_to = "nothing"
    async with stage.running() as engine:
        task = await stage.submit(on_crash=OnCrash.RETRY)
        engine._spawn(lambda: _ignore(engine.cancel, task.id))
        await settle()
        stage.run_of(task).lose()
        await stage.clock.advance(10)
        assert await stage.state(task) is TaskState.CANCELLED


async def test_interrupted_and_then_lost_is_not_retried() -> None:
    stage, shell = _stage()
    shell.yields_to = "nothing"
    async with stage.running() as engine:
        task = await stage.submit(on_crash=OnCrash.RETRY)
        engine._spawn(lambda: _ignore(engine.interrupt, task.id))
        await settle()
        stage.run_of(task).lose()
        await stage.clock.advance(10)
        assert await stage.state(task) is TaskState.INTERRUPTED


class Deaf(FakeRun):
    """Cannot be reached, nor forgotten."""

    async def interrupt(self) -> None:
        self.say(Lost("the keeper is gone"))
        raise KeeperLost

    async def close(self) -> None:
        raise KeeperLost


async def test_a_run_that_cannot_be_reached_is_lost_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tests.fakes.provider.FakeRun", Deaf)
    stage, _ = _stage()
    async with stage.running() as engine:
        task = await stage.submit()
        assert (await engine.interrupt(task.id)).state is TaskState.INTERRUPTED
        ended = await stage.submit()
        stage.run_of(ended).finish()
        await settle()
        assert await stage.state(ended) is TaskState.COMPLETED


async def test_processes_that_are_left_are_told_of(caplog: pytest.LogCaptureFixture) -> None:
    stage, _ = _stage()
    async with stage.running() as engine:
        task = await stage.submit()
        stage.run_of(task).left = 2
        await engine.interrupt(task.id)
    assert f"2 processes of {task.id}-1 are left" in caplog.text


async def test_a_signal_without_a_name_is_a_number() -> None:
    stage, _ = _stage()
    async with stage.running():
        task = await stage.submit()
        stage.run_of(task).finish(None, signal=63)
        await settle()
        found = await stage.engine.get(task.id)
        assert found.reason is not None
        assert found.reason.message == "was ended by signal 63"


async def test_a_process_that_runs_on_is_told_of_before_its_end() -> None:
    stage, _ = _stage()
    async with stage.running():
        task = await stage.submit()
        assert (await stage.engine.get(task.id)).pid == 4000
        assert await stage.facts(task) == ["submitted", "readied", "started", "spawned"]


async def test_the_task_file_is_named_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    stage, _ = _stage()
    prepare = stage.workspaces.prepare

    async def with_file(task: Task) -> Workspace:
        return replace(await prepare(task), task_file="/there/task.json")

    monkeypatch.setattr(stage.workspaces, "prepare", with_file)
    async with stage.running():
        task = await stage.submit(workspace=WorkspaceKind.FOLDER)
        assert stage.run_of(task).order.env["INSPAN_TASK_FILE"] == "/there/task.json"


async def test_giving_up_overrides_an_interrupt_and_force_kills_at_once() -> None:
    stage, shell = _stage()
    shell.yields_to = "nothing"
    async with stage.running() as engine:
        task = await stage.submit()
        engine._spawn(lambda: _ignore(engine.interrupt, task.id))
        await settle()
        engine._spawn(lambda: _ignore(engine.interrupt, task.id))
        await settle()
        assert stage.run_of(task).asked == ["interrupt"]
        await engine.cancel(task.id, force=True)
        assert "kill" in stage.run_of(task).asked
        assert await stage.state(task) is TaskState.CANCELLED


class HeldStore(MemoryStore):
    """Keeps a cancellation waiting before it stores it."""

    def __init__(self) -> None:
        super().__init__()
        self.allowed = anyio.Event()

    async def commit(self, change: Change) -> None:
        if any(event.kind == "task.cancelled" for event in change.events):
            await self.allowed.wait()
        await super().commit(change)


async def test_one_that_is_given_up_just_as_it_is_launched_never_starts() -> None:
    stage, shell = _stage(Rules(default_slots=1))
    stage.store = store = HeldStore()
    async with stage.running() as engine:
        first, second = await stage.submit(), await stage.submit()
        engine._spawn(lambda: _ignore(engine.cancel, second.id))
        await settle()
        stage.run_of(first).finish()
        await settle()
        store.allowed.set()
        await settle()
        assert await stage.state(second) is TaskState.CANCELLED
        assert list(shell.runs) == [f"{first.id}-1"]
        assert await stage.state(await stage.submit()) is TaskState.RUNNING


class CountingStore(MemoryStore):
    """Has what each change told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[list[str]] = []

    async def commit(self, change: Change) -> None:
        self.told.append([event.kind.partition(".")[2] for event in change.events])
        await super().commit(change)


async def test_a_process_that_ends_at_once_is_told_of_with_its_end_and_costs_a_write() -> None:
    stage, shell = _stage()
    stage.keep.away = True  # its start is a write of its own
    stage.store = store = CountingStore()
    shell.auto = Exit(0)
    async with stage.running():
        await stage.submit()
        await settle()
    assert store.told == [
        ["submitted", "readied"],
        ["started"],
        ["spawned", "exited", "completed"],
    ]


async def test_what_was_told_with_the_end_is_not_told_again() -> None:
    stage, _ = _stage()
    async with stage.running() as engine:
        task = await stage.submit()
        await engine._attempts[task.id].minder.tell()
        assert (await stage.facts(task)).count("spawned") == 1


async def test_what_finds_no_room_waits_for_some_and_loses_no_time() -> None:
    stage, shell = _stage(limited(command=100))
    shell.fails = DiskFull("no recording can be made")
    async with stage.running():
        task = await stage.submit()
        await stage.clock.advance(500)
        assert await stage.state(task) is TaskState.RUNNING
        (warning,) = (await stage.engine.health()).warnings
        assert warning.startswith("1 task cannot go on")
        with pytest.raises(InputFull, match="not there yet"):
            await stage.engine.send(task.id, b"x")
        assert "no recording can be made" in warning
        shell.fails = None
        await stage.clock.advance(30)
        stage.run_of(task).finish()
        await settle()
        assert await stage.state(task) is TaskState.COMPLETED
        assert (await stage.engine.health()).warnings == ()
        assert (await stage.facts(task)).count("started") == 1


async def test_what_waits_for_room_can_be_given_up_and_its_checks_too() -> None:
    stage, shell = _stage()
    shell.check_fails = DiskFull("no recording can be made")
    async with stage.running():
        checked = await stage.submit(checks=("look",))
        stage.run_of(checked).finish()
        shell.fails = DiskFull("no recording can be made")
        plain = await stage.submit()
        (warning,) = (await stage.engine.health()).warnings
        assert warning.startswith("2 tasks cannot go on")
        assert (await stage.engine.interrupt(plain.id)).state is TaskState.INTERRUPTED
        assert (await stage.engine.cancel(checked.id)).state is TaskState.CANCELLED
        assert (await stage.engine.health()).warnings == ()


async def test_what_waits_for_room_for_its_place_can_be_given_up() -> None:
    stage, shell = _stage()
    stage.workspaces.fails = DiskFull("no place can be made")
    async with stage.running() as engine:
        task = await stage.submit(workspace=WorkspaceKind.FOLDER)
        (warning,) = (await engine.health()).warnings
        assert "no place can be made" in warning
        assert (await engine.cancel(task.id)).state is TaskState.CANCELLED
        assert not shell.runs
