"""What the screens need of time, as a Protocol, so that a test can hold it."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """Time, as far as somebody at a screen notices it."""

    def now(self) -> float:
        """Seconds since the epoch, for what is shown."""
        ...

    def monotonic(self) -> float:
        """Seconds that never jump, for every limit."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait on the monotonic clock."""
        ...
