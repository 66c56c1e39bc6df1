"""Which events are worth telling somebody, and whether they still are. Pure.

An event is looked at twice: when it comes, for what it could be about, and when it is about to be
told, beside the task as it is then. What was answered meanwhile is told to nobody.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Final

from inspan.model import event as e
from inspan.model.agent import Ending
from inspan.model.ids import short
from inspan.model.notice import Notice, NoticeKind, Target
from inspan.model.task import Task, TaskState
from inspan.terminal.sanitize import one_line

#: The longest line and name that are told, in columns.
LINE: Final = 200
NAME: Final = 60
_K: Final = NoticeKind
_KINDS: Final[dict[type[e.Fact], NoticeKind]] = {
    e.NeedsInput: _K.QUESTION,
    e.Exited: _K.REVIEW,
    e.CheckEnded: _K.REVIEW,
    e.Failed: _K.FAILED,
    e.Errored: _K.FAILED,
    e.Interrupted: _K.INTERRUPTED,
    e.Parked: _K.PARKED,
    e.Completed: _K.COMPLETED,
    e.Succeeded: _K.COMPLETED,
}
#: Where a task is of which something is told.
_STATES: Final[dict[NoticeKind, frozenset[TaskState]]] = {
    _K.BUDGET: frozenset({TaskState.INTERRUPTED, TaskState.FAILED}),
    _K.INTERRUPTED: frozenset({TaskState.INTERRUPTED}),
    _K.FAILED: frozenset({TaskState.FAILED, TaskState.ERROR}),
    _K.COMPLETED: frozenset({TaskState.COMPLETED, TaskState.SUCCEEDED}),
}
#: Facts after which nothing is left to tell that was said of the task before.
_MOVES_ON: Final = frozenset(
    {
        e.Answered,
        e.Readied,
        e.AttemptStarted,
        e.Exited,
        e.Retried,
        e.Resumed,
        e.HandedOver,
        e.Cancelled,
        e.Accepted,
        e.Rejected,
        e.SentBack,
        e.Completed,
        e.Succeeded,
    }
)


def kind_of(fact: e.Fact) -> NoticeKind | None:
    """What ``fact`` could be worth telling as."""
    kind = _KINDS.get(type(fact))
    if isinstance(fact, e.NeedsInput) and fact.needs.kind == "permission":
        return _K.PERMISSION
    if isinstance(fact, e.Failed | e.Interrupted) and fact.reason.code == Ending.BUDGET:
        return _K.BUDGET
    return kind


def moves_on(fact: e.Fact) -> bool:
    """Whether what was worth telling of its task no longer is."""
    return type(fact) in _MOVES_ON


def notice(kind: NoticeKind, event: e.Event, task: Task) -> Notice | None:
    """What to tell of ``task``, which is newer than ``event`` maybe; nothing where that is over."""
    if not _still(kind, task):
        return None
    return Notice(
        kind=kind,
        task=task.id,
        name=one_line(task.spec.name, NAME) or short(task.id),
        role=task.spec.role,
        state=task.state,
        line=one_line(_line(kind, task), LINE),
        seq=event.seq,
        at=event.at,
    )


def wanted(target: Target, told: Notice, name: str) -> bool:
    """Whether ``target`` is told of a task called ``name``, as it is written."""
    return (
        told.kind in target.kinds
        and (not target.roles or told.role in target.roles)
        and (not target.tasks or any(fnmatchcase(name, pattern) for pattern in target.tasks))
    )


def question(task: Task) -> tuple[str, ...]:
    """By which a question is known again; empty where none is asked."""
    needs = task.needs
    return () if needs is None else (task.id, str(task.attempt), needs.id or needs.question)


def _still(kind: NoticeKind, task: Task) -> bool:
    if kind in (_K.QUESTION, _K.PERMISSION):
        return task.state is TaskState.WAITING and task.needs is not None
    if kind is _K.REVIEW:
        return task.awaits_verdict
    if kind is _K.PARKED:
        return task.is_parked
    wished = kind is _K.INTERRUPTED and task.stop is not None
    return task.state in _STATES[kind] and not wished


def _line(kind: NoticeKind, task: Task) -> str:
    if kind in (_K.QUESTION, _K.PERMISSION):
        return task.needs.question if task.needs else ""
    if kind is _K.REVIEW:
        return "its result waits for a verdict"
    return task.reason.message if task.reason and kind is not _K.COMPLETED else ""
