"""What an agent has used, summed from what it tells of each message and of each turn."""

from __future__ import annotations

from dataclasses import replace

from inspan.model.agent import Usage


class Tally:
    """One process: ended turns, and the messages of the one that goes on."""

    def __init__(self) -> None:
        self._ended = Usage()
        self._messages: dict[str, Usage] = {}

    @property
    def used(self) -> Usage:
        """All of it so far."""
        total = self._ended
        for usage in self._messages.values():
            total = total.plus(usage)
        return total

    def message(self, name: str, usage: Usage) -> bool:
        """A message tells what it used, each time that some of it comes; whether that is news."""
        before = self._messages.get(name)
        if usage == before or (before is None and not usage.read and not usage.written):
            return False
        self._messages[name] = replace(usage, turns=1)
        return replace(usage, turns=1) != before

    def turn(self, usage: Usage) -> None:
        """A turn has ended and tells what all of it used; its ``cost`` is that of the process.

        One that was broken off may tell less than its messages did: then those count.
        """
        total = replace(self._ended, cost=None).plus(usage)
        if total.read + total.written < self.used.read + self.used.written:
            total = self.used
        self._messages.clear()
        self._ended = replace(total, cost=usage.cost)
