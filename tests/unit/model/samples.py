"""One of every fact, tasks in every state, and strategies made from the annotations."""

import dataclasses
import types
import typing
from collections.abc import Mapping
from enum import Enum
from typing import Any

from hypothesis import strategies as st

from inspan.model import event as e
from inspan.model.agent import AgentSession, Mode, Usage
from inspan.model.goal import GoalPlan, PlanStep
from inspan.model.permission import Decision
from inspan.model.receipt import Stage, Way
from inspan.model.task import (
    CheckResult,
    Exit,
    Hand,
    Handed,
    Needs,
    Reason,
    StopKind,
    Task,
    TaskKind,
    TaskSpec,
    TaskState,
    Verdict,
    Workspace,
    WorkspaceKind,
)

TASK = "01jd0000000000000000000000"
#: Of a goal, since every fact may happen to one.
SPEC = TaskSpec(cwd="/tmp", command=("true",), kind=TaskKind.GOAL)
PLAN = GoalPlan(steps=(PlanStep(name="a", prompt="do it"),))
REASON = Reason("why", "because")
HANDED = Handed(earlier=(Hand("one", Mode.STREAM),), since=2, provider="two", report="| x")
WORKSPACE = Workspace(WorkspaceKind.HERE, "/tmp")


def facts(attempt: int) -> Mapping[type[e.Fact], e.Fact]:
    """One of every fact, told by ``attempt``."""
    samples: tuple[e.Fact, ...] = (
        e.Submitted(SPEC),
        e.Postponed(REASON, 50.0),
        e.Readied(),
        e.AttemptStarted(attempt, f"{TASK}-{attempt}", "keeper-1"),
        e.WorkspaceReady(attempt, WORKSPACE),
        e.SetupStarted(attempt, "npm ci", f"{TASK}-{attempt}-s0"),
        e.SetupDone(attempt, "npm ci", f"{TASK}-{attempt}-s0"),
        e.SetupFailed(attempt, "npm ci", f"{TASK}-{attempt}-s0", Exit(code=1)),
        e.Spawned(attempt, 4321),
        e.AgentBegan(attempt, AgentSession(id="a-1", mode=Mode.STREAM)),
        e.UsageCounted(attempt, Usage(read=7, written=3, turns=1, cost=0.25)),
        e.NeedsInput(attempt, Needs("question", "Go on?", ("yes", "no"))),
        e.Answered(attempt),
        e.PermissionDecided(attempt, "r-1", "Bash: ls", Decision.ALLOW, "allow Bash"),
        e.PromptAccepted(attempt, "k-1", "5e7f", Way.LINES),
        e.PromptSettled(attempt, "k-1", Stage.STARTED),
        e.IdleWarned(attempt, 270.0, 300.0),
        e.Stirred(attempt),
        e.DeadlineWarned(attempt, 30.0, 300.0),
        e.Overloaded(attempt, "claude", 2, 4),
        e.Exited(attempt, Exit(code=0), 12),
        e.CheckEnded(attempt, "pytest -q", Exit(code=0), f"{TASK}-{attempt}-c0"),
        e.Completed(attempt),
        e.Succeeded(attempt),
        e.Failed(attempt, REASON),
        e.Retried(attempt, REASON, 77.0),
        e.Parked(attempt, REASON, 88.0),
        e.Errored(REASON),
        e.StopRequested(StopKind.INTERRUPT, "person", "lunch"),
        e.Interrupted(REASON),
        e.Resumed("person"),
        e.HandedOver("person", HANDED),
        e.Planned(1, PLAN, "planner"),
        e.Cancelled(REASON),
        e.Accepted(attempt, "person"),
        e.Rejected(attempt, "person", ("no tests",)),
        e.SentBack(attempt, "person", ("one more thing",)),
        e.Judged(Verdict.REJECT, "person", ("too late",)),
        e.WorkspaceSaved("refs/inspan/saved/1"),
    )
    return {type(fact): fact for fact in samples}


def event(fact: e.Fact, seq: int = 9, at: float = 100.0) -> e.Event:
    return e.Event(seq, at, TASK, "c-1", fact)


def task(state: TaskState, attempt: int = 1) -> Task:
    """A task in ``state`` with something in every field that a fact may change or wipe."""
    return Task(
        id=TASK,
        spec=SPEC,
        state=state,
        attempt=attempt,
        seq=8,
        correlation="c-1",
        created_at=1.0,
        started_at=2.0,
        reason=Reason("old", "an old reason"),
        exit=Exit(code=3),
        needs=Needs("question", "old?", (), 3.0),
        wake_at=4.0,
        session=f"{TASK}-{attempt}",
        keeper="keeper-0",
        pid=99,
        output_bytes=5,
        checks=(CheckResult("true", Exit(code=0), f"{TASK}-{attempt}-c0"),),
        workspace=WORKSPACE,
        idle_warned_at=6.0,
    )


def of(annotation: Any) -> st.SearchStrategy[Any]:
    """Values of ``annotation``: dataclasses, enums, tuples, dicts, optionals and plain words."""
    if dataclasses.is_dataclass(annotation):
        hints = typing.get_type_hints(annotation)
        return st.builds(
            typing.cast("Any", annotation),
            **{item.name: of(hints[item.name]) for item in dataclasses.fields(annotation)},
        )
    arguments = typing.get_args(annotation)
    origin = typing.get_origin(annotation)
    if origin in (types.UnionType, typing.Union):
        return st.one_of(*(of(member) for member in arguments))
    if origin is tuple:
        return st.lists(of(arguments[0]), max_size=3).map(tuple)
    if origin in (dict, Mapping):
        return st.dictionaries(of(arguments[0]), of(arguments[1]), max_size=3)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return st.sampled_from(annotation)
    return _PLAIN[annotation]


_PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    int: st.integers(-(2**53), 2**53),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
    types.NoneType: st.none(),
    Any: st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
        max_leaves=3,
    ),
}
