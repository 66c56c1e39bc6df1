"""Turns: of those who want to change one thing, one at a time; it never knows what the thing is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turns:
    """A turn for each name; those of different names do not meet."""

    def __init__(self) -> None:
        #: The names whose turn is taken, each with what wakes those who want to be next.
        self._taken: dict[str, asyncio.Event | None] = {}

    @asynccontextmanager
    async def of(self, name: str) -> AsyncIterator[None]:
        """The turn of ``name``, once it is free."""
        while name in self._taken:
            free = self._taken[name] = self._taken[name] or asyncio.Event()
            await free.wait()
        self._taken[name] = None
        try:
            yield
        finally:
            waited_for = self._taken.pop(name)
            if waited_for is not None:
                waited_for.set()
