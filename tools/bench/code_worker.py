"""Code sessions of ours by their host, straight to the worker, confined as by default."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from time import perf_counter

from inspan.keeper.client import KeeperClient
from inspan.kernel import protocol as p
from inspan.kernel.host.cell import Output
from inspan.kernel.host.confinement import Confinement
from inspan.kernel.host.launch import Order
from inspan.kernel.host.pool import Pool
from inspan.kernel.host.session import KernelSession
from tools.bench import code_zygotes
from tools.bench.processes import children
from tools.bench.pty_keeper import keeper


class Straight:
    """``code_sides.Session`` of a worker."""

    def __init__(self, session: KernelSession) -> None:
        self._session = session
        self.pid = session.pid

    async def run(self, code: str) -> None:
        end = await (await self._session.execute(code)).outcome()
        if not isinstance(end, p.Result):
            raise RuntimeError(f"{code!r} ended with {end}")  # noqa: TRY004 - it has the type that failing has

    async def printed(self, code: str) -> AsyncGenerator[bytes, None]:
        async for item in await self._session.execute(code):
            if isinstance(item, Output):
                yield item.data

    async def interrupted(self, code: str, into: float) -> float:
        cell = await self._session.execute(code)
        await asyncio.sleep(into)
        began = perf_counter()
        await self._session.interrupt(cell.execution_id)
        end = await cell.outcome()
        took = perf_counter() - began
        if isinstance(end, p.Result):
            raise RuntimeError(f"{code!r} ended before it was interrupted")  # noqa: TRY004 - as above
        return took

    async def close(self) -> None:
        await self._session.close()


class Workers:
    """``code_sides.Side`` over a keeper, without an engine."""

    def __init__(
        self, group: asyncio.TaskGroup, client: KeeperClient, folder: Path, runtime: Path
    ) -> None:
        self._group = group
        self._client = client
        self._folder = folder
        self._runtime = runtime
        self._numbers = count()
        self._guardians = children(client.pid)
        self._made: list[KernelSession] = []

    async def open(self, apart: int = 0) -> Straight:
        return Straight(await self._make(apart))

    async def settle(self, apart: int = 0) -> None:
        await code_zygotes.ready(self._client, apart)

    async def pooled(self, times: int) -> list[float]:
        found = []
        pool = Pool(1, self._make)
        pool.start(self._group)
        for _ in range(times):
            while not len(pool):  # noqa: ASYNC110 - a pool tells nobody that it is full
                await asyncio.sleep(0.001)
            began = perf_counter()
            taken = Straight(await pool.take())
            await taken.run("1+1")
            found.append(perf_counter() - began)
            await taken.close()
        await pool.close()
        return found

    @asynccontextmanager
    async def stocked(self, size: int) -> AsyncIterator[Callable[[], Awaitable[Straight]]]:
        pool = Pool(size, self._make)
        pool.start(self._group)
        while len(pool) < size:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)

        async def take() -> Straight:
            return Straight(await pool.take())

        yield take
        await pool.close()

    def helpers(self) -> dict[str, int]:
        sessions = [session.pid for session in self._made]
        return code_zygotes.helpers(self._client.pid, self._guardians, sessions)

    async def close(self) -> None:
        """End what is still open."""
        await asyncio.gather(*(session.close() for session in self._made))

    async def _make(self, apart: int = 0) -> KernelSession:
        name = f"code-{next(self._numbers)}"
        order = Order(
            session=name,
            folder=self._folder / name,
            runtime=self._runtime,
            cwd=self._folder,
            env=code_zygotes.environment(apart),
            confinement=Confinement(hidden=(self._folder, self._runtime), private=(Path.home(),)),
        )
        session = await KernelSession.open(self._group, self._client, order)
        self._made.append(session)
        return session


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Workers]:
    """Sessions that are still open at the end are closed."""
    with tempfile.TemporaryDirectory() as runtime:
        async with keeper(folder) as (client, _), asyncio.TaskGroup() as group:
            side = Workers(group, client, folder, Path(runtime))
            yield side
            await side.close()
