"""What the monitor measured, as values. They know no clock and no process.

A sample tells of a span of time: what happened in it, and how things stood at its end. Where
several are joined, what happened adds up, and of how things stood the highest is told. What a
figure means, and how far it can be trusted, stands in docs/monitor.md.
"""

from __future__ import annotations

from typing import NamedTuple

from inspan.model.value import field, named_value, value


class Drawn(NamedTuple):
    """What processes have: memory now, and seconds of processors since they began."""

    pid: int
    rss_bytes: int
    cpu_seconds: float
    processes: int = 1


@value
class Disk:
    """The file system of a folder: what is free there for inspan, and how large it is."""

    free_bytes: int
    size_bytes: int

    @property
    def free(self) -> float:
        """The part that is free, of 1."""
        return self.free_bytes / self.size_bytes if self.size_bytes else 0.0


@value
class Spread:
    """How large figures were: how many, all of them together, and what so many did not exceed.

    ``p50`` and ``p95`` are within 1 % of the real ones; ``None`` where there was no figure.
    """

    count: int = 0
    total: float = 0.0
    p50: float | None = None
    p95: float | None = None
    most: float | None = None


@value
class ProcessUse:
    """What one of inspan's own processes uses: memory, and processors (1.0: one of them)."""

    pid: int
    rss_bytes: int
    cpu: float


@named_value
class SessionUse:
    """What the processes of one session use together."""

    session: str
    #: The task, or the code session, that it belongs to.
    owner: str
    processes: int
    rss_bytes: int
    cpu: float


@named_value
class Sample:
    """One span of time, which ends at ``at`` (seconds since the epoch)."""

    at: float
    span: float
    #: Tasks handed in, attempts that began, and tasks that ended, by the state they ended in.
    tasks_submitted: int = 0
    tasks_started: int = 0
    tasks_ended: dict[str, int] = field(default_factory=dict)
    #: Tasks that ended, per second.
    tasks_per_second: float = 0.0
    #: Seconds from the start of its last attempt to the end of a task.
    durations: Spread = Spread()
    #: Tasks that hold a slot, and those that wait for one.
    concurrent: int = 0
    queued: int = 0
    #: For how long the one waits that has waited longest; ``None`` where none does.
    oldest_queued_seconds: float | None = None
    #: Tasks that a person is to look after, and those that wait for a usage limit to be lifted.
    needs_you: int = 0
    parked: int = 0
    #: Changes that were written and questions that were answered by the database.
    changes: int = 0
    reads: int = 0
    operations_per_second: float = 0.0
    #: Seconds that a transaction took until it was on the disk.
    commits: Spread = Spread()
    #: Seconds by which the event loop came too late to what was due.
    loop_lag: Spread = Spread()
    daemon: ProcessUse | None = None
    keeper: ProcessUse | None = None
    #: The file systems of what inspan keeps: ``state`` and ``recordings``, which may be the same.
    disks: dict[str, Disk] = field(default_factory=dict)
    #: The sessions that live, and what all of them use.
    sessions_alive: int = 0
    sessions_rss_bytes: int = 0
    sessions_cpu: float = 0.0
    #: Those with the most memory, the largest first.
    sessions: tuple[SessionUse, ...] = ()


@value
class Histogram:
    """How many figures were at most as large as each bound; the last count is of all others.

    Counts are not cumulated.
    """

    bounds: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()
    total: float = 0.0


@named_value
class Totals:
    """What happened since the monitor began."""

    since: float
    tasks_submitted: int = 0
    tasks_started: int = 0
    tasks_ended: dict[str, int] = field(default_factory=dict)
    changes: int = 0
    reads: int = 0
    durations: Histogram = Histogram()
    commits: Histogram = Histogram()
    loop_lag: Histogram = Histogram()
    #: Seconds of processors by process, since each began.
    cpu_seconds: dict[str, float] = field(default_factory=dict)


@value(frozen=True, kw_only=True)
class MetricsQuery:
    """Which samples: the newest, or all from after ``since`` on; at most ``limit``.

    Where there are more between ``since`` and now, neighbours are joined.
    """

    since: float | None = None
    limit: int = 360


@value
class Metrics:
    """How much inspan does, and what that takes."""

    #: The last one to two seconds.
    now: Sample
    #: Oldest first.
    samples: tuple[Sample, ...]
    totals: Totals
