"""Whether one more task fits into the memory that is free, and how it is said that none does.

It is told what begins and ends, and asks what is free; it measures nothing and starts nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

from inspan.engine.ports import Clock
from inspan.model.agent import is_agent
from inspan.model.memory import MemoryRules

#: Bytes that a program could take now; ``None`` where the system does not tell.
Free = Callable[[], int | None]

#: Seconds for which a figure holds; so long it takes until one is looked at anew, where none fits.
LOOK: Final = 1.0
#: Seconds after which an agent has taken what it begins with.
BEGINS: Final = 30.0
_MB: Final = 1 << 20


class Memory:
    """The room of the machine."""

    def __init__(self, clock: Clock, free: Free, rules: MemoryRules) -> None:
        self._clock = clock
        self._free = free
        self._rules = rules
        self._seen: tuple[float, int | None] | None = None
        #: When agents began that may take more yet; at most those that run.
        self._begun: deque[float] = deque()
        self._lacks: int | None = None

    def anew(self) -> None:
        """Tasks are looked at again: it is not known whether any lacks memory."""
        self._lacks = None

    def has_room(self, provider: str) -> bool:
        """Whether one more task of it may start."""
        if not self._rules.keep:
            return True
        free = self._now_free()
        if free is None or free - self._wanted(provider) >= self._rules.keep:
            return True
        self._lacks = free
        return False

    def take(self, provider: str) -> None:
        """A task of it starts."""
        if self._wanted(provider):
            self._begun.append(self._clock.monotonic())

    def release(self, provider: str) -> None:
        """A task of it is over: what it has not taken it will not take. The oldest is meant."""
        if self._wanted(provider) and self._begun:
            self._begun.popleft()

    def next_look(self) -> float | None:
        """When there may be room again; monotonic seconds. ``None``: nothing waits for it."""
        return None if self._lacks is None else self._clock.monotonic() + LOOK

    def warnings(self) -> Iterator[str]:
        """A sentence, where tasks wait for memory."""
        if self._lacks is not None:
            yield (
                f"tasks wait for memory: {max(0, self._lacks) // _MB} MB are free, and"
                f" {self._rules.keep // _MB} MB stay so (`memory.keep` in the settings)"
            )

    def _wanted(self, provider: str) -> int:
        return self._rules.start if is_agent(provider) else 0

    def _now_free(self) -> int | None:
        """Without what those are about to take that have just begun."""
        now = self._clock.monotonic()
        if self._seen is None or now - self._seen[0] >= LOOK:
            self._seen = (now, self._free())
        while self._begun and now - self._begun[0] >= BEGINS:
            self._begun.popleft()
        free = self._seen[1]
        return None if free is None else free - len(self._begun) * self._rules.start
