"""The real clock and the real dice; the one place that reads either for whoever has a ``Clock``.

It knows nobody: each room says by a Protocol of its own what it needs of time.
"""

from __future__ import annotations

import os
import time
from typing import Final

#: Randomness is drawn from the system in pieces of this size: a call for each id costs 15 µs.
_DRAWN: Final = 4096
#: Bytes of a number from [0, 1): as many bits as a float tells apart.
_CHANCE: Final = 6


class SystemClock:
    """``ports.Clock``, and those of the client and the screens, on this machine."""

    def __init__(self) -> None:
        self._entropy = b""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        import anyio  # noqa: PLC0415 - a command that blocks does without

        await anyio.sleep(max(0.0, seconds))

    def pause(self, seconds: float) -> None:
        """``sleep``, for a thread."""
        time.sleep(max(0.0, seconds))

    def entropy(self, size: int) -> bytes:
        if len(self._entropy) < size:
            self._entropy = os.urandom(max(size, _DRAWN))
        drawn, self._entropy = self._entropy[:size], self._entropy[size:]
        return drawn

    def chance(self) -> float:
        return int.from_bytes(self.entropy(_CHANCE)) / (1 << 8 * _CHANCE)
