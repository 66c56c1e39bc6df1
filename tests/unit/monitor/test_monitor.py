"""The monitor by a clock in the test's hand: what it counts, joins, keeps, and never breaks."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from inspan.engine.ports import Change
from inspan.errors import BadInput, DiskFull
from inspan.model import event as e
from inspan.model.metrics import Disk, Drawn, Metrics, MetricsQuery, Sample
from inspan.model.task import Exit, Needs, Reason
from inspan.monitor.monitor import RING, PerformanceMonitor
from tests.fakes.clock import FakeClock
from tests.fakes.lives import Author
from tests.fakes.metrics import FakeDatabase, FakeProcesses
from tests.fakes.rest import at_rest

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("A8")]


class Stage:
    """A monitor in a world of fakes."""

    def __init__(self) -> None:
        self.clock = FakeClock(rest=at_rest)
        self.author = Author(at=self.clock.now())
        self.processes = FakeProcesses()
        self.database = FakeDatabase()
        self.monitor = self._monitor()

    def _monitor(self) -> PerformanceMonitor:
        return PerformanceMonitor(self.clock, self.processes, self.database)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[PerformanceMonitor]:
        self.monitor = self._monitor()
        async with self.monitor.running():
            await at_rest()
            yield self.monitor

    def hear(self, change: Change) -> str:
        self.monitor.hear((change,))
        return change.tasks[0].id

    def queued(self) -> str:
        task = self.hear(self.author.submit())
        self.hear(self.author.tell(task, e.Readied()))
        return task

    def started(self) -> str:
        task = self.queued()
        self.hear(self.author.start(task))
        return task

    async def now(self) -> Metrics:
        return await self.monitor.metrics()

    async def since(self, at: float, limit: int = 3600) -> tuple[Sample, ...]:
        return (await self.monitor.metrics(MetricsQuery(since=at, limit=limit))).samples


@pytest.fixture
def stage() -> Stage:
    return Stage()


async def test_it_tells_how_things_stand(stage: Stage) -> None:
    async with stage.running():
        stage.queued()
        await stage.clock.advance(4)
        stage.queued()
        waits = stage.started()
        stage.hear(stage.author.tell(waits, e.NeedsInput(1, Needs("question", "yes?"))))
        parked = stage.started()
        ended = e.Exited(1, Exit(1), 0), e.Parked(1, Reason("quota", "a limit"), 9e9)
        stage.hear(stage.author.tell(parked, *ended))
        stage.started()
        now = (await stage.now()).now
        assert (now.concurrent, now.queued, now.needs_you, now.parked) == (2, 2, 1, 1)
        assert now.oldest_queued_seconds == pytest.approx(4, abs=0.01)


async def test_an_end_is_counted_once_and_with_its_time(stage: Stage) -> None:
    async with stage.running():
        task = stage.started()
        stage.author.at += 2.5
        stage.hear(stage.author.tell(task, e.Cancelled(Reason("cancel", "enough"))))
        stage.hear(stage.author.tell(task, e.WorkspaceSaved(None)))
        never = stage.queued()
        stage.hear(stage.author.tell(never, e.Cancelled(Reason("cancel", "enough"))))
        told = await stage.now()
        assert told.totals.tasks_ended == {"cancelled": 2}
        assert told.now.durations.count == 1  # one of them never began
        assert told.now.durations.most == pytest.approx(2.5, abs=0.1)
        assert sum(told.totals.durations.counts) == 1
        assert told.now.concurrent == 0


async def test_what_an_earlier_engine_left_is_taken_up(stage: Stage) -> None:
    task = stage.author.submit().tasks[0].id
    stage.author.tell(task, e.Readied())
    stage.author.start(task)
    async with stage.running() as monitor:
        monitor.begin(stage.author.tasks.values())
        assert (await stage.now()).now.concurrent == 1
        stage.hear(stage.author.tell(task, e.Cancelled(Reason("cancel", "enough"))))
        told = await stage.now()
        assert (told.now.concurrent, told.totals.tasks_ended) == (0, {"cancelled": 1})
        assert told.totals.tasks_started == 0  # that was before


async def test_a_second_is_a_sample_and_ten_minutes_are_held(stage: Stage) -> None:
    async with stage.running():
        stage.started()
        stage.database.writes(3, 0.002)
        stage.database.reads += 7
        await stage.clock.advance(1.0)
        (sample,) = (await stage.now()).samples
        assert (sample.span, sample.tasks_submitted, sample.tasks_started) == (1.0, 1, 1)
        assert (sample.changes, sample.reads, sample.operations_per_second) == (3, 7, 10.0)
        assert sample.commits.p50 == 0.002
        await stage.clock.advance(RING + 10)
        held = await stage.monitor.metrics(MetricsQuery(limit=3600))
        assert len(held.samples) == RING
        assert held.totals.changes == 3


async def test_many_samples_are_joined_to_as_many_as_are_wanted(stage: Stage) -> None:
    async with stage.running():
        began = stage.clock.now()
        for _ in range(100):
            stage.queued()
            await stage.clock.advance(1.0)
        few = await stage.since(began, 7)
        assert len(few) <= 7
        assert sum(sample.tasks_submitted for sample in few) == 100
        assert sum(sample.span for sample in few) == pytest.approx(100)
        assert few[-1].queued == 100
        with pytest.raises(BadInput):
            await stage.since(began, 0)


async def test_of_the_room_on_disks_the_least_is_told_and_an_older_row_knows_of_none(
    stage: Stage,
) -> None:
    began = stage.clock.now()
    async with stage.running():
        for free in (500, 100, 300):
            stage.processes.room = {"state": Disk(free, 1000), "recordings": Disk(9, 10)}
            stage.queued()
            await stage.clock.advance(15.0)
        stage.processes.room = {"state": Disk(400, 1000), "recordings": Disk(9, 10)}
        now = (await stage.now()).now
        assert now.disks == {"state": Disk(400, 1000), "recordings": Disk(9, 10)}
        assert (now.disks["state"].free, Disk(1, 0).free) == (0.4, 0.0)
        (minute,) = await stage.since(began, 1)
        assert minute.disks["state"] == Disk(100, 1000)
    stage.database.rows = [
        (at, span, body.replace('"disks"', '"of a later inspan"'))
        for at, span, body in stage.database.rows
    ]
    async with stage.running():
        await stage.clock.advance(RING + 55)
        assert (await stage.since(began))[0].disks == {}


@pytest.mark.parametrize(("kept", "due"), [(120.0, 120.0), (None, math.inf)])
async def test_minutes_are_kept_for_as_long_as_is_set(
    stage: Stage, kept: float | None, due: float
) -> None:
    monitor = PerformanceMonitor(stage.clock, stage.processes, stage.database, kept)
    stage.monitor = monitor
    async with monitor.running():
        stage.queued()
        await stage.clock.advance(70.0)
    at, keep = stage.database.kept_from[0]
    assert at - keep == due


async def test_minutes_are_kept_and_told_beside_the_ring_without_a_gap(stage: Stage) -> None:
    began = stage.clock.now()
    async with stage.running():
        for _ in range(130):
            stage.queued()
            await stage.clock.advance(1.0)
        assert len(stage.database.rows) == 2
    assert len(stage.database.rows) == 3  # the minute that was not over
    async with stage.running():
        stage.queued()
        await stage.clock.advance(RING + 55)
        told = await stage.since(began)
        assert sum(sample.tasks_submitted for sample in told) == 131
        ends = [sample.at for sample in told]
        assert ends == sorted(ends)
        starts = [sample.at - sample.span for sample in told]
        gaps = [start - end for start, end in zip(starts[1:], ends, strict=False)]
        # Between them nothing happened for a minute, which is no row; no second is told twice.
        assert all(-0.01 < gap < 61 for gap in gaps)


async def test_where_nothing_happens_nothing_is_written(stage: Stage) -> None:
    async with stage.running():
        await stage.clock.advance(600)
    assert stage.database.rows == []


async def test_old_rows_go(stage: Stage) -> None:
    async with stage.running():
        stage.queued()
        await stage.clock.advance(61)
        stage.clock.jump(8 * 86400)
        stage.queued()
        await stage.clock.advance(61)
    assert len(stage.database.rows) == 1


async def test_a_database_that_refuses_loses_nothing(stage: Stage) -> None:
    async with stage.running():
        stage.database.fault = DiskFull("full")
        stage.queued()
        await stage.clock.advance(61)
        stage.database.fault = None
        stage.queued()
        await stage.clock.advance(60)
        assert len(stage.database.rows) == 2


async def test_rows_that_cannot_be_read_are_passed_over(stage: Stage) -> None:
    now = stage.clock.now()
    stage.database.rows = [(now - 70, 60.0, "{"), (now - 5, 60.0, '{"at":1}')]
    async with stage.running():
        assert await stage.since(0) == ()


async def test_processors_are_what_was_used_between_two_looks(stage: Stage) -> None:
    session = f"{'1' * 26}-1"
    stage.processes.living = {session: Drawn(20, 5000, 10.0, 3)}
    async with stage.running():
        first = (await stage.now()).now
        assert first.daemon is not None
        assert (first.daemon.cpu, first.sessions[0].cpu) == (0.0, 0.0)  # not known yet
        await stage.clock.advance(2)
        stage.processes.drawn["daemon"] = Drawn(10, 2000, 1.5)
        stage.processes.living = {
            session: Drawn(20, 4000, 13.0, 2),
            f"py-{'2' * 26}-1": Drawn(21, 9000, 1.0),
        }
        told = await stage.now()
        assert told.now.daemon is not None
        assert (told.now.daemon.rss_bytes, told.now.daemon.cpu) == (2000, 0.25)
        assert [(use.owner, use.cpu) for use in told.now.sessions] == [
            ("2" * 26, 0.0), ("1" * 26, 1.5)
        ]  # fmt: skip
        assert (told.now.sessions_alive, told.now.sessions_rss_bytes) == (2, 13000)
        assert told.totals.cpu_seconds == {"daemon": 1.5}


async def test_nobody_makes_it_look_more_than_once_a_second(stage: Stage) -> None:
    async with stage.running():
        for _ in range(50):
            await stage.now()
        assert stage.processes.looks == 1
        await stage.clock.advance(100)
        assert 5 <= stage.processes.looks <= 11


async def test_a_loop_that_is_late_is_told(stage: Stage) -> None:
    async with stage.running():
        await stage.clock.advance(1)
        stage.clock._pass(1.0)  # nobody was woken meanwhile
        await stage.clock.advance(1)
        lag = (await stage.now()).totals.loop_lag
        assert lag.total == pytest.approx(0.75)
        assert lag.counts[-3:] == (1, 0, 0)


async def test_a_fault_of_its_own_ends_only_itself(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    async with stage.running():
        stage.processes.fault = RuntimeError("odd")
        await stage.clock.advance(30)
        stage.queued()
        stage.processes.fault = None
        assert (await stage.now()).now.queued == 1
    assert "the monitor has failed" in caplog.text


async def test_what_goes_wrong_beside_it_is_not_wrapped(stage: Stage) -> None:
    with pytest.raises(BadInput):
        async with stage.running():
            raise BadInput("of the block")
