"""What is known of all tasks now: read by pages, kept true by events, and anew after a loss.

It draws nothing and knows no screen: ``heard`` is told that something is otherwise, as often as
that happens. Events are applied to the tasks as the engine does it (``lifecycle.apply``), so that
an event costs no question; only what is met in the middle of its life is asked for.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from enum import Enum
from typing import Final

import anyio

from inspan.control import Control, EventQuery, TaskQuery
from inspan.errors import DaemonUnreachable, FellBehind, InspanError, TaskNotFound
from inspan.model import event as e
from inspan.model.activity import Activity
from inspan.model.lifecycle import apply
from inspan.model.task import Task, TaskState
from inspan.telling.groups import STATES, Group, group_of
from inspan.tui.again import Again
from inspan.tui.clock import Clock

#: Tasks of a page; what fills any screen a few times over.
PAGE: Final = 200
#: Pages that are read of a group which somebody has to look after.
_NEEDS_PAGES: Final = 5
#: Seconds between two questions what those do that run, which no event tells.
_ASKS_EVERY: Final = 1.0
#: Events that are told of what happened before.
_BEFORE: Final = 100
#: More than these at once, and all is read anew.
_STRANGERS_MOST: Final = 200


class Link(Enum):
    """How it stands with the daemon."""

    CONNECTING = "connecting"
    LIVE = "live"
    LOST = "connection lost; trying again"


class Known:
    """The tasks. ``heard`` is given the ids of what changed; ``None``: all may be otherwise."""

    def __init__(
        self,
        control: Control,
        *,
        heard: Callable[[str | None], None],
        told: Callable[[e.Event], None],
        revive: Callable[[], Awaitable[None]],
        clock: Clock,
    ) -> None:
        self.tasks: dict[str, Task] = {}
        self.counts: dict[str, int] = {}
        self.activities: dict[str, Activity] = {}
        self.link = Link.CONNECTING
        #: Why the connection is lost.
        self.trouble = ""
        #: By group: where its next page begins, where it has one.
        self.older: dict[Group, str] = {}
        self._control = control
        self._heard = heard
        self._told = told
        self._revive = revive
        self._clock = clock
        self._seq = 0
        self._strangers: set[str] = set()
        self._met = anyio.Event()

    # ── what others ask ───────────────────────────────────────────────────────

    def number(self, group: Group) -> int:
        """How many tasks of a group there are, those included that are not known here yet."""
        counted = sum(self.counts.get(state, 0) for state in STATES[group])
        if group in (Group.NEEDS, Group.WORKING):
            judged = sum(task.awaits_verdict for task in self._processing())
            counted += judged if group is Group.NEEDS else -judged
        return max(0, counted)

    def _processing(self) -> list[Task]:
        if not self.counts.get(TaskState.PROCESSING):
            return []
        return [one for one in self.tasks.values() if one.state is TaskState.PROCESSING]

    async def more(self, group: Group) -> None:
        """Read the next page of a group."""
        before = self.older.get(group)
        if before is None:
            return
        query = TaskQuery(states=STATES[group], before=before, limit=PAGE)
        page = await self._control.list(query)
        if self.older.get(group) != before:
            return  # another was faster, or all was read anew
        for task in page.tasks:
            self._hold(task)
        self._mark(group, page.next)
        self._heard(None)

    def forget(self, task_id: str) -> None:
        """It is no longer there."""
        if self.tasks.pop(task_id, None) is not None:
            self.activities.pop(task_id, None)
            self._heard(task_id)

    # ── for as long as the program runs ───────────────────────────────────────

    async def run(self) -> None:
        """Keep it true, for ever."""
        again = Again(self._clock)
        while True:
            try:
                await self._follow()
            except FellBehind:
                again.well()
                continue
            except InspanError as error:
                if self.link is Link.LIVE:
                    again.well()
                self.link, self.trouble = Link.LOST, error.message
            self._heard(None)
            await again.pause()
            await self._revive()

    async def _follow(self) -> None:
        await self._read()
        if self.link is Link.CONNECTING:
            since = max(0, self._seq - _BEFORE)
            for event in await self._control.history(EventQuery(since=since, limit=_BEFORE)):
                if event.seq <= self._seq:  # those after it are watched
                    self._told(event)
        self.link, self.trouble = Link.LIVE, ""
        self._heard(None)
        trouble: InspanError | None = None
        async with anyio.create_task_group() as group:
            group.start_soon(self._meet)
            group.start_soon(self._ask)
            try:
                async with aclosing(self._control.watch(self._seq)) as events:
                    async for event in events:
                        self._happened(event)
            except InspanError as error:
                trouble = error
            group.cancel_scope.cancel()
        raise trouble or DaemonUnreachable("the daemon has closed the stream of events")

    async def _read(self, *, follows: bool = False) -> None:
        """All that fills a screen, of each group.

        What happens meanwhile is told by the events from before the first of these pages on.
        """
        start = self._seq
        loaded = dict.fromkeys(Group, 0)
        for task in self.tasks.values():
            loaded[group_of(task)] += 1
        newest = await self._control.list(TaskQuery(limit=PAGE))
        found = {task.id: task for task in newest.tasks}
        self._seq = max(self._seq if follows else 0, *(task.seq for task in newest.tasks), 0)
        older: dict[Group, str] = {}
        for group, states in STATES.items():
            before = None
            most = _NEEDS_PAGES if group in (Group.NEEDS, Group.WORKING) else 1
            for _ in range(max(most, loaded[group] // PAGE)):
                page = await self._control.list(TaskQuery(states=states, before=before, limit=PAGE))
                found |= {task.id: task for task in page.tasks}
                before = page.next
                if before is None:
                    break
            if before is not None:
                older[group] = before
        for task in self.tasks.values():
            # What was told while these pages were read is newer than they are.
            if task.seq > start and (task.id not in found or found[task.id].seq < task.seq):
                found[task.id] = task
        self.tasks = found
        self.older, self.counts, self.activities = older, newest.counts, dict(newest.activities)

    def _happened(self, event: e.Event) -> None:
        self._seq = event.seq
        self._told(event)
        known = self.tasks.get(event.task)
        if known is not None and known.seq >= event.seq:
            return
        if known is None and not isinstance(event.fact, e.Submitted):
            self._strange(event.task)
            return
        try:
            task = apply(known, event)
        except InspanError:
            self._strange(event.task)  # told by a newer version, or pruned in between
            return
        if known is None or known.state is not task.state:
            if known is not None:
                self.counts[known.state] = self.counts.get(known.state, 1) - 1
            self.counts[task.state] = self.counts.get(task.state, 0) + 1
        self._hold(task)
        self._heard(task.id)

    def _hold(self, task: Task) -> None:
        known = self.tasks.get(task.id)
        if known is None or known.seq <= task.seq:
            self.tasks[task.id] = task
            if task.state is not TaskState.RUNNING:
                self.activities.pop(task.id, None)

    def _mark(self, group: Group, following: str | None) -> None:
        if following is None:
            self.older.pop(group, None)
        else:
            self.older[group] = following

    def _strange(self, task_id: str) -> None:
        self._strangers.add(task_id)
        self._met.set()

    async def _meet(self) -> None:
        """Ask for those tasks of which an event told that were not known."""
        while True:
            await self._met.wait()
            self._met = anyio.Event()
            strangers, self._strangers = self._strangers, set()
            if len(strangers) > _STRANGERS_MOST:
                await self._again()
                continue
            for task_id in strangers:
                try:
                    self._hold(await self._control.get(task_id))
                except TaskNotFound:
                    self.tasks.pop(task_id, None)
                except InspanError:
                    return  # the stream of events ends with the same
                self._heard(task_id)

    async def _ask(self) -> None:
        """What no event tells: what those do that run, how many there are, and what is gone."""
        while True:
            await self._clock.sleep(_ASKS_EVERY)
            try:
                page = await self._control.list(TaskQuery(states=(TaskState.RUNNING,), limit=PAGE))
            except InspanError:
                return
            changed = page.counts != self.counts or page.activities != self.activities
            # No event tells of what was pruned: then there are fewer than there were.
            fewer = sum(page.counts.values()) < sum(self.counts.values())
            self.counts, self.activities = page.counts, dict(page.activities)
            if fewer:
                await self._again()
            elif changed:
                self._heard("")

    async def _again(self) -> None:
        try:
            await self._read(follows=True)
        except InspanError:
            return
        self._heard(None)
