"""The engine's parts one by one, where no whole engine is needed to see them."""

from __future__ import annotations

import gc
from contextlib import aclosing
from dataclasses import replace
from weakref import ref

import anyio
import pytest

from inspan.clock import SystemClock
from inspan.control import EventQuery, PrunePolicy
from inspan.engine.bus import RING, Bus
from inspan.engine.crowding import Crowding
from inspan.engine.ledger import Ledger
from inspan.engine.patrol import Patrol
from inspan.engine.ports import Change
from inspan.engine.scheduler import Scheduler
from inspan.engine.watchdog import Alarm, Watchdog
from inspan.errors import BadInput, IllegalTransition, StoreFailed, TaskNotFound, WorkspaceFailed
from inspan.model import event as e
from inspan.model.patience import IdleLimit
from inspan.model.task import Patience, Task, TaskState, Workspace, WorkspaceKind
from inspan.store.memory import MemoryStore
from tests.fakes.clock import FakeClock
from tests.fakes.metrics import FakeMonitor
from tests.unit.engine.stage import SPEC, Stage, settle

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("A5", "B4")]


def _events(first: int, last: int) -> tuple[e.Event, ...]:
    return tuple(e.Event(seq, 0.0, "t", "t", e.Readied()) for seq in range(first, last + 1))


class Past:
    """A store's history of numbered events."""

    def __init__(self, last: int) -> None:
        self.last = last
        self.asked = 0

    async def __call__(self, query: EventQuery) -> tuple[e.Event, ...]:
        self.asked += 1
        return _events(query.since + 1, min(self.last, query.since + query.limit))


async def test_a_slow_subscriber_reads_from_the_store_and_misses_nothing() -> None:
    past = Past(RING * 2)
    bus = Bus(past)
    bus.publish(_events(1, RING * 2))
    seen = []
    async with aclosing(bus.follow(0)) as events:
        async for event in events:
            seen.append(event.seq)
            if len(seen) == RING * 2:
                break
    assert seen == list(range(1, RING * 2 + 1))
    assert past.asked > 0


async def test_a_filter_that_nothing_passes_does_not_read_the_past_for_ever() -> None:
    past = Past(0)
    bus = Bus(past, head=10_000)
    async with anyio.create_task_group() as group:

        async def listen() -> None:
            async with aclosing(bus.follow(3, "other")) as events:
                async for event in events:
                    assert event.seq == 10_002
                    return

        group.start_soon(listen)
        await settle()
        bus.publish(_events(10_001, 10_001))
        await settle()
        bus.publish([e.Event(10_002, 0.0, "other", "other", e.Readied())])
    assert past.asked == 1


async def test_the_real_clock_goes_on_and_draws() -> None:
    clock = SystemClock()
    before = clock.monotonic()
    await clock.sleep(-1)
    assert clock.monotonic() >= before
    assert clock.now() > 1_700_000_000
    assert len({clock.entropy(10) for _ in range(1000)}) == 1000
    assert len(clock.entropy(10_000)) == 10_000
    assert 0 <= clock.chance() < 1


def _task(name: str, **changes: object) -> Task:
    return Task(id=name, spec=SPEC, state=TaskState.QUEUED, **changes)  # type: ignore[arg-type]


def room(**most: int) -> Crowding:
    return Crowding(FakeClock(), most, lambda: None)


async def test_who_has_no_room_is_passed_by_and_keeps_its_turn() -> None:
    scheduler, few = Scheduler({"worker": 5}), room(shell=1)
    for name in "abc":
        scheduler.ready(_task(name))
    scheduler.ready(replace(_task("d"), spec=replace(SPEC, provider="claude")))
    assert scheduler.take(few) == (("a", "worker", "shell"), ("d", "worker", "claude"))
    few.release("shell")
    assert scheduler.take(few) == (("b", "worker", "shell"),)


async def test_a_task_is_offered_once_however_often_it_is_ready() -> None:
    scheduler = Scheduler({"worker": 5})
    scheduler.ready(_task("a"))
    scheduler.ready(_task("a"))
    assert scheduler.take(room()) == (("a", "worker", "shell"),)
    assert scheduler.take(room()) == ()


async def test_one_that_was_forgotten_is_not_offered_nor_named_as_due() -> None:
    scheduler = Scheduler({})
    scheduler.ready(_task("a"))
    scheduler.wake("b", 5.0)
    scheduler.wait("c", ["a", "b"])
    for name in "abc":
        scheduler.forget(name)
    assert (scheduler.take(room()), scheduler.due(9.0), scheduler.next_alarm()) == ((), (), None)
    assert (scheduler.ended("a"), scheduler.fulfilled("c", "a")) == ((), False)


async def test_a_later_wake_replaces_an_earlier_one() -> None:
    scheduler = Scheduler({})
    scheduler.wake("a", 5.0)
    scheduler.wake("a", 7.0)
    assert (scheduler.next_alarm(), scheduler.due(6.0), scheduler.due(7.0)) == (7.0, (), ("a",))


async def test_a_dependent_waits_for_all_of_them() -> None:
    scheduler = Scheduler({})
    scheduler.wait("c", ["a", "b"])
    assert scheduler.ended("a") == ("c",)
    assert not scheduler.fulfilled("c", "a")
    assert scheduler.fulfilled("c", "b")


