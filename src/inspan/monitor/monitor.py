"""PerformanceMonitor: what inspan does each second, and what that takes. It only listens.

It hears of changes when they are stored, and of transactions when they are done; it looks at
processes once in a while and when somebody asks. It never acts, and a fault of its own is nobody
else's.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Final

import anyio

from inspan.engine.ports import Change, Clock
from inspan.errors import BadInput
from inspan.model.metrics import Metrics, MetricsQuery, Sample
from inspan.model.task import Task
from inspan.monitor.census import Census
from inspan.monitor.figures import Totalled
from inspan.monitor.keeping import Keeping, fewer
from inspan.monitor.looking import AT_MOST, Looking
from inspan.monitor.ports import Database, Processes
from inspan.monitor.tally import Tally, joined

log = logging.getLogger(__name__)

#: Seconds of a span, how many of them are held, and between two looks at the event loop.
SPAN: Final = 1.0
RING: Final = 600
_PROBE: Final = 0.25
#: Two ends of a span that are no further apart are one (seconds).
_SAME: Final = 0.01
#: The most samples of an answer.
LIMIT_MOST: Final = 3600


class PerformanceMonitor:
    """``engine.ports.Monitor``. ``async with monitor.running():`` makes it count seconds."""

    def __init__(
        self,
        clock: Clock,
        processes: Processes,
        database: Database,
        kept: float | None = 7 * 86400.0,
    ) -> None:
        """``kept``: for how many seconds the database keeps what was measured."""
        self._clock = clock
        self._database = database
        self._looking = Looking(processes, clock)
        self._keeping = Keeping(database, kept)
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
        trouble: Exception | None = None
        async with anyio.create_task_group() as group:
            for work in (self._beat, self._look, self._keeping.write):
                group.start_soon(self._guarded, work)
            try:
                yield
            except Exception as error:  # noqa: BLE001 - raised below, not wrapped in a group
                trouble = error
            finally:
                group.cancel_scope.cancel()
                with anyio.CancelScope(shield=True):
                    self._end()
                    await self._keeping.finish()
        if trouble is not None:
            raise trouble

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
        # How things stand is that of this moment, and not the highest of the last.
        now.standing, now.own, now.together = begun.standing, begun.own, begun.together
        now.disks = begun.disks
        totals = self._totals.totals(begun, dict(self._looking.cpu_seconds))
        return Metrics(now.sample(), await self._samples(query), totals)

    async def _samples(self, query: MetricsQuery) -> tuple[Sample, ...]:
        if query.since is None:
            return tuple(sample for _, sample in list(self._ring)[-query.limit :])
        kept = await self._kept(query.since, query.limit)
        after = kept[-1].at if kept else query.since
        held = [pair for pair in self._ring if pair[0].at > after]
        if len(kept) + len(held) <= query.limit:
            return (*(tally.sample() for tally in kept), *(sample for _, sample in held))
        tallies = (*kept, *(tally for tally, _ in held))
        return tuple(tally.sample() for tally in fewer(tallies, query.limit))

    async def _kept(self, since: float, most: int) -> tuple[Tally, ...]:
        """What was before the ring, as the store has it."""
        first = self._ring[0][0] if self._ring else None
        began = self._clock.now() if first is None else first.at - first.span
        if since >= began:
            return ()
        return await self._keeping.since(since, began - _SAME, most)

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
        self._keeping.add(over)

    def _begun(self) -> Tally:
        """The span that is being counted, with how things stand now."""
        tally, now = self._tally, self._clock.now()
        tally.at = now
        tally.span = max(0.0, self._clock.monotonic() - self._since)
        tally.reads = self._database.reads - self._reads
        tally.standing = self._census.standing(now)
        tally.own = self._looking.own
        tally.disks = self._looking.disks
        tally.sessions = self._looking.sessions
        tally.together = self._looking.together
        return tally

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        """A part of it may fail; what it is a guest of may not."""
        try:
            await work()
        except Exception:
            log.exception("the monitor has failed, and measures less")

    async def _look(self) -> None:
        """Look at processes also where nobody asks."""
        while True:
            await self._clock.sleep(AT_MOST)
            await self._looking.look(AT_MOST / 2)
