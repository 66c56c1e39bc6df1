"""A world in which engines come and go, and code that asks them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import anyio
import anyio.abc

from inspan.engine.code.ports import CodePorts
from inspan.engine.code.verbs import CodeVerbs
from inspan.engine.ports import Change
from inspan.errors import StoreFailed, TaskNotFound
from inspan.model.code import (
    CodeSession,
    CodeSpec,
    Grants,
)
from inspan.model.event import Event, Resumed
from inspan.model.promise import Promise
from inspan.model.task import Exit, Task, TaskSpec, TaskState
from inspan.store.memory import MemoryStore
from inspan.store.transcripts import MemoryTranscripts
from tests.fakes.clock import FakeClock
from tests.fakes.code import FakeCodeProvider, FakeCodeRun
from tests.fakes.rest import at_rest
from tests.fakes.web import FakeWeb

SPEC = CodeSpec(cwd="/", env={"A": "1"}, grants=Grants(capabilities=("tasks", "human", "store")))


class Tasks:
    """``TaskVerbs``: a task ends well once ``ended`` is set."""

    def __init__(self) -> None:
        self.made: dict[str, Task] = {}
        self.sent = 0
        self.ended = anyio.Event()
        self.broken = False
        self.slow: anyio.Event | None = None

    async def submit(self, spec: TaskSpec, *, key: str | None = None) -> Task:
        self.sent += 1
        if self.broken:
            raise ValueError("oh")
        if self.slow is not None:
            await self.slow.wait()
        new = Task(id=f"t{len(self.made) + 1}", spec=spec, state=TaskState.QUEUED)
        return self.made.setdefault(key or "", new)

    async def get(self, task: str) -> Task:
        found = next((one for one in self.made.values() if one.id == task), None)
        if found is None:
            raise TaskNotFound
        if not self.ended.is_set():
            return found
        return replace(found, state=TaskState.COMPLETED, exit=Exit(0))

    async def watch(
        self, since: int | None = None, *, task: str | None = None
    ) -> AsyncGenerator[Event, None]:
        await self.ended.wait()
        yield Event(since or 1, 0.0, task or "", "", Resumed("person"))


class SlowStore(MemoryStore):
    """A store that gives no promise while it is ``shut``, and settles none while it is ``full``."""

    shut = full = False

    async def commit(self, change: Change) -> None:
        if self.full and change.settled:
            raise StoreFailed("the disk is full")
        await super().commit(change)

    async def promise(self, promise: str) -> Promise | None:
        if self.shut:
            await anyio.sleep_forever()
        return await super().promise(promise)


class World:
    """In which engines come and go."""

    def __init__(self, group: anyio.abc.TaskGroup) -> None:
        self.outer = self.group = group
        self.store = SlowStore()
        self.workers = FakeCodeProvider()
        self.transcripts = MemoryTranscripts()
        self.clock = FakeClock(rest=at_rest)
        self.tasks = Tasks()
        self.web = FakeWeb()

    async def begin(self, *, rest: bool = True) -> None:
        """An engine comes; one that was there is dead."""
        if self.group is not self.outer:
            self.group.cancel_scope.cancel()
        for run in self.workers.runs.values():
            run.quiet = True
        self.group = await self.outer.start(_roof)
        ports = CodePorts(
            store=self.store,
            provider=self.workers,
            transcripts=self.transcripts,
            web=self.web,
            clock=self.clock,
        )
        group = self.group

        def spawn(work: Callable[[], Awaitable[None]]) -> None:
            group.start_soon(_run, work)

        self.code = CodeVerbs(ports, spawn, self.tasks)
        await self.code.load()
        if rest:
            await at_rest()

    async def opened(self) -> tuple[CodeSession, FakeCodeRun]:
        made = await self.code.open(SPEC)
        return made, self.workers.runs[f"{made.id}-1"]

    async def facts(self, session: CodeSession, *kinds: type) -> list[object]:
        told = await self.code.transcript(session.id)
        return [event.fact for event in told if isinstance(event.fact, kinds)]


async def _run(work: Callable[[], Awaitable[None]]) -> None:
    await work()


async def _roof(*, task_status: anyio.abc.TaskStatus[anyio.abc.TaskGroup]) -> None:
    async with anyio.create_task_group() as group:
        task_status.started(group)
        await anyio.sleep_forever()


@asynccontextmanager
async def begun() -> AsyncIterator[World]:
    """A world with an engine in it."""
    async with anyio.create_task_group() as group:
        made = World(group)
        with anyio.fail_after(30):
            await made.begin()
            yield made
        group.cancel_scope.cancel()
