"""Figures of a Control in memory: counted from its events, with a process that never was."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence

from inspan.engine.ports import Change
from inspan.errors import BadInput
from inspan.model import event as e
from inspan.model.metrics import (
    Disk,
    Drawn,
    Metrics,
    MetricsQuery,
    ProcessUse,
    Sample,
    SessionUse,
    Totals,
)
from inspan.model.task import ACTIVE, Task, TaskState


class FakeMonitor:
    """``engine.monitoring.Monitor`` that keeps what it hears."""

    def __init__(self) -> None:
        self.begun: tuple[Task, ...] = ()
        self.heard: list[Change] = []
        #: Raised where it is told of something.
        self.fault: Exception | None = None

    def begin(self, tasks: Iterable[Task]) -> None:
        self.begun = tuple(tasks)

    def hear(self, changes: Sequence[Change]) -> None:
        self.heard += changes
        if self.fault is not None:
            raise self.fault

    async def metrics(self, query: MetricsQuery) -> Metrics:
        events = [event for change in self.heard for event in change.events]
        return counted((), events, query)


def counted(tasks: Collection[Task], events: Sequence[e.Event], query: MetricsQuery) -> Metrics:
    """What happened, as one sample of ten seconds."""
    if not 1 <= query.limit <= 3600:
        raise BadInput("limit: must be a whole number from 1 to 3600")
    now = time.time()
    submitted = sum(isinstance(event.fact, e.Submitted) for event in events)
    started = sum(isinstance(event.fact, e.AttemptStarted) for event in events)
    ended = dict(Counter(task.state.value for task in tasks if task.done))
    running = [task for task in tasks if task.state in ACTIVE]
    queued = [now - task.created_at for task in tasks if task.state is TaskState.QUEUED]
    sample = Sample(
        at=now,
        span=10.0,
        tasks_submitted=submitted,
        tasks_started=started,
        tasks_ended=ended,
        tasks_per_second=sum(ended.values()) / 10,
        concurrent=len(running),
        queued=len(queued),
        oldest_queued_seconds=max(queued, default=None),
        needs_you=sum(task.state is TaskState.WAITING for task in tasks),
        daemon=ProcessUse(4321, 60 << 20, 0.25),
        sessions=tuple(
            SessionUse(session=task.session, owner=task.id, processes=2, rss_bytes=9 << 20, cpu=0.5)
            for task in running
            if task.session is not None
        ),
        sessions_alive=len(running),
        sessions_rss_bytes=len(running) * (9 << 20),
        sessions_cpu=len(running) * 0.5,
    )
    totals = Totals(
        since=now - 10, tasks_submitted=submitted, tasks_started=started, tasks_ended=ended
    )
    return Metrics(sample, (sample,) if (query.since or 0) < now else (), totals)


class FakeProcesses:
    """``monitor.ports.Processes``: they use what the test says."""

    def __init__(self) -> None:
        self.drawn: dict[str, Drawn] = {"daemon": Drawn(10, 1000, 1.0)}
        self.living: dict[str, Drawn] = {}
        self.room: dict[str, Disk] = {}
        self.looks = 0
        #: Raised where they are looked at.
        self.fault: Exception | None = None

    async def own(self) -> dict[str, Drawn]:
        self.looks += 1
        if self.fault is not None:
            raise self.fault
        return dict(self.drawn)

    async def sessions(self) -> dict[str, Drawn]:
        return dict(self.living)

    async def disks(self) -> dict[str, Disk]:
        return dict(self.room)


class FakeDatabase:
    """``monitor.ports.Database``: rows in a list."""

    def __init__(self) -> None:
        self.on_transaction: Callable[[int, float], None] | None = None
        self.reads = 0
        self.rows: list[tuple[float, float, str]] = []
        #: Of each row: when it ended, and from when on rows were kept then.
        self.kept_from: list[tuple[float, float]] = []
        #: Raised where it is written to.
        self.fault: Exception | None = None

    def writes(self, changes: int, seconds: float) -> None:
        """A transaction is done."""
        assert self.on_transaction is not None
        self.on_transaction(changes, seconds)

    async def put_sample(self, at: float, span: float, body: str, keep: float) -> None:
        if self.fault is not None:
            raise self.fault
        self.kept_from.append((at, keep))
        self.rows = [row for row in self.rows if row[0] >= keep]
        self.rows.append((at, span, body))

    async def samples(self, since: float, until: float) -> tuple[str, ...]:
        return tuple(body for at, span, body in self.rows if at > since and at - span < until)
