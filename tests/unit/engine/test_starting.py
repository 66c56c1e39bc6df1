"""A task that may start at once starts with the change that accepts it, and passes over nobody."""

from __future__ import annotations

from dataclasses import replace

import anyio
import anyio.lowlevel
import pytest

from inspan.engine.engine import Engine
from inspan.engine.ports import Change
from inspan.engine.rules import Rules
from inspan.errors import DiskFull
from inspan.model.ids import check_id
from inspan.model.task import Exit, Task, TaskSpec, TaskState
from inspan.store.memory import MemoryStore
from tests.unit.engine.stage import SPEC, Stage, settle

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("B2", "A3")]

_QUEUED, _RUNNING = TaskState.QUEUED, TaskState.RUNNING


class SlowStore(MemoryStore):
    """Has what each change told, in order; writes, or refuses, when it may."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[list[str]] = []
        self.may = anyio.Event()
        self.may.set()
        self.refuses: DiskFull | None = None
        #: What was handed in is written, also where who did that has gone.
        self.sure = True

    async def commit(self, change: Change) -> None:
        self.told.append([event.kind.partition(".")[2] for event in change.events])
        with anyio.CancelScope(shield=self.sure):
            await self.may.wait()
        if self.refuses is not None:
            raise self.refuses
        await super().commit(change)
        await anyio.lowlevel.checkpoint_if_cancelled()


class Slow(Stage):
    """A stage on which storing takes until the test lets it."""

    def __init__(self, slots: int = 1) -> None:
        super().__init__(Rules(default_slots=slots))
        self.store: SlowStore = SlowStore()

    def hold(self) -> None:
        self.store.may = anyio.Event()

    async def let(self) -> None:
        self.store.may.set()
        await settle()


async def _submit(
    engine: Engine, made: list[Task], *specs: TaskSpec, key: str | None = None
) -> None:
    made += await engine.submit_all(specs, key=key)


async def test_a_free_slot_is_taken_with_the_change_that_accepts() -> None:
    stage = Slow()
    async with stage.running() as engine:
        task = await engine.submit(SPEC)
        assert (task.state, task.attempt, task.session) == (_RUNNING, 1, f"{task.id}-1")
        assert task.keeper == stage.keep.name
        assert stage.store.told == [["submitted", "readied", "started"]]
        await settle()
        assert await stage.facts(task) == ["submitted", "readied", "started", "spawned"]


async def test_without_a_keeper_at_hand_nobody_waits_for_one() -> None:
    stage = Slow()
    stage.keep.away = True
    async with stage.running() as engine:
        task = await engine.submit(SPEC)
        assert task.state is _QUEUED
        await settle()
        assert await stage.state(task) is _RUNNING
        assert stage.store.told[:2] == [["submitted", "readied"], ["started"]]


async def test_who_stands_in_line_is_not_passed_over() -> None:
    stage = Slow()
    async with stage.running() as engine:
        first = await stage.submit()
        low = await stage.submit()
        engine._attempts[first.id].leave_slot()
        urgent = await engine.submit(replace(SPEC, priority=9))
        assert urgent.state is _QUEUED
        await settle()
        assert (await stage.state(low), await stage.state(urgent)) == (_RUNNING, _QUEUED)


async def test_those_being_stored_each_find_the_slot_that_was_free_for_them() -> None:
    stage = Slow(3)
    made: list[Task] = []
    later: list[Task] = []
    async with stage.running() as engine, anyio.create_task_group() as group:
        stage.hold()
        group.start_soon(_submit, engine, made, SPEC, SPEC)
        await settle()
        for _ in range(2):
            group.start_soon(_submit, engine, later, replace(SPEC, priority=9))
            await settle()
        await stage.let()
        # One of the three slots was free beside those of the two.
        assert [task.state for task in later] == [_RUNNING, _QUEUED]
        states = [await stage.state(task) for task in (*made, *later)]
        assert sorted(states) == sorted([_RUNNING, _RUNNING, _RUNNING, _QUEUED])
        assert await stage.state(later[0]) is _RUNNING


async def test_a_refused_submission_gives_its_slot_back() -> None:
    stage = Slow()
    async with stage.running() as engine:
        stage.store.refuses = DiskFull("no room")
        with pytest.raises(DiskFull):
            await engine.submit(SPEC)
        stage.store.refuses = None
        task = await stage.submit()
        assert await stage.state(task) is _RUNNING
        assert list(stage.shell.runs) == [f"{task.id}-1"]


async def test_who_asked_may_go_away_and_what_is_stored_runs_all_the_same() -> None:
    stage = Slow()
    async with stage.running() as engine:
        stage.hold()
        async with anyio.create_task_group() as group:
            group.start_soon(_submit, engine, [], SPEC)
            await settle()
            group.cancel_scope.cancel()
            stage.store.may.set()
        await settle()
        (task,) = (await engine.list()).tasks
        assert task.state is _RUNNING
        assert list(stage.shell.runs) == [f"{task.id}-1"]
        assert await stage.state(await stage.submit()) is _QUEUED


async def test_who_asked_for_several_may_go_away_and_all_of_them_run() -> None:
    """Of several none starts at once: each is lined up when all are stored."""
    stage = Slow(2)
    async with stage.running() as engine:
        stage.hold()
        async with anyio.create_task_group() as group:
            group.start_soon(_submit, engine, [], SPEC, SPEC)
            await settle()
            group.cancel_scope.cancel()
            stage.store.may.set()
        await settle()
        assert [task.state for task in (await engine.list()).tasks] == [_RUNNING] * 2


async def test_who_resumes_may_go_away_and_the_task_runs() -> None:
    stage = Slow()
    async with stage.running() as engine:
        task = await engine.submit(SPEC)
        await engine.interrupt(task.id)
        assert await stage.state(task) is TaskState.INTERRUPTED
        stage.hold()
        async with anyio.create_task_group() as group:
            group.start_soon(engine.resume, task.id)
            await settle()
            group.cancel_scope.cancel()
            stage.store.may.set()
        await settle()
        assert await stage.state(task) is _RUNNING


async def test_who_asked_went_away_and_nothing_was_stored() -> None:
    stage = Slow()
    async with stage.running() as engine:
        stage.hold()
        stage.store.sure = False
        async with anyio.create_task_group() as group:
            group.start_soon(_submit, engine, [], SPEC)
            await settle()
            group.cancel_scope.cancel()
        stage.store.may.set()
        assert await stage.state(await stage.submit()) is _RUNNING


async def test_one_key_takes_one_slot() -> None:
    stage = Slow(2)
    made: list[Task] = []
    async with stage.running() as engine:
        stage.hold()
        async with anyio.create_task_group() as group:
            for _ in range(2):
                group.start_soon(lambda: _submit(engine, made, SPEC, key="one"))
            await settle()
            await stage.let()
        assert made[0].id == made[1].id
        assert await stage.state(await stage.submit()) is _RUNNING


async def test_it_can_be_stopped_as_soon_as_anybody_knows_of_it() -> None:
    stage = Slow()
    async with stage.running() as engine:
        task = await engine.submit(SPEC)
        assert (await engine.cancel(task.id)).state is TaskState.CANCELLED
        assert await stage.state(await stage.submit()) is _RUNNING


async def test_an_engine_that_stops_leaves_it_to_the_next() -> None:
    stage = Slow()
    made: list[Task] = []
    async with anyio.create_task_group() as group:
        async with stage.running() as engine:
            stage.hold()
            group.start_soon(_submit, engine, made, SPEC)
            await settle()
        await stage.let()
    assert stage.shell.runs == {}
    async with stage.running():
        await settle()
        assert list(stage.shell.runs) == [f"{made[0].id}-1"]
        assert await stage.facts(made[0]) == ["submitted", "readied", "started", "spawned"]


async def test_a_slot_is_free_when_the_process_has_ended_and_its_end_is_stored_first() -> None:
    stage = Slow()
    async with stage.running():
        first = await stage.submit()
        second = await stage.submit()
        stage.hold()
        stage.store.told.clear()
        stage.run_of(first).finish()
        await settle()
        assert stage.store.told == [["exited", "completed"], ["started"]]
        await stage.let()
        assert await stage.state(second) is _RUNNING


async def test_a_slot_is_kept_while_what_came_before_the_end_is_stored() -> None:
    stage = Slow()
    async with stage.running():
        first = await stage.submit()
        await stage.submit()
        stage.hold()
        stage.store.told.clear()
        stage.run_of(first).ask("Go on?")
        await settle()
        stage.run_of(first).finish()
        await settle()
        assert stage.store.told == [["needs_input"]]
        await stage.let()
        assert stage.store.told == [
            ["needs_input"],
            ["exited", "completed"],
            ["started"],
            ["spawned"],
        ]


async def test_a_checked_task_has_its_slot_until_the_end() -> None:
    stage = Slow()
    async with stage.running():
        first = await stage.submit(checks=("make test",))
        second = await stage.submit()
        stage.run_of(first).finish()
        await settle()
        assert await stage.state(second) is _QUEUED
        stage.shell.runs[check_id(f"{first.id}-1", 0)].finish()
        await settle()
        assert await stage.state(second) is _RUNNING


async def test_a_process_that_ends_at_once_costs_two_writes() -> None:
    stage = Slow()
    stage.shell.auto = Exit(0)
    async with stage.running():
        await stage.submit()
    assert stage.store.told == [
        ["submitted", "readied", "started"],
        ["spawned", "exited", "completed"],
    ]
