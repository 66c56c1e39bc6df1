"""When the host is told that the worker lives: often while it works, seldom while it rests.

A session at rest would spend nothing but this, and hundreds of them may rest at a time. It knows
neither what is told nor to whom.
"""

from __future__ import annotations

from typing import Final

#: Seconds between two signs of life.
BEAT: Final = 5.0
#: The same while nothing happens; the first comes after BEAT all the same.
REST: Final = 300.0


class Pulse:
    """Of the time of ``time.monotonic``."""

    def __init__(self) -> None:
        #: When it is to be looked at again.
        self.due = 0.0

    def begin(self, now: float) -> None:
        """A host has come."""
        self.due = now + BEAT

    def beats(self, now: float, *, rests: bool) -> bool:
        """Whether it is time; ``rests`` says that nothing happens."""
        if not rests:
            self.due = min(self.due, now + BEAT)
        if now < self.due:
            return False
        self.due = now + (REST if rests else BEAT)
        return True
