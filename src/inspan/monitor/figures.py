"""What is counted since the monitor began, as a scraper of figures wants it."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from typing import Final

from inspan.model.metrics import Histogram, Totals
from inspan.monitor.tally import Tally

#: Bounds in seconds: of a task, of a transaction, of the event loop.
DURATIONS: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 14400)
COMMITS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)
LAGS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)


class Buckets:
    """How many figures fell between which bounds."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._total = 0.0

    def add(self, figure: float) -> None:
        """Count one."""
        self._counts[bisect_left(self._bounds, figure)] += 1
        self._total += figure

    def histogram(self) -> Histogram:
        """It as a value."""
        return Histogram(self._bounds, tuple(self._counts), self._total)


class Totalled:
    """All spans that are over, and the histograms up to now."""

    def __init__(self, since: float) -> None:
        self.durations = Buckets(DURATIONS)
        self.commits = Buckets(COMMITS)
        self.lag = Buckets(LAGS)
        self._since = since
        self._submitted = 0
        self._started = 0
        self._ended: Counter[str] = Counter()
        self._changes = 0
        self._reads = 0

    def add(self, over: Tally) -> None:
        """A span is over."""
        self._submitted += over.submitted
        self._started += over.started
        self._ended.update(over.ended)
        self._changes += over.changes
        self._reads += over.reads

    def totals(self, begun: Tally, cpu_seconds: dict[str, float]) -> Totals:
        """All up to now; ``begun`` is the span that is not over."""
        return Totals(
            since=self._since,
            tasks_submitted=self._submitted + begun.submitted,
            tasks_started=self._started + begun.started,
            tasks_ended=dict(self._ended + begun.ended),
            changes=self._changes + begun.changes,
            reads=self._reads + begun.reads,
            durations=self.durations.histogram(),
            commits=self.commits.histogram(),
            loop_lag=self.lag.histogram(),
            cpu_seconds=cpu_seconds,
        )
