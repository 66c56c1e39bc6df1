"""The life of a task: the one table of transitions, and ``apply``, which walks it.

Three rules:

1. Everything that decides where a task may go is in this file. A look-up that misses *is* the
   error.
2. ``apply`` is pure: a task and an event in, a new task out. It knows no clock, no store and
   nobody who watches.
3. A fact of an attempt that is over is refused, so that a late word cannot change what a newer
   attempt has made true. A fact that leads into the state it came from changes fields only.

The diagram in ``docs/ARCHITECTURE.md`` is drawn from ``TABLE``. What it cannot show: the fence of
rule 3, that leaving ``processing`` by ``Succeeded`` takes checks that all passed, and that only a
goal has a plan, whose versions follow one another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Final, TypeAlias

from inspan.errors import Conflict, IllegalTransition, StaleAttempt
from inspan.model import event as e
from inspan.model.agent import UNUSED
from inspan.model.ids import short
from inspan.model.task import (
    CheckResult,
    Exit,
    Reason,
    SetupState,
    SetupStep,
    Stop,
    StopKind,
    Task,
    TaskKind,
    TaskSpec,
    TaskState,
    Verdict,
)

_S = TaskState
_Row: TypeAlias = dict[type[e.Fact], TaskState | None]
_ALWAYS: Final[_Row] = {e.StopRequested: None, e.Planned: None, e.WorkspaceSaved: None}
_GIVE_UP: Final[_Row] = {
    **_ALWAYS,
    e.Interrupted: _S.INTERRUPTED,
    e.Cancelled: _S.CANCELLED,
    e.Errored: _S.ERROR,
}
_AGENT: Final[_Row] = {
    e.AgentBegan: None,
    e.UsageCounted: None,
    e.PermissionDecided: None,
    e.PromptAccepted: None,
    e.PromptSettled: None,
    e.Overloaded: None,
}
_ENDED: Final[_Row] = {e.Judged: None, e.WorkspaceSaved: None}

#: state → fact → next state; ``None`` stays where it is.
TABLE: Final[dict[TaskState, _Row]] = {
    _S.PENDING: {**_GIVE_UP, e.Postponed: None, e.HandedOver: None, e.Readied: _S.QUEUED},
    _S.QUEUED: {**_GIVE_UP, e.Postponed: _S.PENDING, e.AttemptStarted: _S.RUNNING},
    _S.RUNNING: {
        **_GIVE_UP,
        e.WorkspaceReady: None,
        e.SetupStarted: None,
        e.SetupDone: None,
        e.SetupFailed: _S.PROCESSING,
        e.Spawned: None,
        **_AGENT,
        e.IdleWarned: None,
        e.Stirred: None,
        e.DeadlineWarned: None,
        e.NeedsInput: _S.WAITING,
        e.Exited: _S.PROCESSING,
    },
    _S.WAITING: {
        **_GIVE_UP,
        **_AGENT,
        e.NeedsInput: None,
        e.Answered: _S.RUNNING,
        e.Exited: _S.PROCESSING,
    },
    _S.PROCESSING: {
        **_GIVE_UP,
        e.CheckEnded: None,
        e.Completed: _S.COMPLETED,
        e.Succeeded: _S.SUCCEEDED,
        e.Failed: _S.FAILED,
        e.Retried: _S.QUEUED,
        e.Parked: _S.PENDING,
        e.Accepted: _S.SUCCEEDED,
        e.Rejected: _S.FAILED,
        e.SentBack: _S.QUEUED,
    },
    _S.INTERRUPTED: {
        **_ALWAYS,
        e.HandedOver: None,
        e.Resumed: _S.QUEUED,
        e.Cancelled: _S.CANCELLED,
        e.Errored: _S.ERROR,
    },
    _S.COMPLETED: _ENDED,
    _S.SUCCEEDED: _ENDED,
    _S.FAILED: _ENDED,
    _S.ERROR: _ENDED,
    _S.CANCELLED: _ENDED,
}


#: What a person asked for, in a word, where it is refused.
_ASKED: Final[dict[type[e.Fact], str]] = {
    e.Resumed: "resumed",
    e.HandedOver: "handed over",
    e.Interrupted: "interrupted",
    e.Cancelled: "cancelled",
    e.SentBack: "sent back",
    e.Planned: "given another plan",
}


def allowed(state: TaskState, fact: type[e.Fact]) -> bool:
    """True where ``fact`` may happen to a task in ``state``."""
    return fact in TABLE[state]


def apply(task: Task | None, event: e.Event) -> Task:
    """The task as it is after ``event``.

    Raises:
        IllegalTransition: the fact is not allowed in the task's state.
        StaleAttempt: the fact is of an attempt that is not the task's present one.
    """
    fact = event.fact
    if isinstance(fact, e.Submitted):
        return _create(task, event, fact)
    if task is None:
        raise IllegalTransition(f"{fact.kind} for a task that was never submitted")
    return _changed(task, _changes(task, event))


def fold(task: Task | None, events: Iterable[e.Event]) -> Task:
    """``apply`` for one after the other, of which nobody sees what is in between.

    Raises what ``apply`` raises, and ValueError where nothing has happened.
    """
    after: Task | None = None
    for event in events:
        if after is None or isinstance(event.fact, e.Submitted):
            after = apply(task if after is None else after, event)
        else:
            # A copy for each is a quarter of what the engine does for a task.
            after.__dict__.update(_changes(after, event))
    if after is None:
        raise ValueError("nothing happened")
    return after


def _changes(task: Task, event: e.Event) -> dict[str, Any]:
    fact, row = event.fact, TABLE[task.state]
    kind = type(fact)
    if kind not in row:
        raise _refusal(task, fact)
    _fence(task, fact)
    return _fields(task, event, row[kind] or task.state)


def _refusal(task: Task, fact: e.Fact) -> IllegalTransition:
    name = short(task.id)
    asked = _ASKED.get(type(fact))
    if asked is None:
        return IllegalTransition(f"{name} is {task.state}; it cannot have {fact.kind}")
    hint = how_to_continue(task)
    if not hint and task.done and isinstance(fact, e.Resumed):
        hint = f"`inspan again {name}` does it once more, as a new task."
    hint = hint or f"`inspan show {name}` tells why."
    return IllegalTransition(f"{name} is {task.state}; it cannot be {asked}", hint=hint)


def how_to_continue(task: Task) -> str:
    """A hint for whoever wants more of an agent whose task is over; empty where there is none."""
    if not task.done or task.agent is None:
        return ""
    return f"`inspan run --continue {short(task.id)} TEXT` goes on with its agent's conversation."


#: Every field at its default, for the copy that becomes a new task.
_BLANK: Final = Task(id="", spec=TaskSpec(cwd="/"), state=_S.PENDING)


def _create(task: Task | None, event: e.Event, fact: e.Submitted) -> Task:
    if task is not None:
        raise IllegalTransition("a task is submitted only once")
    first = {
        "id": event.task,
        "seq": event.seq,
        "spec": fact.spec,
        "correlation": event.correlation,
        "created_at": event.at,
        "wake_at": fact.spec.not_before,
    }
    return _changed(_BLANK, first)


#: What more is asked of than its state and its attempt.
_FENCED: Final = frozenset({e.Answered, e.Succeeded, e.Planned})


def _fence(task: Task, fact: e.Fact) -> None:
    attempt = getattr(fact, "attempt", None)
    if attempt is not None and attempt != task.attempt:
        raise StaleAttempt(
            f"{fact.kind} came from attempt {attempt}; attempt {task.attempt} is due"
        )
    if type(fact) not in _FENCED:
        return
    if isinstance(fact, e.Answered) and task.needs and fact.question not in ("", task.needs.id):
        raise IllegalTransition("that is no answer to what it asks now")
    if isinstance(fact, e.Succeeded) and not (
        task.checks and all(check.exit.ok for check in task.checks)
    ):
        raise IllegalTransition("only checks that all passed make a task succeed")
    if isinstance(fact, e.Planned):
        _fence_plan(task, fact)


def _fence_plan(task: Task, fact: e.Planned) -> None:
    """Two that plan at once do not know of each other; the second is to look first."""
    name = short(task.id)
    if task.spec.kind is not TaskKind.GOAL:
        raise IllegalTransition(f"{name} is no goal, and only a goal has a plan")
    if fact.version != task.planned + 1:
        stored = f"version {task.planned}" if task.planned else "none yet"
        raise Conflict(
            f"version {fact.version - 1} of the plan of {name} is to be replaced, and the"
            f" newest is {stored}",
            hint=f"`inspan plan show {name}` tells the newest.",
        )


#: What entering ``queued`` for one more attempt wipes from the one before.
_AFRESH: Final[dict[str, Any]] = {
    "started_at": None,
    "needs": None,
    "stop": None,
    "pid": None,
    "checks": (),
    "idle_warned_at": None,
}


def _fields(task: Task, event: e.Event, state: TaskState) -> dict[str, Any]:
    """What changes. Entering ``queued`` always names a new attempt."""
    tell = _TELL.get(type(event.fact))
    changed = tell(task, event.at, event.fact) if tell else {}
    changed["seq"], changed["state"] = event.seq, state
    if state is task.state:
        return changed
    if state is _S.QUEUED:
        changed = {**_AFRESH, "wake_at": None, "attempt": task.attempt + 1, **changed}
    if task.state is _S.WAITING:
        changed["needs"] = None
    if task.setup and task.setup[-1].state is SetupState.RUNS and "setup" not in changed:
        changed["setup"] = _setup_ended(task, event.at, SetupState.STOPPED)
    if state in _RESTING:
        changed |= {"ended_at": event.at, "pid": None}
    return changed


_RESTING: Final = frozenset(
    {_S.COMPLETED, _S.SUCCEEDED, _S.FAILED, _S.ERROR, _S.CANCELLED, _S.INTERRUPTED}
)


def _started(task: Task, at: float, fact: e.AttemptStarted) -> dict[str, Any]:
    afresh = {"exit": None, "outcome": None, "reason": None, "wake_at": None, "output_bytes": 0}
    told = {"session": fact.session, "keeper": fact.keeper, "started_at": at, **afresh}
    if task.usage is UNUSED and task.resumes is fact.resumes and not fact.follows:
        return told
    session = {"resumes": fact.resumes, "follows": fact.follows}
    return {**told, **session, "used_before": task.used, "usage": UNUSED}


def _placed(task: Task, _at: float, fact: e.WorkspaceReady) -> dict[str, Any]:
    if task.setup and (task.workspace is None or task.workspace.made != fact.workspace.made):
        return {"workspace": fact.workspace, "setup": ()}
    return {"workspace": fact.workspace}


def _setting_up(task: Task, at: float, fact: e.SetupStarted) -> dict[str, Any]:
    done = [step for step in task.setup if step.state is SetupState.DONE]
    return {"setup": (*done, SetupStep(fact.command, fact.session, SetupState.RUNS, at))}


def _setup_failed(task: Task, at: float, fact: e.SetupFailed) -> dict[str, Any]:
    state = SetupState.TIMED_OUT if fact.late else SetupState.FAILED
    return {"setup": _setup_ended(task, at, state, fact.exit)}


def _setup_ended(
    task: Task, at: float, state: SetupState, how: Exit | None = None
) -> tuple[SetupStep, ...]:
    ended = [replace(step, state=state, ended_at=at, exit=how) for step in task.setup[-1:]]
    return (*task.setup[:-1], *ended)


def _needs(task: Task, at: float, fact: e.NeedsInput) -> dict[str, Any]:
    known = task.needs
    again = known is not None and fact.needs.id and known.id == fact.needs.id
    needs = replace(fact.needs, since=known.since if known and again else at)
    return {"needs": needs, "idle_warned_at": None}


def _checked(task: Task, _at: float, fact: e.CheckEnded) -> dict[str, Any]:
    return {"checks": (*task.checks, CheckResult(fact.command, fact.exit, fact.session))}


def _retried(task: Task, _at: float, fact: e.Retried) -> dict[str, Any]:
    again = {"reason": fact.reason, "wake_at": fact.wake_at, "retried": task.retried + 1}
    return again if task.agent is None else {**again, "agent": None}


def _parked(task: Task, _at: float, fact: e.Parked) -> dict[str, Any]:
    waits = {"reason": fact.reason, "wake_at": fact.wake_at, "parked": task.parked + 1}
    return {**waits, "started_at": None, "pid": None}


def _readied(_task: Task, _at: float, fact: e.Readied) -> dict[str, Any]:
    return {"reason": None} if fact.budget is None else {"reason": None, "budget": fact.budget}


def _resumed(task: Task, _at: float, fact: e.Resumed) -> dict[str, Any]:
    budget = task.budget if fact.budget is None else fact.budget
    return {"reason": None, "ended_at": None, "budget": budget}


def _handed(task: Task, _at: float, fact: e.HandedOver) -> dict[str, Any]:
    return {"handed": fact.to, "spec": fact.to.applied(task.spec), "agent": None}


def _interrupted(_task: Task, at: float, fact: e.Interrupted) -> dict[str, Any]:
    if not fact.by:
        return {"reason": fact.reason}
    return {
        "reason": fact.reason,
        "stop": Stop(StopKind.INTERRUPT, fact.by, fact.reason.message, at),
    }


def _wished(_task: Task, at: float, fact: e.StopRequested) -> dict[str, Any]:
    return {"stop": Stop(fact.stop, fact.by, fact.reason, at)}


def _rejected(_task: Task, _at: float, fact: e.Rejected) -> dict[str, Any]:
    reason = Reason("rejected", f"the result was rejected by {fact.by}")
    return {"verdict": Verdict.REJECT, "findings": fact.findings, "reason": reason}


def _because(_task: Task, _at: float, fact: Any) -> dict[str, Any]:
    return {"reason": fact.reason}


#: fact → the fields that it names itself.
_TELL: Final[dict[type[e.Fact], Callable[[Task, float, Any], dict[str, Any]]]] = {
    e.Postponed: lambda _task, _at, fact: {"reason": fact.reason, "wake_at": fact.wake_at},
    e.Readied: _readied,
    e.AttemptStarted: _started,
    e.WorkspaceReady: _placed,
    e.SetupStarted: _setting_up,
    e.SetupDone: lambda task, at, _fact: {
        "setup": _setup_ended(task, at, SetupState.DONE, Exit(0))
    },
    e.SetupFailed: _setup_failed,
    e.Spawned: lambda _task, _at, fact: {"pid": fact.pid},
    e.AgentBegan: lambda _task, _at, fact: {"agent": fact.agent},
    e.UsageCounted: lambda _task, _at, fact: {"usage": fact.usage},
    e.NeedsInput: _needs,
    e.IdleWarned: lambda _task, at, _fact: {"idle_warned_at": at},
    e.Stirred: lambda _task, _at, _fact: {"idle_warned_at": None},
    e.Exited: lambda _task, _at, fact: {
        "exit": fact.exit,
        "output_bytes": fact.output_bytes,
        "outcome": fact.outcome,
        "pid": None,
    },
    e.CheckEnded: _checked,
    e.Failed: _because,
    e.Errored: _because,
    e.Cancelled: _because,
    e.Interrupted: _interrupted,
    e.Retried: _retried,
    e.Parked: _parked,
    e.Resumed: _resumed,
    e.HandedOver: _handed,
    e.Planned: lambda _task, _at, fact: {"planned": fact.version},
    e.StopRequested: _wished,
    e.Accepted: lambda _task, _at, _fact: {"verdict": Verdict.ACCEPT},
    e.Rejected: _rejected,
    e.SentBack: lambda _task, _at, fact: {
        "verdict": Verdict.SEND_BACK,
        "findings": fact.findings,
    },
    e.Judged: lambda _task, _at, fact: {"verdict": fact.verdict, "findings": fact.findings},
}


def _changed(task: Task, changes: dict[str, Any]) -> Task:
    """``dataclasses.replace`` without its checks: the engine's hottest line."""
    after = object.__new__(Task)
    object.__setattr__(after, "__dict__", task.__dict__ | changes)
    return after
