"""Which commands set the workspace of a task up, each when it has begun."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from inspan.cli import reach
from inspan.cli.following import Follower
from inspan.control import EventQuery
from inspan.errors import SessionNotFound
from inspan.model import event as e
from inspan.model import setup
from inspan.model.task import Task, TaskState
from inspan.model.value import value

if TYPE_CHECKING:
    from inspan.cli.reach import Reached

_EVENTS = 1000
#: How long one that is about to begin is waited for at a time, in seconds.
_SOON = 0.1


@value
class Step:
    """A command and its session."""

    command: str
    session: str


def steps(control: Reached, task: Task, attempt: int | None, *, follow: bool) -> Iterator[Step]:
    """Those of one attempt, or of the workspace as it is; with ``follow`` those to come, too."""
    if attempt is not None:
        yield from _of_attempt(control, task, attempt)
        return
    told = {step.session for step in task.setup}
    for step in task.setup:
        if not follow or _is_there(control, step.session):
            yield Step(step.command, step.session)
        else:
            told.discard(step.session)
    if follow:
        yield from _to_come(reach.lasting(control), task, told)


def _of_attempt(control: Reached, task: Task, attempt: int) -> Iterator[Step]:
    for event in control.history(EventQuery(task=task.id, limit=_EVENTS)):
        fact = event.fact
        if isinstance(fact, e.SetupStarted) and fact.attempt == attempt:
            yield Step(fact.command, fact.session)


def _to_come(control: Reached, task: Task, told: set[str]) -> Iterator[Step]:
    with Follower(control, task.seq, task.id) as follower:
        while _goes_on(task := control.get(task.id)):
            step = task.setup[-1] if task.setup else None
            new = step is not None and step.session not in told
            if step is not None and new and _is_there(control, step.session):
                told.add(step.session)
                yield Step(step.command, step.session)
            else:
                follower.next(_SOON if new else 1.0)
        for step in task.setup:
            if step.session not in told:
                yield Step(step.command, step.session)


def _goes_on(task: Task) -> bool:
    """Whether more may come of it."""
    if task.state is TaskState.RUNNING:
        return task.workspace is None or setup.due(task) is not None
    return task.state in (TaskState.PENDING, TaskState.QUEUED)


def _is_there(control: Reached, session: str) -> bool:
    try:
        control.read(session, 0, 1)
    except SessionNotFound:
        return False
    return True
