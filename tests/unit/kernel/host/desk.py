"""Sessions over scripted workers, and over real ones, as code."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

from inspan.keeper.client import KeeperClient
from inspan.kernel import protocol as p
from inspan.kernel.host.cell import Cell, Item
from inspan.kernel.host.former import Former
from inspan.kernel.host.launch import Order
from inspan.kernel.host.opened import opened
from inspan.kernel.host.session import KernelSession, Watching
from tests.fakes.kernel import ScriptedWorker

PATIENCE = 30.0


@asynccontextmanager
async def joined(
    worker: ScriptedWorker,
    *,
    adopts: bool = False,
    watching: Watching | None = None,
    cap: int = 1 << 30,
) -> AsyncIterator[KernelSession]:
    """A session over this worker, over when the block is left."""
    session = KernelSession("s", worker.folder, watching or Watching(), cap=cap)
    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
        await session.join(group, worker.process, worker.card, former=Former() if adopts else None)
        try:
            yield session
        finally:
            worker.process.end(code=0)
            await session.close()


async def items(cell: Cell) -> list[Item]:
    """Everything that it sends."""
    return [item async for item in cell]


def order(home: Path, session: str) -> Order:
    """A session in a folder of its own."""
    env = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    folder = home / "recordings" / session
    return Order(session=session, folder=folder, runtime=home / "run", cwd=home, env=env)


@asynccontextmanager
async def session(
    client: KeeperClient, home: Path, name: str = "one"
) -> AsyncIterator[KernelSession]:
    async with asyncio.timeout(PATIENCE), opened(client, order(home, name)) as session:
        yield session


async def dead(client: KeeperClient, name: str) -> None:
    """Return once the keeper knows that it has ended."""
    async with asyncio.timeout(PATIENCE), aclosing(client.watch(name)) as watch:
        async for _ in watch:
            continue


async def value(session: KernelSession, code: str) -> object:
    """The value of one cell."""
    end = await (await session.execute(code)).outcome()
    assert isinstance(end, p.Result), end
    return end.value
