"""What follows where a process that leads a goal was killed: it comes back, within bounds."""

from __future__ import annotations

import pytest

from inspan.engine.aftermath import Aftermath
from inspan.engine.limits import LimitRules
from inspan.model import event as e
from inspan.model.agent import Ending, Outcome
from inspan.model.patience import Backoff, Waits
from inspan.model.task import OnCrash, OnLimit, Task, TaskKind, TaskSpec, TaskState
from tests.fakes.clock import FakeClock

pytestmark = pytest.mark.requirement("A3", "A7")

KILLED = Outcome(Ending.KILLED, "queen was killed by SIGKILL")


def follows(
    outcome: Outcome = KILLED,
    *,
    lived: float = 5.0,
    retried: int = 0,
    kind: TaskKind = TaskKind.GOAL,
    on_crash: OnCrash = OnCrash.RESUME,
) -> e.Fact:
    clock = FakeClock()
    spec = TaskSpec(cwd="/", provider="queen", kind=kind, on_crash=on_crash)
    task = Task(
        id="g",
        spec=spec,
        state=TaskState.RUNNING,
        attempt=retried + 1,
        retried=retried,
        started_at=clock.now() - lived,
    )
    rules = LimitRules(on_limit=OnLimit.WAIT, waits=Waits())
    return Aftermath(clock, Backoff(), rules).ended_badly(task, outcome)


def test_she_comes_back_twice_and_then_waits_for_somebody() -> None:
    for retried in (0, 1):
        back = follows(retried=retried)
        assert isinstance(back, e.Retried)
        assert back.wake_at == FakeClock().now() + 2.0**retried
    assert isinstance(follows(retried=2), e.Interrupted)


def test_one_that_had_lived_long_comes_back_however_often() -> None:
    assert isinstance(follows(retried=2, lived=599), e.Interrupted)
    for retried in (2, 40):
        back = follows(retried=retried, lived=600)
        assert isinstance(back, e.Retried)
        assert back.wake_at <= FakeClock().now() + 5


def test_only_who_leads_a_goal_does_and_only_where_that_is_wanted() -> None:
    assert isinstance(follows(kind=TaskKind.WORK), e.Interrupted)
    assert isinstance(follows(on_crash=OnCrash.ASK), e.Interrupted)
    assert isinstance(follows(Outcome(Ending.FAILED, "1 of 3 done")), e.Failed)
