"""An Engine over the real store with a provider that runs nothing: what inspan itself costs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter

import anyio

from inspan.clock import SystemClock
from inspan.control import Health, Process
from inspan.engine.code.ports import CodePorts
from inspan.engine.engine import Engine
from inspan.engine.ports import Change, Finished, Observation, Order, Ports, Run, Started
from inspan.engine.rules import Rules
from inspan.errors import KeeperLost
from inspan.model.memory import MemoryRules
from inspan.model.task import Exit, Needs, TaskSpec
from inspan.monitor.freememory import free_memory
from inspan.monitor.monitor import PerformanceMonitor
from inspan.providers.drawing import Drawing
from inspan.providers.keeping import Keeping
from inspan.providers.python import Folders, PythonProvider
from inspan.providers.web import HttpWeb
from inspan.store.recordings import Keeper, Recordings
from inspan.store.sqlite import SqliteStore
from inspan.store.transcripts import MemoryTranscripts
from inspan.workspaces.places import Workspaces

#: An environment as long as one that the settings let through.
ENV = {f"NAME_{number}": "x" * 60 for number in range(20)}
SPEC = TaskSpec(command=("true",), cwd="/", env=ENV, provider="nothing")


class NothingRun:
    """A run that has ended well when it begins."""

    async def observations(self) -> AsyncIterator[Observation]:
        """The shortest life there is."""
        yield Started(1)
        yield Finished(Exit(0), 0)

    async def write(self, data: bytes) -> None:
        """Nobody reads."""

    async def answer(self, needs: Needs, text: str) -> None:
        """It asks nothing."""

    async def resize(self, cols: int, rows: int) -> None:
        """It has no terminal."""

    async def attend(self, on: bool, *, shown: int | None = None) -> None:
        """It asks nothing."""

    async def interrupt(self) -> None:
        """It has ended."""

    async def terminate(self) -> None:
        """It has ended."""

    async def kill(self) -> int:
        """None are left."""
        return 0

    async def close(self) -> None:
        """Nobody holds it."""


class Nothing:
    """A provider that starts nothing; ``opened`` has when it was asked to, by session."""

    name = "nothing"

    def __init__(self) -> None:
        self.opened: dict[str, float] = {}

    def check(self, spec: TaskSpec) -> None:
        """All is well."""

    async def open(self, order: Order) -> Run:
        """A run that has ended."""
        self.opened[order.session] = perf_counter()
        return NothingRun()

    async def adopt(self, order: Order) -> Run | None:  # noqa: ARG002 - the port's signature
        """None is known."""
        return None


class StandingRun(NothingRun):
    """A run that begins and does nothing more."""

    async def observations(self) -> AsyncIterator[Observation]:
        yield Started(1)
        await anyio.sleep_forever()


class Standing(Nothing):
    """What it starts never ends, so that all that is handed in behind it stays in the queue."""

    async def open(self, order: Order) -> Run:
        self.opened[order.session] = perf_counter()
        return StandingRun()


class NoKeeper:
    """``ports.Keep`` and ``ports.Vitals`` where no process runs."""

    async def id(self) -> str:
        return "none"

    def at_hand(self) -> str | None:
        return "none"

    async def held(self) -> tuple[str, ...]:
        return ()

    async def drop(self, session: str) -> None:
        """Nothing is held."""

    async def forget(self, tasks: Collection[str]) -> None:
        """Nothing is kept of them."""

    async def look(self, sessions: int, counts: dict[str, int]) -> Health:
        daemon = Process(1, "0", 0.0, 0)
        return Health(daemon, None, "", "", "", "", sessions, counts)


class CountingStore(SqliteStore):
    """Counts what it is given and in how many transactions it wrote that."""

    changes = 0
    batches = 0
    #: Where the changes of every transaction go, in their order.
    keep: list[tuple[Change, ...]] | None = None

    def _written(self, changes: Sequence[Change]) -> None:
        if changes:
            self.changes += len(changes)
            self.batches += 1
            if self.keep is not None:
                self.keep.append(tuple(changes))
        super()._written(changes)


@asynccontextmanager
async def engine_of_nothing(
    folder: Path, slots: int, provider: Nothing | None = None
) -> AsyncIterator[tuple[Engine, CountingStore, Nothing]]:
    """An engine at work on a database in ``folder``; every task of it is a no-op."""
    provider, nobody = provider or Nothing(), NoKeeper()
    store = await CountingStore.open(folder / "inspan.db")
    clock = SystemClock()
    monitor = PerformanceMonitor(
        clock, Drawing(Keeping(folder / "keeper", folder), {"state": folder}), store
    )
    ports = Ports(
        store=store,
        providers={provider.name: provider},
        recordings=Recordings(folder, _no_client),
        workspaces=Workspaces(folder / "workspaces"),
        keep=nobody,
        vitals=nobody,
        monitor=monitor,
        memory=free_memory,
        forget=nobody.forget,
        clock=clock,
    )
    try:
        folders = Folders(sessions=folder, keys=folder, runtime=folder)
        code = CodePorts(
            store=store,
            provider=PythonProvider(folders, Keeping(folder / "keeper", folder), ports.clock),
            transcripts=MemoryTranscripts(),
            web=HttpWeb(),
            clock=ports.clock,
        )
        # Its tasks take none of it.
        rules = Rules(default_slots=slots, memory=MemoryRules(start=0))
        running = Engine(ports, code, rules).running()
        async with monitor.running(), running as engine:
            yield engine, store, provider
    finally:
        await store.close()


async def _no_client() -> Keeper:
    raise KeeperLost("no-op tasks have no keeper")