async def test_the_watchdog_pauses_once_and_resumes_once() -> None:
    dog = Watchdog(Patience(deadline=100, idle=10), IdleLimit(10, 40), 0.0, spent=30.0)
    dog.pause(10.0)
    dog.pause(20.0)
    assert dog.look(1000.0).again is None
    dog.resume(50.0)
    dog.resume(60.0)
    assert dog.look(55.0).alarm is None
    assert dog.look(60.0).alarm is Alarm.IDLE
    dog.heard(109.0)
    assert dog.look(110.0).alarm is Alarm.DEADLINE


class Looking:
    """Asks to be looked at ten seconds later, each time."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.looks = 0

    def look(self) -> float | None:
        self.looks += 1
        return self._clock.monotonic() + 10


async def test_the_patrol_keeps_nobody_alive_and_passes_over_who_is_gone() -> None:
    clock = FakeClock()
    patrol = Patrol(clock)
    stays, goes = Looking(clock), Looking(clock)
    patrol.add(goes)
    patrol.add(stays)
    gone = ref(goes)
    del goes
    gc.collect()
    assert gone() is None
    async with anyio.create_task_group() as group:
        group.start_soon(patrol.walk)
        await clock.advance(21)
        group.cancel_scope.cancel()
    assert stays.looks == 3


async def test_with_no_limit_at_all_nobody_has_to_look() -> None:
    dog = Watchdog(Patience(deadline=None), None, 0.0)
    assert (dog.look(1e9).alarm, dog.look(1e9).again) == (None, None)


class Sluggish(MemoryStore):
    """Stores at once or never, and answers only when it is allowed to."""

    def __init__(self) -> None:
        super().__init__()
        self.allowed = anyio.Event()
        self.loses = False

    async def commit(self, change: Change) -> None:
        if not self.loses:
            await super().commit(change)
        await self.allowed.wait()


@pytest.mark.parametrize("loses", [False, True])
async def test_whoever_gives_up_waiting_leaves_the_ledger_right(*, loses: bool) -> None:
    store = Sluggish()
    ledger = Ledger(store, FakeClock(), FakeMonitor())
    await ledger.load()
    task_id = ledger.new_id()
    store.allowed.set()
    await ledger.create([(task_id, SPEC, ())], {})
    store.allowed, store.loses = anyio.Event(), loses
    with anyio.move_on_after(0.01):
        await ledger.record(task_id, e.Readied())
    wanted = TaskState.PENDING if loses else TaskState.QUEUED
    assert (await ledger.get(task_id)).state is wanted
    store.allowed.set()
    store.loses = False
    if loses:
        await ledger.record(task_id, e.Readied())
    with pytest.raises(IllegalTransition):
        await ledger.record(task_id, e.Readied())


class Broken(MemoryStore):
    """Refuses to write, and then to say whether it did."""

    def __init__(self) -> None:
        super().__init__()
        self.error: Exception | None = None

    async def commit(self, change: Change) -> None:
        if self.error is not None:
            raise self.error
        await super().commit(change)

    async def get(self, task: str) -> Task | None:
        if self.error is not None:
            raise StoreFailed
        return await super().get(task)


@pytest.mark.parametrize("error", [StoreFailed("no"), BadInput("NaN is no JSON")])
async def test_a_refused_write_changes_nothing(error: Exception) -> None:
    store = Broken()
    ledger = Ledger(store, FakeClock(), FakeMonitor())
    await ledger.load()
    task_id = ledger.new_id()
    await ledger.create([(task_id, SPEC, ())], {})
    store.error = error
    with pytest.raises(type(error)):
        await ledger.record(task_id, e.Readied())
    store.error = None
    assert (await ledger.record(task_id, e.Readied())).state is TaskState.QUEUED
    with pytest.raises(TaskNotFound):
        await ledger.get("0" * 26)


async def test_a_workspace_that_cannot_be_removed_does_not_stop_pruning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stage = Stage()

    async def refuse(_place: Workspace) -> str | None:
        raise WorkspaceFailed("its repository is gone")

    monkeypatch.setattr(stage.workspaces, "remove", refuse)
    async with stage.running() as engine:
        task = await stage.submit(workspace=WorkspaceKind.FOLDER)
        stage.run_of(task).finish()
        await settle()
        await stage.clock.advance(10)
        assert (await engine.prune(PrunePolicy(older_than=1.0))).tasks == 1
    assert "its repository is gone" in caplog.text


async def test_an_engine_that_does_not_run_launches_nothing() -> None:
    stage = Stage()
    with pytest.raises(IllegalTransition, match="not running"):
        stage.engine._launch(_task("0" * 26))
    stage.engine._spawn(settle)


async def test_an_errand_that_fails_is_logged_and_no_more(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stage = Stage()

    async def fail() -> None:
        raise ZeroDivisionError("oops")

    async with stage.running() as engine:
        engine._spawn(fail)
        await settle()
        assert await stage.state(await stage.submit()) is TaskState.RUNNING
    assert "oops" in caplog.text
