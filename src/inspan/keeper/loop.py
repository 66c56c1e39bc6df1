"""The keeper's event loop: descriptors, timers, and one pass after each turn.

Blocking only in ``select``; it must never know what the descriptors are. It is not asyncio, for
its size in memory and its time to start.
"""

from __future__ import annotations

import heapq
import itertools
import selectors
import time
from collections.abc import Callable
from typing import Final

READ: Final = selectors.EVENT_READ
WRITE: Final = selectors.EVENT_WRITE

#: What comes soon comes within so many seconds.
_SOON: Final = 0.005

OnReady = Callable[[int], None]


class Timer:
    """A call at a time; ``cancel`` makes it never happen."""

    __slots__ = ("at", "call")

    def __init__(self, at: float, call: Callable[[], None]) -> None:
        self.at = at
        self.call: Callable[[], None] | None = call

    def cancel(self) -> None:
        """It will not be called; it leaves the heap when its time comes."""
        self.call = None


class Loop:
    """One thread, one selector."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._calls: dict[int, OnReady] = {}
        self._timers: list[tuple[float, int, Timer]] = []
        self._count = itertools.count()
        self._stopping = False
        self._most: float | None = None
        self._soon: list[Callable[[], None]] = []
        self._due: list[Callable[[], None]] = []

    def watch(self, fd: int, events: int, call: OnReady) -> None:
        """Call ``call(events)`` whenever ``fd`` is ready."""
        self._selector.register(fd, events, call)
        self._calls[fd] = call

    def change(self, fd: int, events: int) -> None:
        """Watch ``fd`` for other events."""
        self._selector.modify(fd, events, self._calls[fd])

    def forget(self, fd: int) -> None:
        """Watch ``fd`` no more; also right for one that is not watched."""
        if self._calls.pop(fd, None) is not None:
            self._selector.unregister(fd)

    def later(self, delay: float, call: Callable[[], None]) -> Timer:
        """Call once, ``delay`` seconds from now."""
        timer = Timer(time.monotonic() + delay, call)
        heapq.heappush(self._timers, (timer.at, next(self._count), timer))
        return timer

    def soon(self, call: Callable[[], None]) -> None:
        """Call once at the end of the next turn: what nobody waits for in this one."""
        self._soon.append(call)

    def hurry(self, most: float) -> None:
        """Let the next turn come within so many seconds, whatever happens."""
        self._most = most

    def stop(self) -> None:
        """Let ``run`` return after the present turn."""
        self._stopping = True

    def run(self, after_turn: Callable[[], None]) -> None:
        """Turn until stopped."""
        select, calls = self._selector.select, self._calls
        while not self._stopping:
            ready = select(self._patience())
            # Timers first: one that is set in this turn with no delay comes after the pass.
            if self._timers:
                self._fire()
            for key, events in ready:
                # An earlier call of this turn may have closed this descriptor, and its number may
                # already belong to another one.
                if calls.get(key.fd) is key.data:
                    key.data(events)
            after_turn()
            if self._soon or self._due:
                self._catch_up()

    def close(self) -> None:
        """Let go of the selector."""
        self._selector.close()

    def _catch_up(self) -> None:
        due, self._due, self._soon = self._due, self._soon, []
        for call in due:
            call()
        if self._due:
            self.hurry(_SOON)

    def _patience(self) -> float | None:
        while self._timers and self._timers[0][2].call is None:
            heapq.heappop(self._timers)
        most, self._most = self._most, None
        if not self._timers:
            return most
        patience = max(0.0, self._timers[0][0] - time.monotonic())
        return patience if most is None else min(patience, most)

    def _fire(self) -> None:
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            call = heapq.heappop(self._timers)[2].call
            if call is not None:
                call()
