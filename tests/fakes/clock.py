"""A clock that a test holds in its hand."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import count

import anyio
import anyio.lowlevel


class FakeClock:
    """``ports.Clock``: time moves only by ``advance``, and chance is what the test says."""

    def __init__(
        self,
        now: float = 1_700_000_000.0,
        rest: Callable[[], Awaitable[None]] = anyio.wait_all_tasks_blocked,
    ) -> None:
        self._rest = rest
        self._now = now
        self._monotonic = 1000.0
        self._sleepers: list[tuple[float, anyio.Event]] = []
        self._drawn = count(1)
        self.luck = 0.0

    def now(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    @property
    def sleepers(self) -> int:
        """How many wait for time to pass."""
        return len(self._sleepers)

    def jump(self, seconds: float) -> None:
        """The wall clock is set; what is monotonic does not move."""
        self._now += seconds

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await anyio.lowlevel.checkpoint()
            return
        woken = anyio.Event()
        self._sleepers.append((self._monotonic + seconds, woken))
        await woken.wait()

    async def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass, waking who is due in the order in which they are due."""
        await self._rest()
        until = self._monotonic + seconds
        while due := sorted(
            (one for one in self._sleepers if one[0] <= until), key=lambda one: one[0]
        ):
            at, woken = due[0]
            self._sleepers.remove(due[0])
            self._pass(max(0.0, at - self._monotonic))
            woken.set()
            await self._rest()
        self._pass(until - self._monotonic)
        await self._rest()

    def _pass(self, seconds: float) -> None:
        self._monotonic += seconds
        self._now += seconds

    def entropy(self, size: int) -> bytes:
        return next(self._drawn).to_bytes(size, "big")

    def chance(self) -> float:
        return self.luck
