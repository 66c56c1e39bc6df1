"""A session for the length of a block, with the tasks that it needs. It knows of no cell."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio

from inspan.keeper.client import KeeperClient
from inspan.kernel.host import launch
from inspan.kernel.host.session import START, KernelSession


@asynccontextmanager
async def opened(
    keeper: KeeperClient, order: launch.Order, *, within: float = START
) -> AsyncGenerator[KernelSession, None]:
    """A session for the length of a block. Raises what ``KernelSession.open`` does."""
    trouble: Exception | None = None
    async with asyncio.TaskGroup() as group:
        try:
            session = await KernelSession.open(group, keeper, order, within=within)
            try:
                yield session
            finally:
                with anyio.CancelScope(shield=True):
                    await session.close()
        except Exception as error:  # noqa: BLE001 - raised below, as itself and in no group
            trouble = error
    if trouble is not None:
        raise trouble
