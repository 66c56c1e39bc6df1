"""The ledger: decide, store, then publish. The only place that makes an event.

It holds every task that has not ended, and gives each fact to ``lifecycle.apply`` before the store
sees it. What it does not know: processes, slots, or why a fact is true.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import anyio

from inspan.control import EventQuery
from inspan.engine.bus import Bus
from inspan.engine.crowding import RECALLED
from inspan.engine.hindrances import AGAIN, Hindrances
from inspan.engine.monitoring import Monitor
from inspan.engine.ports import Change, Clock, Store
from inspan.errors import StoreFailed, TaskNotFound
from inspan.model.event import Event, Fact, Overloaded, Submitted
from inspan.model.ids import Ulids
from inspan.model.lifecycle import fold
from inspan.model.task import Task, TaskSpec

log = logging.getLogger(__name__)


class Ledger:
    """Tasks that have not ended, and the one way to change any task."""

    def __init__(self, store: Store, clock: Clock, monitor: Monitor) -> None:
        self.open: dict[str, Task] = {}
        self.bus = Bus(store.history)
        self.hindrances = Hindrances(clock)
        #: Called with each new task as soon as it is stored, before anybody else knows of it.
        self.on_created: Callable[[Task], None] | None = None
        #: Called with the tasks of a change whose author went away while it was being stored: what
        #: follows from it nobody has seen to.
        self.on_orphaned: Callable[[Sequence[str]], None] | None = None
        self._store = store
        self._clock = clock
        self._monitor = monitor
        self._seq = 0
        self._ids = Ulids()
        #: The tasks of which a fact is being stored, each with what wakes those who wait for that.
        self._busy: dict[str, asyncio.Event | None] = {}

    async def load(self) -> tuple[Task, ...]:
        """Take up what the store has; the tasks that have not ended, oldest first."""
        self._seq = await self._store.last_seq()
        self.bus = Bus(self._store.history, self._seq)
        self._store.on_commit = self._committed
        tasks = await self._store.open_tasks()
        self.open = {task.id: task for task in tasks}
        self._monitor.begin(tasks)
        return tasks

    async def overloads(self) -> tuple[Event, ...]:
        """What earlier engines met that may still count, oldest first."""
        return await self._store.newest(Overloaded.kind, self._clock.now() - RECALLED)

    async def get(self, task_id: str) -> Task:
        """The task as it is stored now. Raises TaskNotFound."""
        task = self.open.get(task_id) or await self._store.get(task_id)
        if task is None:
            raise TaskNotFound(f"no task has the id {task_id}")
        return task

    async def history(self, query: EventQuery) -> tuple[Event, ...]:
        """A page of events."""
        return await self._store.history(query)

    def is_storing(self, task_id: str) -> bool:
        """Whether a fact of it is on its way to the disk, and another one would wait for that."""
        return task_id in self._busy

    def new_id(self) -> str:
        """An id for a task that is about to be created; each sorts after the one before."""
        return self._ids.next(self._clock.now(), self._clock.entropy(10))

    async def create(
        self,
        drafts: Sequence[tuple[str, TaskSpec, Sequence[Fact]]],
        keys: Mapping[str, tuple[str, str]],
    ) -> tuple[Task, ...]:
        """New tasks in one transaction, each with the facts that follow at once."""
        events: list[Event] = []
        tasks: list[Task] = []
        for task_id, spec, facts in drafts:
            correlation = spec.correlation or task_id
            made = self._events(task_id, correlation, (Submitted(spec), *facts))
            events += made
            tasks.append(fold(None, made))
        created = frozenset(task.id for task in tasks)
        change = Change(events=tuple(events), tasks=tuple(tasks), created=created, keys=keys)
        await self._commit(change)
        return change.tasks

    async def record(self, task_id: str, *facts: Fact) -> Task:
        """Let ``facts`` be true of a task; returns it as it is then.

        Raises IllegalTransition, StaleAttempt (nothing was written), TaskNotFound, StoreFailed.
        """
        while task_id in self._busy:
            free = self._busy[task_id] = self._busy[task_id] or asyncio.Event()
            await free.wait()
        self._busy[task_id] = None
        try:
            task = await self.get(task_id)
            seq = self._seq
            events = self._events(task_id, task.correlation, facts)
            try:
                after = fold(task, events)
            except Exception:
                self._seq = seq
                raise
            await self._commit(Change(events=events, tasks=(after,)))
        finally:
            waited_for = self._busy.pop(task_id)
            if waited_for is not None:
                waited_for.set()
        return after

    async def insist(self, task_id: str, *facts: Fact) -> Task:
        """``record`` for what has happened and cannot be taken back: tries until it is stored."""
        try:
            return await self.record(task_id, *facts)
        except StoreFailed as error:
            refused = error
        return await self._insist(task_id, facts, refused)

    async def _insist(self, task_id: str, facts: Sequence[Fact], refused: StoreFailed) -> Task:
        pause, most = AGAIN
        try:
            while True:
                log.warning("not stored yet: %s", refused, extra={"task": task_id})
                self.hindrances.hinder(task_id, refused)
                await self._clock.sleep(pause)
                pause = min(most, pause * 2)
                try:
                    return await self.record(task_id, *facts)
                except StoreFailed as error:
                    refused = error
        finally:
            self.hindrances.free(task_id)

    def _events(self, task_id: str, correlation: str, facts: Sequence[Fact]) -> tuple[Event, ...]:
        now, first = self._clock.now(), self._seq + 1
        self._seq += len(facts)
        made = [
            Event(seq, now, task_id, correlation, fact) for seq, fact in enumerate(facts, first)
        ]
        return tuple(made)

    async def _commit(self, change: Change) -> None:
        try:
            await self._store.commit(change)
        except StoreFailed as error:
            if not await self._landed(change):
                self.hindrances.refused(error)
                raise
            self._committed((change,))
        except asyncio.CancelledError:
            # The store may have it: nobody may decide about these tasks until that is known. It
            # answers in order, so that after one more answer it is.
            with anyio.CancelScope(shield=True), suppress(StoreFailed):
                await self._store.last_seq()
            if self.on_orphaned is not None:
                self.on_orphaned([task.id for task in change.tasks])
            raise

    async def _landed(self, change: Change) -> bool:
        """Whether a write that reported an error is there all the same."""
        try:
            stored = [await self._store.get(task.id) for task in change.tasks]
        except StoreFailed:
            return False
        return all(
            there is not None and there.seq == task.seq
            for there, task in zip(stored, change.tasks, strict=True)
        )

    def _committed(self, changes: Sequence[Change]) -> None:
        self.hindrances.accepted()
        for change in changes:
            for task in change.tasks:
                if task.done:
                    self.open.pop(task.id, None)
                else:
                    self.open[task.id] = task
                    if task.id in change.created and self.on_created is not None:
                        self.on_created(task)
        self.bus.publish([event for change in changes for event in change.events])
        try:
            self._monitor.hear(changes)
        except Exception:
            log.exception("the monitor failed")  # it may; the task may not
