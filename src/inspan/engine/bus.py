"""The bus: committed events to everyone who watches. It never knows what an event means.

A subscriber holds nothing but the last ``seq`` it saw. It reads from a ring of recent events and,
when it has been slower than the ring, from the store: so a slow one costs no memory, misses
nothing, and delays nobody.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Final

from inspan.control import EventQuery
from inspan.model.event import Event

#: Events kept in memory. When it is full the oldest goes; the store still has it.
RING: Final = 4096
_PAGE: Final = 500

History = Callable[[EventQuery], Awaitable[tuple[Event, ...]]]


class Bus:
    """Publishes what was stored, in the order in which it was stored."""

    def __init__(self, history: History, head: int = 0) -> None:
        self._history = history
        self._ring: deque[Event] = deque(maxlen=RING)
        #: The newest sequence number published, and the newest that the ring no longer has.
        self.head = head
        self._floor = head
        self._news = asyncio.Event()

    def publish(self, events: Sequence[Event]) -> None:
        """Hand on ``events``, which are committed; wakes every subscriber."""
        if not events:
            return
        self._ring.extend(events)
        self.head = events[-1].seq
        if len(self._ring) == RING:
            self._floor = self._ring[0].seq - 1
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def follow(
        self, since: int | None, task: str | None = None
    ) -> AsyncGenerator[Event, None]:
        """Events after ``since`` (``None``: from now on), of one task or of all."""
        seen = self.head if since is None else since
        while True:
            news, head = self._news, self.head
            batch = await self._after(seen, task)
            for event in batch:
                seen = event.seq
                yield event
            if not batch:
                seen = max(seen, head)
                if self.head == head:
                    await news.wait()

    async def _after(self, seen: int, task: str | None) -> Sequence[Event]:
        if seen < self._floor:
            return await self._history(EventQuery(since=seen, task=task, limit=_PAGE))
        newer = []
        for event in reversed(self._ring):
            if event.seq <= seen:
                break
            if task is None or event.task == task:
                newer.append(event)
        newer.reverse()
        return newer
