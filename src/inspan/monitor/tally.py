"""What is counted in a span of time, and how things stand at its end. It knows no clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final, Self

from inspan.model import plain
from inspan.model.metrics import Disk, ProcessUse, Sample, SessionUse
from inspan.model.value import value
from inspan.monitor.sketch import Sketch

#: So many sessions of a span are kept in the store.
SESSIONS_KEPT: Final = 8
_NUMBERS: Final = ("at", "span", "submitted", "started", "changes", "reads")
_SKETCHES: Final = ("durations", "commits", "lag")


@value
class Standing:
    """How things stand at a moment."""

    concurrent: int = 0
    queued: int = 0
    oldest_queued_seconds: float | None = None
    needs_you: int = 0
    parked: int = 0


@value
class Together:
    """What all sessions use: how many they are, their memory, their processors."""

    alive: int = 0
    rss_bytes: int = 0
    cpu: float = 0.0


class Tally:
    """One span, while it is counted and afterwards."""

    __slots__ = (
        "at",
        "changes",
        "commits",
        "disks",
        "durations",
        "ended",
        "lag",
        "own",
        "reads",
        "sessions",
        "span",
        "standing",
        "started",
        "submitted",
        "together",
    )

    def __init__(self) -> None:
        self.at = 0.0
        self.span = 0.0
        self.submitted = 0
        self.started = 0
        self.ended: Counter[str] = Counter()
        self.changes = 0
        self.reads = 0
        self.durations = Sketch()
        self.commits = Sketch()
        self.lag = Sketch()
        self.standing = Standing()
        self.own: dict[str, ProcessUse] = {}
        self.disks: dict[str, Disk] = {}
        self.sessions: tuple[SessionUse, ...] = ()
        self.together = Together()

    @property
    def quiet(self) -> bool:
        """True where nothing happened and nothing was at work."""
        happened = self.submitted or self.started or self.ended or self.changes
        return not (happened or self.standing.concurrent or self.together.alive)

    def join(self, later: Tally) -> None:
        """Be the span of both; ``later`` follows."""
        whole = self.span + later.span
        mine = self.span / whole if whole else 0.0
        self.at, self.span = later.at, whole
        self.submitted += later.submitted
        self.started += later.started
        self.ended.update(later.ended)
        self.changes += later.changes
        self.reads += later.reads
        self.durations.join(later.durations)
        self.commits.join(later.commits)
        self.lag.join(later.lag)
        self.standing = _highest(self.standing, later.standing)
        self.own = {name: _joined(self.own.get(name), use, mine) for name, use in later.own.items()}
        self.disks = {name: _less(self.disks.get(name), disk) for name, disk in later.disks.items()}
        self.sessions = later.sessions
        self.together = Together(
            max(self.together.alive, later.together.alive),
            max(self.together.rss_bytes, later.together.rss_bytes),
            self.together.cpu * mine + later.together.cpu * (1 - mine),
        )

    def plain(self) -> dict[str, Any]:
        """It as JSON has it; ``of`` makes it again."""
        return {
            **{name: getattr(self, name) for name in _NUMBERS},
            "ended": dict(self.ended),
            **{name: getattr(self, name).plain() for name in _SKETCHES},
            "standing": plain.dump(self.standing),
            "own": {name: plain.dump(use) for name, use in self.own.items()},
            "disks": {name: plain.dump(disk) for name, disk in self.disks.items()},
            "together": plain.dump(self.together),
            "sessions": plain.dump(self.sessions[:SESSIONS_KEPT]),
        }

    @classmethod
    def of(cls, told: dict[str, Any]) -> Self:
        """What ``told`` was made from."""
        tally = cls()
        for name in _NUMBERS:
            setattr(tally, name, told[name])
        for name in _SKETCHES:
            setattr(tally, name, Sketch.of(told[name]))
        tally.ended = Counter(told["ended"])
        tally.standing = plain.load(Standing, told["standing"])
        tally.own = {name: plain.load(ProcessUse, use) for name, use in told["own"].items()}
        # A row of an inspan that looked at no disk has none.
        disks = told.get("disks", {})
        tally.disks = {name: plain.load(Disk, disk) for name, disk in disks.items()}
        tally.together = plain.load(Together, told["together"])
        tally.sessions = tuple(plain.load(SessionUse, use) for use in told["sessions"])
        return tally

    def sample(self) -> Sample:
        """It as a value."""
        span = self.span or 1.0
        return Sample(
            at=self.at,
            span=self.span,
            tasks_submitted=self.submitted,
            tasks_started=self.started,
            tasks_ended=dict(self.ended),
            tasks_per_second=sum(self.ended.values()) / span,
            durations=self.durations.spread(),
            concurrent=self.standing.concurrent,
            queued=self.standing.queued,
            oldest_queued_seconds=self.standing.oldest_queued_seconds,
            needs_you=self.standing.needs_you,
            parked=self.standing.parked,
            changes=self.changes,
            reads=self.reads,
            operations_per_second=(self.changes + self.reads) / span,
            commits=self.commits.spread(),
            loop_lag=self.lag.spread(),
            daemon=self.own.get("daemon"),
            keeper=self.own.get("keeper"),
            disks=dict(self.disks),
            sessions_alive=self.together.alive,
            sessions_rss_bytes=self.together.rss_bytes,
            sessions_cpu=self.together.cpu,
            sessions=self.sessions,
        )


def joined(tallies: Iterable[Tally]) -> Tally:
    """All of them as one."""
    whole = Tally()
    for tally in tallies:
        whole.join(tally)
    return whole


def _highest(one: Standing, other: Standing) -> Standing:
    ages = [age for age in (one.oldest_queued_seconds, other.oldest_queued_seconds) if age]
    return Standing(
        max(one.concurrent, other.concurrent),
        max(one.queued, other.queued),
        max(ages, default=None),
        max(one.needs_you, other.needs_you),
        max(one.parked, other.parked),
    )


def _less(earlier: Disk | None, later: Disk) -> Disk:
    """The one with less room."""
    return later if earlier is None or later.free_bytes <= earlier.free_bytes else earlier


def _joined(earlier: ProcessUse | None, later: ProcessUse, share: float) -> ProcessUse:
    """The more memory, and the processors of both by how long each is; ``share`` is the earlier's.

    Another process of that name is another one.
    """
    if earlier is None or earlier.pid != later.pid:
        return later
    cpu = earlier.cpu * share + later.cpu * (1 - share)
    return ProcessUse(later.pid, max(earlier.rss_bytes, later.rss_bytes), cpu)
