"""How long a program has had time to do something: seconds of its own, and not those of the wall.

On a busy machine it may stand in line for most of a minute, and so may whoever looks at it. It
knows no terminal and no agent; whoever has one tells whether its processes have anything to do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from inspan.engine.ports import Clock

#: Of a second in which it runs, or stands in line, so much is its own: something in it may run for
#: ever, and has nothing to do with what is waited for.
BUSY: Final = 0.1
#: Seconds between two looks that count, and for which one counts at most: nobody looked meanwhile.
LOOK: Final = 0.1
_MOST: Final = 0.5


class Leisure:
    """Of one program, from now on. It counts while somebody looks."""

    def __init__(self, clock: Clock, own: Callable[[], float], seconds: float = 0.0) -> None:
        """``own``: how much of its time is its own now: all of it where it has nothing to do.

        ``seconds``: what it has had before.
        """
        self._clock = clock
        self._own = own
        self._looked = clock.monotonic()
        self.seconds = seconds

    @property
    def due(self) -> float:
        """When to look again."""
        return self._looked + LOOK

    def look(self) -> float:
        """The seconds that it has had by now."""
        now = self._clock.monotonic()
        if now >= self.due:
            passed, self._looked = now - self._looked, now
            self.seconds += min(passed, _MOST) * self._own()
        return self.seconds
