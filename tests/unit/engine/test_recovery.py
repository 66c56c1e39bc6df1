"""An engine is killed between every two steps of a task, and the next one takes up the work."""

from __future__ import annotations

from dataclasses import replace

import anyio
import pytest

from inspan.engine.ports import Change, Order
from inspan.engine.rules import Rules
from inspan.errors import DiskFull, InputFull, ProviderBroken, StoreFailed
from inspan.model.task import Exit, OnCrash, TaskState, Verdict, WorkspaceKind
from inspan.store.memory import MemoryStore
from tests.fakes.provider import FakeProvider, FakeRun
from tests.unit.engine.stage import SPEC, Stage, settle

pytestmark = pytest.mark.anyio


class Killed(BaseException):
    """The machine stops here."""


class DyingStore(MemoryStore):
    """Dies before or after its N-th commit."""

    def __init__(self) -> None:
        super().__init__()
        self.commits = 0
        self.dies_at: int | None = None
        self.stored_first = False

    async def commit(self, change: Change) -> None:
        self.commits += 1
        if self.commits == self.dies_at and not self.stored_first:
            raise Killed
        await super().commit(change)
        if self.commits == self.dies_at:
            raise Killed


class Dying(Stage):
    """A stage whose shell ends each run well by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.store: DyingStore = DyingStore()
        self.shell.auto = Exit(0)


SPECS = {
    "plain": SPEC,
    "checked": replace(SPEC, checks=("true", "true")),
    "retried": replace(SPEC, on_crash=OnCrash.RETRY, retries=2),
    "delayed": replace(SPEC, workspace=WorkspaceKind.FOLDER),
}


@pytest.mark.requirement("A1", "B1")
@pytest.mark.parametrize("stored_first", [False, True])
@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("name", sorted(SPECS))
async def test_killed_between_any_two_steps_it_ends_once(
    name: str, *, at_once: bool, stored_first: bool
) -> None:
    spec = SPECS[name]
    for dies_at in range(1, 20):
        stage = Dying()
        stage.keep.away = not at_once
        stage.store.dies_at, stage.store.stored_first = dies_at, stored_first
        try:
            async with stage.running() as engine:
                await engine.submit(spec, key="one")
                await settle()
                lived = True
        except* Killed:
            lived = False
        stage.store.dies_at = None
        async with stage.running() as engine:
            task = await engine.submit(spec, key="one")
            await settle()
            ended = await engine.get(task.id)
            wanted = TaskState.SUCCEEDED if spec.checks else TaskState.COMPLETED
            assert ended.state is wanted, (dies_at, ended)
            assert ended.attempt == 1
            assert (await engine.list()).counts == {wanted.value: 1}
        if lived:
            assert dies_at > (2 if at_once else 3)
            return
    pytest.fail("it never lived to its end")


async def test_a_live_process_is_adopted_and_not_started_again() -> None:
    stage = Stage()
    async with stage.running():
        task = await stage.submit()
    async with stage.running():
        assert await stage.state(task) is TaskState.RUNNING
        stage.run_of(task).finish()
        await settle()
        assert await stage.state(task) is TaskState.COMPLETED
        assert list(stage.shell.runs) == [f"{task.id}-1"]


async def test_a_process_whose_provider_is_gone_does_not_go_on_unseen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def refuse(_: FakeProvider, order: Order) -> None:  # noqa: ARG001 - the port's signature
        raise ProviderBroken("it cannot be loaded any more")

    stage = Stage()
    async with stage.running():
        task = await stage.submit()
    monkeypatch.setattr(FakeProvider, "adopt", refuse)
    async with stage.running() as engine:
        found = await engine.get(task.id)
        assert found.state is TaskState.INTERRUPTED
        assert found.reason is not None
        assert found.reason.code == "provider-broken"
        assert stage.keep.dropped == [f"{task.id}-1"]


async def test_adopted_attempts_keep_their_slots() -> None:
    stage = Stage()
    async with stage.running():
        first, second = await stage.submit(), await stage.submit()
        third = await stage.submit()
    async with stage.running():
        assert await stage.state(third) is TaskState.QUEUED
        stage.run_of(first).finish()
        await settle()
        assert await stage.state(third) is TaskState.RUNNING
        assert await stage.state(second) is TaskState.RUNNING


async def test_with_the_keeper_gone_it_is_interrupted_or_retried_by_policy() -> None:
    stage = Stage()
    async with stage.running():
        asks = await stage.submit()
        retries = await stage.submit(on_crash=OnCrash.RETRY)
    stage.shell.runs.clear()
    stage.keep.name = "keeper-2"
    async with stage.running():
        await settle()
        assert await stage.state(asks) is TaskState.INTERRUPTED
        assert await stage.state(retries) is TaskState.RUNNING
        assert list(stage.shell.runs) == [f"{retries.id}-2"]


async def test_a_wish_to_stop_outlives_the_engine() -> None:
    stage = Stage()
    stage.shell.yields_to = "nothing"
    async with stage.running() as engine:
        task = await stage.submit()

        async def ask() -> None:
            await engine.interrupt(task.id)

        engine._spawn(ask)
        await settle()
        assert (await engine.get(task.id)).stop is not None
    stage.run_of(task).asked.clear()
    async with stage.running():
        await stage.clock.advance(20)
        assert stage.run_of(task).asked[:3] == ["interrupt", "terminate", "kill"]
        assert await stage.state(task) is TaskState.INTERRUPTED


async def test_what_the_keeper_holds_for_ended_attempts_is_dropped() -> None:
    stage = Stage()
    async with stage.running():
        task = await stage.submit()
        stage.keep.sessions = {f"{task.id}-1", f"{task.id}-0"}
    async with stage.running():
        assert stage.keep.dropped == [f"{task.id}-0"]


async def test_a_verdict_is_waited_for_across_engines() -> None:
    stage = Stage()
    stage.shell.auto = Exit(0)
    async with stage.running():
        task = await stage.submit(workspace=WorkspaceKind.WORKTREE, review=True)
        assert await stage.state(task) is TaskState.PROCESSING
    async with stage.running() as engine:
        assert await stage.state(task) is TaskState.PROCESSING
        decided = await engine.decide(task.id, Verdict.ACCEPT)
        assert decided.state is TaskState.SUCCEEDED
        assert stage.workspaces.log[-2:] == ["accept work", "remove"]


class FailingStore(MemoryStore):
    """Refuses some commits; ``lies`` stores them all the same."""

    def __init__(self) -> None:
        super().__init__()
        self.refuses = 0
        self.lies = False

    async def commit(self, change: Change) -> None:
        if self.refuses:
            self.refuses -= 1
            if self.lies:
                await super().commit(change)
            raise DiskFull
        await super().commit(change)


async def test_a_full_disk_delays_the_end_and_loses_nothing() -> None:
    stage = Stage()
    store = FailingStore()
    stage.store = store
    async with stage.running():
        task = await stage.submit()
        store.refuses = 3
        stage.run_of(task).finish()
        await settle()
        assert await stage.state(task) is TaskState.RUNNING
        await stage.clock.advance(10)
        assert await stage.state(task) is TaskState.COMPLETED


@pytest.mark.parametrize("lies", [False, True])
async def test_a_write_that_reported_an_error_may_have_happened(*, lies: bool) -> None:
    stage = Stage()
    store = FailingStore()
    stage.store, store.lies = store, lies
    async with stage.running() as engine:
        store.refuses = 1
        if lies:
            first = await engine.submit(SPEC, key="k")
            assert (await engine.submit(SPEC, key="k")).id == first.id
        else:
            with pytest.raises(StoreFailed):
                await engine.submit(SPEC, key="k")
            await engine.submit(SPEC, key="k")
        await settle()
        assert len(stage.shell.runs) == 1


class SlowStore(MemoryStore):
    """Tells of a cancellation only when it is allowed to, though it has stored it."""

    def __init__(self) -> None:
        super().__init__()
        self.allowed = anyio.Event()

    async def commit(self, change: Change) -> None:
        await super().commit(change)
        if any(event.kind == "task.cancelled" for event in change.events):
            await self.allowed.wait()


async def test_one_that_is_cancelled_on_the_brink_of_its_start_gives_the_slot_back() -> None:
    stage = Stage(Rules(default_slots=1))
    stage.store = store = SlowStore()
    async with stage.running() as engine:
        first, second = await stage.submit(), await stage.submit()
        async with anyio.create_task_group() as group:
            group.start_soon(engine.cancel, second.id)
            await settle()
            stage.run_of(first).finish()
            await settle()
            store.allowed.set()
        assert (await engine.list()).counts == {"cancelled": 1, "completed": 1}
        third = await stage.submit()
        assert await stage.state(third) is TaskState.RUNNING


class Slow(FakeProvider):
    """It does not get to adopting what runs."""

    async def adopt(self, order: Order) -> FakeRun | None:
        await anyio.sleep_forever()
        raise AssertionError(order.session)


async def test_a_question_is_not_answered_before_its_process_is_found_again() -> None:
    stage = Stage()
    async with stage.running():
        task = await stage.submit()
        stage.run_of(task).ask("Go on?")
        await settle()
    slow, runs = Slow(), stage.shell.runs
    slow.runs, stage.shell = runs, slow
    async with stage.running() as engine:
        with pytest.raises(InputFull, match="not there yet"):
            await engine.answer(task.id, "yes")
        assert await stage.state(task) is TaskState.WAITING
        assert stage.run_of(task).typed == b""
