"""What happened to a goal and its tasks, folded from events: all that the Queen knows of them.

It hears everything from the goal's beginning on, so that one who begins in the middle comes to the
same. It decides nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import aclosing, suppress

import anyio

from inspan.control import EventQuery
from inspan.errors import FellBehind, InspanError
from inspan.model.agent import UNUSED, Usage
from inspan.model.event import Event, Planned, UsageCounted, WorkspaceSaved
from inspan.model.lifecycle import apply
from inspan.model.task import Task
from inspan.swarm.steady import Steady

log = logging.getLogger(__name__)


class Chronicle:
    """The tasks with the correlation of one goal, by id; the goal itself is one of them."""

    def __init__(self, control: Steady, goal: Task) -> None:
        self._control = control
        self._goal = goal
        self._since = 0
        self._changed = anyio.Event()
        self.tasks: dict[str, Task] = {}
        self.planned: Planned | None = None
        #: Tasks whose worktree is gone, with what was not committed kept under a ref.
        self.cleared: set[str] = set()
        #: How often a task told what it has used: to add all up for every event would take longer
        #: the more there are of both.
        self.counted = 0

    @property
    def goal(self) -> Task:
        """The goal as it is now."""
        return self.tasks.get(self._goal.id, self._goal)

    @property
    def used(self) -> Usage:
        """What all tasks of the goal but itself have used."""
        total = UNUSED
        for task in self.tasks.values():
            if task.id != self._goal.id:
                total = total.plus(task.used)
        return total

    async def read(self) -> None:
        """All that has happened so far."""
        while True:
            query = EventQuery(correlation=self._goal.correlation, since=self._since)
            page = await self._control.history(query)
            for event in page:
                self._take(event)
            if not page:
                return

    async def follow(self) -> None:
        """Take in what happens, until cancelled. What was missed is read."""
        while True:
            try:
                async with aclosing(self._control.control.watch(self._since)) as events:
                    async for event in events:
                        self._take(event)
            except FellBehind:
                log.info("the events are read anew from %d on", self._since)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until it holds; looked at after every event."""
        while not holds():
            await self.news()

    async def news(self) -> None:
        """Wait until something has happened."""
        await self._changed.wait()

    async def task(self, task: str, rests: Callable[[Task], bool]) -> Task:
        """The task, once it is as ``rests`` wants it."""
        await self.until(lambda: task in self.tasks and rests(self.tasks[task]))
        return self.tasks[task]

    def know(self, task: Task) -> None:
        """What a verb returned, which an event may tell only in a moment."""
        known = self.tasks.get(task.id)
        if known is None or known.seq < task.seq:
            self.tasks[task.id] = task
            self._ring()

    def _take(self, event: Event) -> None:
        if event.seq <= self._since:
            return
        self._since = event.seq
        if event.correlation != self._goal.correlation:
            return
        if isinstance(event.fact, Planned) and event.task == self._goal.id:
            self.planned = event.fact
        if isinstance(event.fact, WorkspaceSaved):
            self.cleared.add(event.task)
        if isinstance(event.fact, UsageCounted) and event.task != self._goal.id:
            self.counted += 1
        known = self.tasks.get(event.task)
        if known is None or known.seq < event.seq:
            with suppress(InspanError):  # its beginning is gone: a task that was pruned
                self.tasks[event.task] = apply(known, event)
        self._ring()

    def _ring(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()
