"""The real clock and the real dice; the only place of the engine that reads either."""

from __future__ import annotations

import os
import random
import time
from typing import Final

import anyio

#: Randomness is drawn from the system in pieces of this size: a call for each id costs 15 µs.
_DRAWN: Final = 4096


class SystemClock:
    """``ports.Clock`` on this machine."""

    def __init__(self) -> None:
        self._entropy = b""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(max(0.0, seconds))

    def entropy(self, size: int) -> bytes:
        if len(self._entropy) < size:
            self._entropy = os.urandom(max(size, _DRAWN))
        drawn, self._entropy = self._entropy[:size], self._entropy[size:]
        return drawn

    def chance(self) -> float:
        return random.random()  # noqa: S311 - jitter is no secret
