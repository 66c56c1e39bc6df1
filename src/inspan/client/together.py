"""Tasks that many callers hand in side by side, each waiting for its own, in few requests.

While one request is under way, what else is handed in waits and then goes as the next: so a store
commits in groups, and a caller that is alone notices nothing. Of several that were refused
together each is asked alone, so that nobody hears of another's mistake. It knows what is asked,
and nothing of connections.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from inspan.client import calls
from inspan.errors import InspanError, Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inspan.client.asynclink import Connections, Errand
    from inspan.model.task import Task, TaskSpec

#: The most that go together; whatever is more waits for the request after.
TASKS_MOST: Final = 256
BYTES_MOST: Final = 1 << 20


class Together:
    """Hands tasks in. Nothing is under way unless somebody waits for it."""

    def __init__(self, connections: Connections, *, base: bool) -> None:
        self._connections = connections
        self._base = base
        #: Held by whoever carries; those of one load wait for it side by side, oldest first.
        self._way = asyncio.Lock()
        #: What may still be added to.
        self._next: _Load | None = None

    async def submit(self, spec: TaskSpec) -> Task:
        """The task that was made. Raises what the daemon says of it, or DaemonUnreachable."""
        if any(ref.startswith("@") for ref in spec.after):
            return await self._alone(spec)  # it means a place in its own submission
        item = _Item(spec, calls.written(spec))
        load = self._load(item)
        try:
            async with self._way:
                if load.told is None:
                    await self._carry(load)
        finally:
            load.leave(item)
        if isinstance(load.told, Refused) and len(load.items) > 1:
            return await self._alone(spec)
        return load.task(item)

    async def _alone(self, spec: TaskSpec) -> Task:
        return await self._connections.ask(calls.submit(spec, None, base=self._base))

    def _load(self, item: _Item) -> _Load:
        load = self._next
        if load is None or not load.fits(item):
            load = self._next = _Load()
        load.add(item)
        return load

    async def _carry(self, load: _Load) -> None:
        """Ask for it; or go on with that where whoever asked has left."""
        if self._next is load:
            self._next = None
        if load.errand is None:
            load.errand = self._connections.errand(load.depart(base=self._base))
        try:
            load.told = await load.errand.run()
        except InspanError as error:
            load.told = error


class _Item:
    """One task that is handed in."""

    __slots__ = ("body", "place", "spec")

    def __init__(self, spec: TaskSpec, body: bytes) -> None:
        self.spec = spec
        self.body = body
        self.place = 0


class _Load:
    """What goes in one request, and how many wait for it."""

    def __init__(self) -> None:
        self.items: list[_Item] = []
        self.errand: Errand[Sequence[Task]] | None = None
        self.told: Sequence[Task] | InspanError | None = None
        self._size = 0
        self._waiting = 0

    def fits(self, item: _Item) -> bool:
        return len(self.items) < TASKS_MOST and self._size + len(item.body) <= BYTES_MOST

    def add(self, item: _Item) -> None:
        self.items.append(item)
        self._size += len(item.body)
        self._waiting += 1

    def depart(self, *, base: bool) -> calls.Call[Sequence[Task]]:
        for place, item in enumerate(self.items):
            item.place = place
        specs = [item.spec for item in self.items]
        return calls.submit_written(specs, [item.body for item in self.items], base=base)

    def leave(self, item: _Item) -> None:
        """One waits no longer. What has not gone stays here; what nobody waits for is let go of."""
        self._waiting -= 1
        if self.errand is None:
            self.items.remove(item)
            self._size -= len(item.body)
        elif not self._waiting and self.told is None:
            self.errand.abandon()

    def task(self, item: _Item) -> Task:
        assert self.told is not None
        if isinstance(self.told, InspanError):
            # One for each who waits: what is raised twice tells of two places.
            raise type(self.told)(self.told.message, hint=self.told.hint) from self.told
        return self.told[item.place]
