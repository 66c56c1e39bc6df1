"""When a screen is worth a look: not in the middle of a frame, and not for every one of them.

A frame that is drawn in several writes is read wrong between them. So a look waits until nothing
came for 16 ms, at most 48 ms (the rule of agentapi), and while a program has a synchronised frame
open (mode 2026) until that is complete. An animation is a row of such frames: between two looks
there is a pause. After a new size a program clears and draws all of it anew, for which it is given
more time: what stood there has not gone. Times are seconds; nothing here reads a clock.
"""

from __future__ import annotations

from math import inf
from typing import Final

from inspan.model.value import replaced, value

#: Seconds without output after which a frame is taken for complete.
QUIET: Final = 0.016
#: Seconds after its first output at which it is looked at, complete or not.
LATEST: Final = 0.048
#: Seconds for which a synchronised frame is waited for. A program that died in one never ends it.
FRAME_MOST: Final = 1.0
#: Seconds for which a program draws itself anew after a new size.
REDRAWN: Final = 0.3
#: Seconds between two looks, so that a hundred spinners do not cost a processor.
PAUSE: Final = 0.2


@value(frozen=True)
class Unsettled:
    """What came since the last look: the first of it, the last of it, and an open frame."""

    first: float = inf
    last: float = -inf
    #: When the frame that is open was begun; infinite for none.
    frame: float = inf
    looked: float = -inf
    sized: float = -inf

    def resized(self, at: float) -> Unsettled:
        """It has a new size since ``at``."""
        return replaced(self, sized=at)

    def drawn(self, at: float, *, frame: bool, begun: bool) -> Unsettled:
        """Something was drawn at ``at``; ``frame``: one is open after it, ``begun``: with it."""
        opened = inf if not frame else at if begun or self.frame == inf else self.frame
        return replaced(self, first=min(self.first, at), last=at, frame=opened)

    def due(self) -> float:
        """When to look; infinite where nothing came, and past where a frame was waited for."""
        if self.first == inf:
            return inf
        settled = min(self.last + QUIET, self.first + LATEST)
        if self.frame != inf:
            # Of the first output too: frames that follow without a break would never be seen.
            settled = max(settled, min(self.frame, self.first) + FRAME_MOST)
        return max(settled, self.looked + PAUSE, self.sized + REDRAWN)

    def seen(self, at: float) -> Unsettled:
        """It was looked at."""
        return Unsettled(frame=self.frame, looked=at)
