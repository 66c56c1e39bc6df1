"""The dispatcher: brings tasks from accepted to started as dependencies, time and slots allow.

It decides when, never how: an attempt is launched through a function that it is given.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from inspan.engine.crowding import Crowding
from inspan.engine.ledger import Ledger
from inspan.engine.memory import Memory
from inspan.engine.patrol import until
from inspan.engine.ports import Clock
from inspan.engine.scheduler import Scheduler
from inspan.errors import IllegalTransition, StoreFailed
from inspan.model import event as e
from inspan.model.ids import short
from inspan.model.task import GOOD, Reason, Task, TaskSpec, TaskState
from inspan.model.value import value

log = logging.getLogger(__name__)

#: The wall clock may jump; it is read again at least this often (seconds).
_LOOK_AGAIN: Final = 60.0

#: Seconds until a task is looked at again that the store could not tell enough about.
_STORE_AGAIN: Final = 5.0


@value
class Roles:
    """How many tasks of each role may run at once."""

    limits: Mapping[str, int]
    default: int


class Admission:
    """The room that a task needs beside the slot of its role: its provider's, and memory."""

    def __init__(self, crowding: Crowding, memory: Memory) -> None:
        self._crowding = crowding
        self._memory = memory

    def has_room(self, provider: str) -> bool:
        """Whether one more may start."""
        return self._crowding.has_room(provider) and self._memory.has_room(provider)

    def take(self, provider: str) -> None:
        """One starts."""
        self._crowding.take(provider)
        self._memory.take(provider)

    def release(self, provider: str) -> None:
        """One is over."""
        self._crowding.release(provider)
        self._memory.release(provider)


