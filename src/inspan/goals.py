"""The plan of a goal, and how far it is, as whoever speaks Control reads it, with an event loop or
without.

There is no verb for either: a plan is a fact, and facts are read by ``history``; the rest is
told by the tasks that are made of the goal.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Protocol

from inspan.control import EventQuery, TaskPage, TaskQuery, Tasks
from inspan.model.event import Event, Planned
from inspan.model.pursuit import Pursuit, pursuit
from inspan.model.task import Task

#: Events that are read at once: a plan may have 2 MiB.
_PAGE: Final = 20
#: Tasks that are read at once.
_TASKS: Final = 500


class Telling(Protocol):
    """What is needed of a Control without an event loop."""

    def get(self, task: str) -> Task: ...

    def history(self, query: EventQuery) -> tuple[Event, ...]: ...

    def list(self, query: TaskQuery) -> TaskPage: ...


async def planned(control: Tasks, task: str) -> Planned | None:
    """The newest plan of a goal; ``None`` where there is none."""
    known = await control.get(task)
    found: Planned | None = None
    since = 0
    while _newer(found, known):
        events = await control.history(EventQuery(task=known.id, since=since, limit=_PAGE))
        if not events:
            break
        since, found = events[-1].seq, _newest(events, found)
    return found


def planned_sync(control: Telling, task: str) -> Planned | None:
    """The same without an event loop."""
    known = control.get(task)
    found: Planned | None = None
    since = 0
    while _newer(found, known):
        events = control.history(EventQuery(task=known.id, since=since, limit=_PAGE))
        if not events:
            break
        since, found = events[-1].seq, _newest(events, found)
    return found


async def pursued(control: Tasks, task: str) -> Pursuit:
    """How far a goal is. Of a task that is none there is no plan, and no step."""
    # The plan comes first: a step that was handed in since is missed, and told of at the next look.
    plan = await planned(control, task)
    goal = await control.get(task)
    tasks: list[Task] = []
    query = TaskQuery(correlation=goal.correlation, limit=_TASKS)
    while True:
        page = await control.list(query)
        tasks += page.tasks
        if page.next is None:
            return pursuit(goal, plan, tasks)
        query = _after(query, page.next)


def pursued_sync(control: Telling, task: str) -> Pursuit:
    """The same without an event loop."""
    plan = planned_sync(control, task)
    goal = control.get(task)
    tasks: list[Task] = []
    query = TaskQuery(correlation=goal.correlation, limit=_TASKS)
    while True:
        page = control.list(query)
        tasks += page.tasks
        if page.next is None:
            return pursuit(goal, plan, tasks)
        query = _after(query, page.next)


def _after(query: TaskQuery, before: str) -> TaskQuery:
    return TaskQuery(correlation=query.correlation, before=before, limit=query.limit)


def _newer(found: Planned | None, task: Task) -> bool:
    """Whether ``task`` has a newer plan than was found."""
    return task.planned > (0 if found is None else found.version)


def _newest(events: Iterable[Event], found: Planned | None) -> Planned | None:
    for event in events:
        if isinstance(event.fact, Planned):
            found = event.fact
    return found
