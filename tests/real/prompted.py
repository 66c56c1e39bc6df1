"""A run that takes prompts, followed by a test: all that it told, and a wait for what it tells."""

from __future__ import annotations

from collections.abc import Callable

import anyio

from inspan.engine.ports import Does, Observation, Reached, Run
from inspan.engine.prompting import TakesPrompts
from inspan.model.activity import Doing
from inspan.model.receipt import Arrival


class Seen:
    """A run, and what it tells."""

    def __init__(self, run: Run) -> None:
        assert isinstance(run, TakesPrompts)
        self.run = run
        self.all: list[Observation] = []
        self._news = anyio.Event()

    async def keep(self, run: Run) -> None:
        async for seen in run.observations():
            self.all.append(seen)
            self._news.set()
            self._news = anyio.Event()

    async def until(self, found: Callable[[], bool]) -> None:
        with anyio.fail_after(30):
            while not found():
                await self._news.wait()

    def idle(self) -> bool:
        does = [one.activity.doing for one in self.all if isinstance(one, Does)]
        return does[-1:] == [Doing.IDLE]

    def reached(self, key: str) -> list[Arrival]:
        return [one.arrival for one in self.all if isinstance(one, Reached) and one.key == key]

    def works(self) -> bool:
        """Whether that was told last of what it does."""
        does = [one.activity.doing for one in self.all if isinstance(one, Does)]
        return does[-1:] == [Doing.WORKING]
