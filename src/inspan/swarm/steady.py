"""The verbs that the Queen needs, which outlast the daemon: one that is lost is waited for.

What was asked for when it died may have happened. To ask again changes nothing where a key or a
version is named; where that is not so, the task itself tells.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

import anyio

from inspan.control import Control, EventQuery
from inspan.errors import Conflict, DaemonUnreachable, IllegalTransition
from inspan.model.event import Event
from inspan.model.goal import GoalPlan
from inspan.model.session import Chunk
from inspan.model.task import Task, TaskSpec, Verdict

T = TypeVar("T")

#: Between two tries, in seconds: the stream of events looks for it too, and starts it again.
_PAUSE: Final = 0.25


class Steady:
    """Over one Control."""

    def __init__(self, control: Control) -> None:
        self.control: Final = control

    async def submit(self, spec: TaskSpec, *, key: str) -> Task:
        """As ``Control.submit``; a key is needed."""
        return await self._ask(lambda: self.control.submit(spec, key=key))

    async def get(self, task: str) -> Task:
        """As ``Control.get``."""
        return await self._ask(lambda: self.control.get(task))

    async def diff(self, task: str) -> str:
        """As ``Control.diff``."""
        return await self._ask(lambda: self.control.diff(task))

    async def read(self, session: str, offset: int, limit: int) -> tuple[Chunk, ...]:
        """As ``Control.read``."""
        return await self._ask(lambda: self.control.read(session, offset, limit))

    async def history(self, query: EventQuery) -> tuple[Event, ...]:
        """As ``Control.history``."""
        return await self._ask(lambda: self.control.history(query))

    async def decide(self, task: Task, verdict: Verdict, findings: Sequence[str] = ()) -> Task:
        """Decide about the attempt of ``task`` that is known, once."""
        return await self._once(
            task.id,
            lambda: self.control.decide(task.id, verdict, findings, by="queen"),
            lambda now: now.attempt != task.attempt or now.done != task.done,
        )

    async def resume(self, task: str) -> Task:
        """As ``Control.resume``."""
        return await self._once(task, lambda: self.control.resume(task), lambda _: False)

    async def replan(self, goal: str, plan: GoalPlan, *, version: int, by: str) -> Task:
        """As ``Control.replan``."""
        return await self._once(
            goal,
            lambda: self.control.replan(goal, plan, version=version, by=by),
            lambda now: now.planned != version,
        )

    async def _once(
        self, task: str, verb: Callable[[], Awaitable[Task]], done: Callable[[Task], bool]
    ) -> Task:
        """``verb``, unless the task tells, after a loss, that it has happened."""
        try:
            return await verb()
        except DaemonUnreachable:
            await anyio.sleep(_PAUSE)
        while True:
            now = await self.get(task)
            if done(now):
                return now
            try:
                return await verb()
            except DaemonUnreachable:
                await anyio.sleep(_PAUSE)
            except (Conflict, IllegalTransition):
                return await self.get(task)

    async def _ask(self, verb: Callable[[], Awaitable[T]]) -> T:
        while True:
            try:
                return await verb()
            except DaemonUnreachable:
                await anyio.sleep(_PAUSE)
