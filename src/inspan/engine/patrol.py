"""The patrol: one watchman for all attempts. It looks when the next patience may run out.

One sleeping task instead of one per attempt: ten thousand attempts cost a heap entry each. Such an
entry stays until its time has come, but does not keep alive what nobody else has any more.
"""

from __future__ import annotations

import asyncio
from heapq import heappop, heappush
from itertools import count
from typing import Protocol
from weakref import ref

import anyio

from inspan.engine.ports import Clock


class Watched(Protocol):
    """What the patrol looks at."""

    def look(self) -> float | None:
        """Do what is due; when to look again (monotonic seconds), or never."""
        ...


class Patrol:
    """Calls ``look`` of each watched thing when it asked to be looked at."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rounds: list[tuple[float, int, ref[Watched]]] = []
        self._order = count()
        self._sooner = asyncio.Event()

    def add(self, watched: Watched) -> None:
        """Look at it now, and as often as it asks."""
        again = watched.look()
        if again is None:
            return
        if not self._rounds or again < self._rounds[0][0]:
            self._sooner.set()
        heappush(self._rounds, (again, next(self._order), ref(watched)))

    async def walk(self) -> None:
        """Go round until cancelled."""
        while True:
            self._sooner = asyncio.Event()
            now = self._clock.monotonic()
            while self._rounds and self._rounds[0][0] <= now:
                watched = heappop(self._rounds)[2]()
                if watched is not None:
                    self.add(watched)
            if not self._sooner.is_set():
                next_at = self._rounds[0][0] if self._rounds else None
                await until(self._sooner, self._clock, next_at)


async def until(event: asyncio.Event, clock: Clock, at: float | None) -> bool:
    """Wait for ``event``, at most until ``at`` (monotonic seconds); whether it happened."""
    if at is None:
        await event.wait()
        return True
    async with anyio.create_task_group() as race:

        async def give_up() -> None:
            await clock.sleep(at - clock.monotonic())
            race.cancel_scope.cancel()

        race.start_soon(give_up)
        await event.wait()
        race.cancel_scope.cancel()
    return event.is_set()
