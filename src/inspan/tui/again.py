"""When a screen tries again what was lost: soon, and then less and less often; the one way of all.

The streams of the library have their own (``client.rejoin``), which gives up and says so: a screen
never does, as somebody sits before it. It knows neither what was lost nor who looks for it.
"""

from __future__ import annotations

from typing import Final

from inspan.tui.clock import Clock

#: Seconds until the first try, and at most until any other.
FIRST, LAST = 0.25, 5.0
_SLOWER: Final = 2


class Again:
    """The tries of one that goes on for ever."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._next = FIRST

    def well(self) -> None:
        """It stands, or something came: what is lost from now on is another loss."""
        self._next = FIRST

    async def pause(self) -> None:
        """Until the next try is due."""
        pause, self._next = self._next, min(LAST, _SLOWER * self._next)
        await self._clock.sleep(pause)
