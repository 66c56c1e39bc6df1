"""The stage on which an engine plays: fakes of the world, and words to wait with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from inspan.control import EventQuery
from inspan.engine.code.ports import CodePorts
from inspan.engine.engine import Engine
from inspan.engine.ports import Ports, Provider
from inspan.engine.rules import Rules
from inspan.model.event import Event
from inspan.model.task import Task, TaskSpec, TaskState
from inspan.model.timeouts import Timeouts
from inspan.store.memory import MemoryStore
from inspan.store.transcripts import MemoryTranscripts
from tests.fakes.clock import FakeClock
from tests.fakes.code import FakeCodeProvider
from tests.fakes.metrics import FakeMonitor
from tests.fakes.ports import FakeKeep, FakeRecordings, FakeVitals, FakeWorkspaces
from tests.fakes.provider import FakeProvider, FakeRun
from tests.fakes.rest import at_rest
from tests.fakes.web import FakeWeb

SPEC = TaskSpec(command=("work",), cwd="/")


class Stage:
    """One world in which engines come and go."""

    def __init__(self, rules: Rules | None = None) -> None:
        self.rules = rules or Rules()
        self.clock = FakeClock(rest=at_rest)
        self.store = MemoryStore()
        self.shell = FakeProvider()
        #: Those beside the shell.
        self.providers: dict[str, Provider] = {}
        self.keep = FakeKeep()
        self.monitor = FakeMonitor()
        self.free_memory: int | None = None
        self.recordings = FakeRecordings()
        self.workspaces = FakeWorkspaces()
        self.workers = FakeCodeProvider()
        self.transcripts = MemoryTranscripts()
        #: Tasks whose remains elsewhere went with them.
        self.forgotten: set[str] = set()
        self.engine = self._engine()

    async def _forget(self, tasks: Collection[str]) -> None:
        self.forgotten |= set(tasks)

    def _engine(self) -> Engine:
        ports = Ports(
            store=self.store,
            providers={"shell": self.shell, **self.providers},
            recordings=self.recordings,
            workspaces=self.workspaces,
            keep=self.keep,
            vitals=FakeVitals(),
            monitor=self.monitor,
            memory=lambda: self.free_memory,
            forget=self._forget,
            clock=self.clock,
        )
        code = CodePorts(
            store=self.store,
            provider=self.workers,
            transcripts=self.transcripts,
            web=FakeWeb(),
            clock=self.clock,
        )
        return Engine(ports, code, self.rules)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Engine]:
        """A new engine on the same world; leaving kills it where it stands."""
        self.engine = self._engine()
        async with self.engine.running() as engine:
            await settle()
            yield engine

    async def submit(self, spec: TaskSpec = SPEC, **changes: object) -> Task:
        task = await self.engine.submit(replace(spec, **changes))  # type: ignore[arg-type]
        await settle()
        return task

    async def state(self, task: Task) -> TaskState:
        return (await self.engine.get(task.id)).state

    async def events(self, task: Task) -> tuple[Event, ...]:
        return await self.store.history(EventQuery(task=task.id))

    async def facts(self, task: Task) -> list[str]:
        return [event.kind.partition(".")[2] for event in await self.events(task)]

    def run_of(self, task: Task, attempt: int = 1) -> FakeRun:
        return self.shell.runs[f"{task.id}-{attempt}"]


def limited(**figures: Any) -> Rules:
    """Rules with these figures of ``Timeouts``."""
    return Rules(timeouts=lambda: Timeouts(**figures))


async def settle() -> None:
    """Until nothing more happens by itself."""
    await at_rest()
