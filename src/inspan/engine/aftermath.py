"""What follows when an attempt has ended badly or was told to stop: the fact that is due.

It records none, and knows nothing of the process.
"""

from __future__ import annotations

from typing import Final

from inspan.engine import reasons
from inspan.engine.limits import BUDGET, LimitRules, at_usage_limit, budget_used_up, over_budget
from inspan.engine.ports import Clock
from inspan.model import event as e
from inspan.model.agent import Ending, Outcome
from inspan.model.patience import Backoff
from inspan.model.task import OnCrash, Reason, StopKind, Task, TaskKind

#: Nothing of these is the work's fault: a person may let it go on.
_RESUMABLE: Final = frozenset({Ending.KILLED, Ending.FORGOTTEN})
#: So often who leads a goal comes back that was killed, and whenever it had lived so many seconds.
_COMES_BACK: Final = 2
_LIVED: Final = 600.0


def _leads(task: Task, outcome: Outcome) -> bool:
    """Whether it leads a goal, and was killed: what works for the goal goes on meanwhile."""
    spec = task.spec
    back = spec.kind is TaskKind.GOAL and spec.on_crash is not OnCrash.ASK
    return back and outcome.ending is Ending.KILLED


def is_budget(cause: StopKind | Reason | None) -> bool:
    """True where it was stopped since its budget is used up."""
    return isinstance(cause, Reason) and cause.code == BUDGET


class Aftermath:
    """The rules for all attempts."""

    def __init__(self, clock: Clock, backoff: Backoff, limits: LimitRules) -> None:
        self._clock = clock
        self._backoff = backoff
        self._limits = limits

    def given_up(self, task: Task, cause: StopKind | Reason | None) -> e.Fact:
        """It was told to stop, by somebody or since something ran out."""
        if isinstance(cause, Reason):
            return over_budget(task, cause) if is_budget(cause) else self.failed(task, cause)
        why = (task.stop.reason if task.stop else "") or "asked to stop"
        if cause is StopKind.CANCEL:
            return e.Cancelled(Reason("cancelled", why))
        return e.Interrupted(Reason("interrupted", why))

    def ended_badly(self, task: Task, outcome: Outcome) -> e.Fact:
        """Its agent did not do what it was asked."""
        reason = reasons.of_outcome(outcome)
        if outcome.ending in _RESUMABLE:
            again = self._comes_back if _leads(task, outcome) else self._again
            return again(task, reason) or e.Interrupted(reason)
        if outcome.ending is Ending.BUDGET:
            return over_budget(task, budget_used_up(task) or reason)
        if outcome.ending is Ending.QUOTA:
            now, chance = self._clock.now(), self._clock.chance()
            due = at_usage_limit(task, outcome, self._limits, now, chance)
            if due is not None:
                return due
        return self.failed(task, reason)

    def failed(self, task: Task, reason: Reason) -> e.Fact:
        """The work failed; where it may be tried again, it is."""
        return self._again(task, reason) or e.Failed(task.attempt, reason)

    def _comes_back(self, task: Task, reason: Reason) -> e.Retried | None:
        """Who leads a goal takes it up again; not for ever, where each is killed soon."""
        now = self._clock.now()
        lived = now - (now if task.started_at is None else task.started_at)
        if task.retried >= _COMES_BACK and lived < _LIVED:
            return None
        delay = self._backoff.delay(min(task.retried, _COMES_BACK) + 1, self._clock.chance())
        return e.Retried(task.attempt, reason, now + delay)

    def _again(self, task: Task, reason: Reason) -> e.Retried | None:
        """Another try, where one is left."""
        if task.retried >= task.spec.retries:
            return None
        delay = self._backoff.delay(task.retried + 1, self._clock.chance())
        return e.Retried(task.attempt, reason, self._clock.now() + delay)
