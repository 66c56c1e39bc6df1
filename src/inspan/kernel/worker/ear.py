"""Who hears the host: the main thread while its loop rests, so that a cell costs no second thread.

Where the main thread works for longer, whatever it does, the link's thread hears in its place. It
finds that out by looking every TICK; while nothing happens it does not look, and is rung when the
main thread begins to work again. Neither knows what is said.
"""

from __future__ import annotations

import selectors
import time
from collections.abc import Callable
from typing import Final

#: Seconds that the main thread works before the link's thread hears in its place.
TICK: Final = 0.005

_Ready = list[tuple[selectors.SelectorKey, int]]


class Ear(selectors.DefaultSelector):
    """The selector of the session's loop.

    ``attend`` and ``forget`` are called from another thread, which epoll and kqueue allow.
    """

    def __init__(self) -> None:
        super().__init__()
        #: The main thread waits in ``select`` now.
        self.resting = False
        #: How often it has left.
        self.turns = 0
        #: Somebody looks how long it stays away. If nobody does, ``ring`` is called as it leaves.
        self.watched = True
        self.ring: Callable[[], None] = lambda: None
        self._hear: Callable[[], None] = lambda: None
        self._host = -1

    def attend(self, descriptor: int, hear: Callable[[], None]) -> None:
        """Call ``hear`` in ``select``, before anything else, when the host has said something."""
        self._hear = hear
        self._host = descriptor
        self.register(descriptor, selectors.EVENT_READ)

    def forget(self) -> None:
        """The host is gone; its descriptor is still open."""
        former, self._host = self._host, -1
        if former >= 0:
            self.unregister(former)

    def select(self, timeout: float | None = None) -> _Ready:
        self.resting = True
        try:
            ready = super().select(timeout)
        finally:
            self.resting = False
            self.turns += 1
        if not self.watched:
            self.watched = True
            self.ring()
        for place, (key, _) in enumerate(ready):
            if key.fd == self._host:
                del ready[place]
                self._hear()
                break
        return ready


class StandIn:
    """Knows on the link's thread whether that has to hear."""

    def __init__(self, ear: Ear) -> None:
        self._ear = ear
        self.hears = True
        self._turns = 0
        self._due = 0.0

    def look(self) -> None:
        """Hear in the place of a main thread that works; leave it to one that rests."""
        ear, now = self._ear, time.monotonic()
        turns, resting, due = ear.turns, ear.resting, now >= self._due
        moved = turns != self._turns
        if resting:
            if due and not moved and not self.hears:
                ear.watched = False
                # It may have left just now, and seen that somebody looks.
                ear.watched = not ear.resting or ear.turns != turns
            self.hears = False
        elif due and not moved:
            self.hears = True
        if due or moved:
            self._turns, self._due = turns, now + TICK

    def until(self, latest: float) -> float:
        """When to look again, ``latest`` at the latest, of ``time.monotonic``."""
        return min(latest, self._due) if self._ear.watched and not self.hears else latest
