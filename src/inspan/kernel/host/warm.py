"""Warm sessions for the length of a block, whatever opens them. It knows of no cell.

A session is opened and left in one task, as its block needs it; so each has a task that holds the
block open for as long as the session lives.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import anyio

from inspan.errors import BadInput, InspanError
from inspan.kernel.host.pool import Pool
from inspan.kernel.host.session import KernelSession

Opening = Callable[[], AbstractAsyncContextManager[KernelSession]]


class WarmSessions:
    """Sessions that are ready before anybody asks."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def __len__(self) -> int:
        """How many are ready."""
        return len(self._pool)

    @asynccontextmanager
    async def session(self) -> AsyncGenerator[KernelSession, None]:
        """One that nobody has used, at once where one is ready; it ends with the block.

        Raises what opening one raises.
        """
        session = await self._pool.take()
        try:
            yield session
        finally:
            with anyio.CancelScope(shield=True):
                await session.close()


@asynccontextmanager
async def warm(size: int, opening: Opening) -> AsyncGenerator[WarmSessions, None]:
    """``size`` sessions that are ready, and made again as they are taken. Raises BadInput."""
    if size < 1:
        raise BadInput("a pool of code sessions has at least one")
    trouble: Exception | None = None
    async with asyncio.TaskGroup() as group:
        holders: set[asyncio.Task[None]] = set()

        async def make() -> KernelSession:
            made: asyncio.Future[KernelSession] = asyncio.get_running_loop().create_future()
            holder = group.create_task(_hold(opening, made))
            holders.add(holder)
            holder.add_done_callback(holders.discard)
            return await made

        pool = Pool(size, make)
        pool.start(group)
        try:
            yield WarmSessions(pool)
        except Exception as error:  # noqa: BLE001 - raised below, as itself and in no group
            trouble = error
        finally:
            with anyio.CancelScope(shield=True):
                await pool.close()
            for holder in holders:
                holder.cancel()
    if trouble is not None:
        raise trouble


async def _hold(opening: Opening, made: asyncio.Future[KernelSession]) -> None:
    try:
        async with opening() as session:
            if not made.done():
                made.set_result(session)
                await session.over()
    except InspanError as error:
        if not made.done():
            made.set_exception(error)
