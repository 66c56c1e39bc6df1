"""Which tasks are where, as the ledger's changes tell it; each change costs it microseconds.

It holds tasks that have not ended, and knows no clock: times are those of the events.
"""

from __future__ import annotations

from collections.abc import Iterable

from inspan.engine.ports import Change
from inspan.model.event import AttemptStarted, Submitted
from inspan.model.task import ACTIVE, Task, TaskState
from inspan.monitor.figures import Totalled
from inspan.monitor.tally import Standing, Tally


class Census:
    """The tasks that have not ended."""

    def __init__(self) -> None:
        self._open: dict[str, Task] = {}
        #: Since when each waits for a slot, in the order in which they began to.
        self._queued: dict[str, float] = {}
        self._active: set[str] = set()
        self._resting: set[str] = set()

    def begin(self, tasks: Iterable[Task], now: float) -> None:
        """Take up what an earlier engine left; since when it waits is not known better."""
        for task in tasks:
            self._put(task, now)

    def hear(self, change: Change, tally: Tally, totals: Totalled) -> None:
        """A change is stored."""
        at = 0.0
        for event in change.events:
            kind = type(event.fact)
            at = event.at
            if kind is AttemptStarted:
                tally.started += 1
            elif kind is Submitted:
                tally.submitted += 1
        for task in change.tasks:
            if not task.done:
                self._put(task, at)
            elif task.id in self._open or task.id in change.created:
                self._ended(task, tally, totals)

    def standing(self, now: float) -> Standing:
        """How things stand."""
        oldest = next(iter(self._queued.values()), None)
        resting = [self._open[task] for task in self._resting]
        parked = sum(task.is_parked for task in resting)
        return Standing(
            concurrent=len(self._active),
            queued=len(self._queued),
            oldest_queued_seconds=None if oldest is None else max(0.0, now - oldest),
            needs_you=len(resting) - parked,
            parked=parked,
        )

    def _put(self, task: Task, at: float) -> None:
        name, state = task.id, task.state
        self._open[name] = task
        if state is TaskState.QUEUED:
            self._queued.setdefault(name, at)
        else:
            self._queued.pop(name, None)
        if state in ACTIVE:
            self._active.add(name)
        else:
            self._active.discard(name)
        if _rests(task):
            self._resting.add(name)
        else:
            self._resting.discard(name)

    def _ended(self, task: Task, tally: Tally, totals: Totalled) -> None:
        name = task.id
        self._open.pop(name, None)
        self._queued.pop(name, None)
        self._resting.discard(name)
        tally.ended[task.state.value] += 1
        if name in self._active:
            self._active.discard(name)
            if task.started_at is not None and task.ended_at is not None:
                seconds = max(0.0, task.ended_at - task.started_at)
                tally.durations.add(seconds)
                totals.durations.add(seconds)


def _rests(task: Task) -> bool:
    """Whether it waits for a person, or for a limit to be lifted."""
    match task.state:
        case TaskState.WAITING:
            return True
        case TaskState.PENDING:
            return task.is_parked
        case TaskState.PROCESSING:
            return task.awaits_verdict
        case _:
            return False
