"""The plan of a goal, and how far it is, as whoever speaks Control reads it, with an event loop or
without.

There is no verb for either: a plan is a fact, and facts are read by ``history``; the rest is
told by the tasks that are made of the goal.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from inspan.control import EventQuery, TaskQuery, Tasks
from inspan.model.event import Event, Planned
from inspan.model.pursuit import Pursuit, pursuit
from inspan.model.task import Task
from inspan.model.value import replaced

#: Events that are read at once: a plan may have 2 MiB.
_PAGE: Final = 20
#: Tasks that are read at once.
_TASKS: Final = 500


class Telling(Protocol):
    """What is needed of a Control without an event loop."""

    def get(self, task: str) -> Task: ...

    def history(self, query: EventQuery) -> tuple[Event, ...]: ...


async def planned(control: Tasks, task: str) -> Planned | None:
    """The newest plan of a goal; ``None`` where there is none."""
    search = _Search(await control.get(task))
    while (query := search.query) is not None:
        search.take(await control.history(query))
    return search.found


def planned_sync(control: Telling, task: str) -> Planned | None:
    """The same without an event loop."""
    search = _Search(control.get(task))
    while (query := search.query) is not None:
        search.take(control.history(query))
    return search.found


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
        query = replaced(query, before=page.next)


class _Search:
    """For the newest plan of a goal in its events: what is to be read next, and what was found."""

    def __init__(self, goal: Task) -> None:
        self._goal = goal
        self._since = 0
        self._over = False
        self.found: Planned | None = None

    @property
    def query(self) -> EventQuery | None:
        """The events to look at; ``None`` where it is over."""
        version = 0 if self.found is None else self.found.version
        if self._over or self._goal.planned <= version:
            return None
        return EventQuery(task=self._goal.id, since=self._since, limit=_PAGE)

    def take(self, events: Sequence[Event]) -> None:
        """What ``query`` led to; with no event it is over."""
        self._over = not events
        for event in events:
            self._since = event.seq
            if isinstance(event.fact, Planned):
                self.found = event.fact
