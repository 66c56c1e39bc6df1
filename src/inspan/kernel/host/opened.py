"""A session for the length of a block, with the tasks that it needs. It knows of no cell."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio

from inspan.keeper.client import KeeperClient
from inspan.kernel.host import launch
from inspan.kernel.host.answers import Answer, Answers
from inspan.kernel.host.session import START, KernelSession, Watching


@asynccontextmanager
async def opened(
    keeper: KeeperClient,
    order: launch.Order,
    *,
    answer: Answer | None = None,
    within: float = START,
) -> AsyncGenerator[KernelSession, None]:
    """A session for the length of a block. Raises what ``KernelSession.open`` does.

    ``answer`` is called for what its code asks; without it that is refused.
    """
    trouble: Exception | None = None
    async with asyncio.TaskGroup() as group:
        answers = Answers(group, answer)
        watching = Watching(asked=answers.heard)
        try:
            session = answers.session = await KernelSession.open(
                group, keeper, order, within=within, watching=watching
            )
            try:
                yield session
            finally:
                with anyio.CancelScope(shield=True):
                    await session.close()
                answers.close()
        except Exception as error:  # noqa: BLE001 - raised below, as itself and in no group
            trouble = error
    if trouble is not None:
        raise trouble
