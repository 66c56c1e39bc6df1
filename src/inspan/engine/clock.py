"""The real clock and the real dice; the only place of the engine that reads either."""

from __future__ import annotations

import os
import random
import time

import anyio


class SystemClock:
    """``ports.Clock`` on this machine."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(max(0.0, seconds))

    def entropy(self, size: int) -> bytes:
        return os.urandom(size)

    def chance(self) -> float:
        return random.random()  # noqa: S311 - jitter is no secret
