"""PerformanceMonitor: what inspan does each second, and what that takes. It only listens.

It hears of changes when they are stored, and of transactions when they are done; it looks at
processes once in a while and when somebody asks. It never acts, and a fault of its own is nobody
else's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Final

import anyio

from inspan.engine.ports import Change, Clock
from inspan.errors import BadInput
from inspan.model.metrics import Metrics, MetricsQuery, Sample
from inspan.model.task import Task
from inspan.monitor.census import Census
from inspan.monitor.figures import Totalled
from inspan.monitor.looking import AT_MOST, Looking
from inspan.monitor.ports import Database, Processes
from inspan.monitor.tally import Tally, joined

#: Seconds of a span, how many of them are held, and between two looks at the event loop.
SPAN: Final = 1.0
RING: Final = 600
_PROBE: Final = 0.25
#: The most samples of an answer.
LIMIT_MOST: Final = 3600


class PerformanceMonitor:
    """``engine.ports.Monitor``. ``async with monitor.running():`` makes it count seconds."""

    def __init__(self, clock: Clock, processes: Processes, database: Database) -> None:
        self._clock = clock
        self._database = database
        self._looking = Looking(processes, clock)
        self._census = Census()
        self._totals = Totalled(clock.now())
        self._tally = Tally()
        self._since = clock.monotonic()
        self._reads = database.reads
        self._ring: deque[tuple[Tally, Sample]] = deque(maxlen=RING)
        database.on_transaction = self._wrote

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Count seconds until the block is left."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._beat)
            group.start_soon(self._look)
            try:
                yield
            finally:
                group.cancel_scope.cancel()

    # ── what it hears ─────────────────────────────────────────────────────────

    def begin(self, tasks: Iterable[Task]) -> None:
        """The tasks that an engine takes up."""
        self._census.begin(tasks, self._clock.now())

    def hear(self, changes: Sequence[Change]) -> None:
        """Changes are stored."""
        for change in changes:
            self._census.hear(change, self._tally, self._totals)

    def _wrote(self, changes: int, seconds: float) -> None:
        self._tally.changes += changes
        self._tally.commits.add(seconds)
        self._totals.commits.add(seconds)

    # ── what it tells ─────────────────────────────────────────────────────────

    async def metrics(self, query: MetricsQuery = MetricsQuery()) -> Metrics:
        """What was measured. Raises BadInput."""
        if not 1 <= query.limit <= LIMIT_MOST:
            raise BadInput(f"limit: must be a whole number from 1 to {LIMIT_MOST}")
        await self._looking.look()
        begun = self._begun()
        last = [tally for tally, _ in list(self._ring)[-1:]]
        now = joined([*last, begun])
        now.standing = begun.standing
        totals = self._totals.totals(begun, dict(self._looking.cpu_seconds))
        return Metrics(now.sample(), self._samples(query), totals)

    def _samples(self, query: MetricsQuery) -> tuple[Sample, ...]:
        if query.since is None:
            return tuple(sample for _, sample in list(self._ring)[-query.limit :])
        wanted = [pair for pair in self._ring if pair[0].at > query.since]
        if len(wanted) <= query.limit:
            return tuple(sample for _, sample in wanted)
        each = -(-len(wanted) // query.limit)
        tallies = [tally for tally, _ in wanted]
        groups = (tallies[start : start + each] for start in range(0, len(tallies), each))
        return tuple(joined(group).sample() for group in groups)

    # ── what it counts by itself ──────────────────────────────────────────────

    async def _beat(self) -> None:
        """Measure by how much the loop is late, and end spans."""
        due = self._clock.monotonic()
        while True:
            due += _PROBE
            await self._clock.sleep(max(0.0, due - self._clock.monotonic()))
            now = self._clock.monotonic()
            late = max(0.0, now - due)
            self._tally.lag.add(late)
            self._totals.lag.add(late)
            if late > _PROBE:
                due = now
            if now - self._since >= SPAN - _PROBE / 2:
                self._end()

    def _end(self) -> None:
        """The span is over."""
        over = self._begun()
        self._tally, self._since = Tally(), self._clock.monotonic()
        self._reads += over.reads
        self._totals.add(over)
        self._ring.append((over, over.sample()))

    def _begun(self) -> Tally:
        """The span that is being counted, with how things stand now."""
        tally, now = self._tally, self._clock.now()
        tally.at = now
        tally.span = max(0.0, self._clock.monotonic() - self._since)
        tally.reads = self._database.reads - self._reads
        tally.standing = self._census.standing(now)
        tally.own = self._looking.own
        tally.sessions = self._looking.sessions
        tally.together = self._looking.together
        return tally

    async def _look(self) -> None:
        """Look at processes also where nobody asks."""
        while True:
            await self._clock.sleep(AT_MOST)
            await self._looking.look(AT_MOST / 2)
