"""Which tasks are where, as the ledger's changes tell it; each change costs it microseconds.

It holds tasks that have not ended, and knows no clock: times are those of the events.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from inspan.engine.ports import Change
from inspan.model.event import AttemptStarted, Submitted
from inspan.model.task import Task, TaskState
from inspan.monitor.figures import Totalled
from inspan.monitor.tally import Standing, Tally

_PENDING: Final = TaskState.PENDING
_QUEUED: Final = TaskState.QUEUED
_RUNNING: Final = TaskState.RUNNING
_WAITING: Final = TaskState.WAITING
_PROCESSING: Final = TaskState.PROCESSING


class Census:
    """The tasks that have not ended."""

    def __init__(self) -> None:
        self._states: dict[str, TaskState] = {}
        #: Since when each waits for a slot, in the order in which they began to.
        self._queued: dict[str, float] = {}
        self._active = 0
        #: Those that wait for a person, or, where it is true, for a limit to be lifted.
        self._resting: dict[str, bool] = {}

    def begin(self, tasks: Iterable[Task], now: float) -> None:
        """Take up what an earlier engine left; since when it waits is not known better."""
        for task in tasks:
            self._move(task, self._states.get(task.id), now)

    def hear(self, change: Change, tally: Tally, totals: Totalled) -> None:
        """A change is stored. Most move no task from where it is, and cost a look."""
        for event in change.events:
            kind = type(event.fact)
            if kind is AttemptStarted:
                tally.started += 1
            elif kind is Submitted:
                tally.submitted += 1
        for task in change.tasks:
            before, state = self._states.get(task.id), task.state
            if state is before and state is not _PROCESSING and state is not _PENDING:
                continue
            if task.done:
                if before is not None or task.id in change.created:
                    self._end(task, before, tally, totals)
            else:
                self._move(task, before, change.events[-1].at if change.events else 0.0)

    def standing(self, now: float) -> Standing:
        """How things stand."""
        oldest = next(iter(self._queued.values()), None)
        parked = sum(self._resting.values())
        return Standing(
            concurrent=self._active,
            queued=len(self._queued),
            oldest_queued_seconds=None if oldest is None else max(0.0, now - oldest),
            needs_you=len(self._resting) - parked,
            parked=parked,
        )

    def _move(self, task: Task, before: TaskState | None, at: float) -> None:
        name, state = task.id, task.state
        self._states[name] = state
        self._active += _is_active(state) - _is_active(before)
        if state is _QUEUED:
            self._queued.setdefault(name, at)
        elif before is _QUEUED:
            self._queued.pop(name, None)
        if state is _WAITING or (state is _PROCESSING and task.spec.review and task.awaits_verdict):
            self._resting[name] = False
        elif state is _PENDING and task.is_parked:
            self._resting[name] = True
        else:
            self._resting.pop(name, None)

    def _end(self, task: Task, before: TaskState | None, tally: Tally, totals: Totalled) -> None:
        name = task.id
        self._states.pop(name, None)
        self._queued.pop(name, None)
        self._resting.pop(name, None)
        tally.ended[task.state.value] += 1
        if _is_active(before):
            self._active -= 1
            if task.started_at is not None and task.ended_at is not None:
                seconds = max(0.0, task.ended_at - task.started_at)
                tally.durations.add(seconds)
                totals.durations.add(seconds)


def _is_active(state: TaskState | None) -> bool:
    """As ``in ACTIVE``, which takes four times as long."""
    return state is _RUNNING or state is _PROCESSING or state is _WAITING