class Dispatcher:
    """Lines tasks up and launches those that may start."""

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        roles: Roles,
        providers: Mapping[str, int],
        memory: Memory,
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._scheduler = Scheduler(roles.limits, roles.default)
        self._wake = asyncio.Event()
        #: Who may run beside whom, of one provider; it is told when one is overloaded.
        self.crowding: Final = Crowding(clock, providers, lambda: self._wake.set())
        self._memory = memory
        self._room = Admission(self.crowding, memory)

    async def admit(self, task: Task) -> Task:
        """``admit_all`` for one."""
        return (await self.admit_all((task,)))[0]

    async def admit_all(self, tasks: Sequence[Task]) -> tuple[Task, ...]:
        """Tasks have come to the states they are in: see what follows, for them and for others.

        Works through a chain of dependents without recursion, however long it is. Where whoever
        asked goes away meanwhile, the rest is seen to all the same.
        """
        came = {task.id: task for task in tasks}
        changed = deque(tasks)
        try:
            while changed:
                one = changed[0]
                if one.state in (TaskState.PENDING, TaskState.QUEUED):
                    one = await self._line_up(one)
                if one.done:
                    changed += await self._tell_dependents(one)
                elif one.state is TaskState.INTERRUPTED:
                    self._scheduler.forget(one.id)
                if one.id in came:
                    came[one.id] = one
                changed.popleft()
        except asyncio.CancelledError:
            self.look_at([one.id for one in changed])
            raise
        self._wake.set()
        return tuple(came.values())

    def look_at(self, task_ids: Iterable[str]) -> None:
        """See what follows for these, of which nobody else does, as soon as ``run`` can."""
        now = self._clock.now()
        for task_id in task_ids:
            self._scheduler.wake(task_id, now)
        self._wake.set()

    def take_at_once(self, spec: TaskSpec, coming: int) -> bool:
        """Whether a task that nobody lines up has a slot now; so many are about to be lined up."""
        return self._scheduler.take_at_once(spec.role, spec.provider, self._room, coming)

    def hold(self, task: Task) -> None:
        """An adopted attempt takes the slot that it had, and has its memory already."""
        self._scheduler.hold(task.spec.role)
        self.crowding.take(task.spec.provider)

    def release(self, role: str, provider: str) -> None:
        """An attempt is over."""
        self._scheduler.release(role)
        self._room.release(provider)
        self._wake.set()

    async def run(self, launch: Callable[[Task], None]) -> None:
        """Launch what may start, until cancelled."""
        while True:
            self._wake = asyncio.Event()
            for task_id in self._scheduler.due(self._clock.now()):
                if task_id in self._ledger.open:
                    await self.admit(self._ledger.open[task_id])
            self._memory.anew()
            for task_id, role, provider in self._scheduler.take(self._room):
                task = self._ledger.open.get(task_id)
                if task is not None and task.state is TaskState.QUEUED:
                    launch(task)
                else:  # it was stopped, and whoever did that has not come to tell us yet
                    self.release(role, provider)
            if not self._wake.is_set():
                await until(self._wake, self._clock, self._next())

    def _next(self) -> float | None:
        """When to look again at the latest; monotonic seconds."""
        moments = [self.crowding.next_place(), self._memory.next_look()]
        if (alarm := self._scheduler.next_alarm()) is not None:
            wait = min(_LOOK_AGAIN, max(0.0, alarm - self._clock.now()))
            moments.append(self._clock.monotonic() + wait)
        return min((moment for moment in moments if moment is not None), default=None)

    def warnings(self) -> Iterator[str]:
        """A sentence for each thing that keeps tasks from starting."""
        yield from self.crowding.warnings()
        yield from self._memory.warnings()

    async def _line_up(self, task: Task) -> Task:
        try:
            return await self._place(task)
        except IllegalTransition:
            return await self._ledger.get(task.id)  # somebody was faster, and sees to it
        except StoreFailed as error:
            log.warning("not lined up yet: %s", error, extra={"task": task.id})
            self._scheduler.wake(task.id, self._clock.now() + _STORE_AGAIN)
            return task

    async def _place(self, task: Task) -> Task:
        """Put a pending or queued task where it belongs.

        It insists: nobody else would do it later, and a full disk must not end the engine.
        """
        open_ones, bad = await self._dependencies(task) if task.spec.after else ([], None)
        if bad is not None:
            why = f"waits for {bad.spec.name or short(bad.id)}, which ended as {bad.state}"
            self._scheduler.forget(task.id)
            return await self._ledger.insist(task.id, e.Cancelled(Reason("dependency", why)))
        if open_ones:
            self._scheduler.wait(task.id, open_ones)
            if task.state is TaskState.PENDING:
                return task
            waits = Reason("dependency", f"waits for {len(open_ones)} more")
            return await self._ledger.insist(task.id, e.Postponed(waits))
        if task.wake_at is not None and task.wake_at > self._clock.now():
            self._scheduler.wake(task.id, task.wake_at)
            return task
        if task.state is TaskState.PENDING:
            task = await self._ledger.insist(task.id, e.Readied())
        self._scheduler.ready(task)
        return task

    async def _dependencies(self, task: Task) -> tuple[list[str], Task | None]:
        """Those that have not ended, and one that ended badly. Looks until nothing moves."""
        ended: dict[str, Task] = {}
        while True:
            missing = [
                wanted
                for wanted in task.spec.after
                if wanted not in self._ledger.open and wanted not in ended
            ]
            if not missing:
                break
            for wanted in missing:
                ended[wanted] = await self._ledger.get(wanted)
        bad = next((one for one in ended.values() if one.state not in GOOD), None)
        return [wanted for wanted in task.spec.after if wanted not in ended], bad

    async def _tell_dependents(self, ended: Task) -> list[Task]:
        """The tasks to look at again because ``ended`` has ended."""
        self._scheduler.forget(ended.id)
        again = []
        for task_id in self._scheduler.ended(ended.id):
            free = self._scheduler.fulfilled(task_id, ended.id)
            if (free or ended.state not in GOOD) and task_id in self._ledger.open:
                again.append(self._ledger.open[task_id])
        return again
