"""What cannot be stored or started for now, and why: told by health, and tried again.

It counts tasks and keeps words. What hinders is found out by whoever tries.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inspan.engine.ports import Clock
from inspan.errors import InspanError

#: Seconds between two tries, doubling to the second figure.
AGAIN: Final = (0.5, 30.0)


class Hindrances:
    """The tasks that cannot go on, and the last write that was refused."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tasks: dict[str, InspanError] = {}
        self._refused: tuple[float, InspanError] | None = None

    def hinder(self, task: str, error: InspanError) -> None:
        """``task`` cannot go on for now."""
        self._tasks[task] = error

    def free(self, task: str) -> None:
        """``task`` goes on."""
        self._tasks.pop(task, None)

    def refused(self, error: InspanError) -> None:
        """The store refused a write."""
        self._refused = (self._clock.monotonic(), error)

    def accepted(self) -> None:
        """The store takes writes."""
        self._refused = None

    def warnings(self) -> Iterator[str]:
        """A sentence for each kind."""
        if self._refused is not None:
            at, error = self._refused
            ago = max(0.0, self._clock.monotonic() - at)
            yield f"the store refused the last write, {ago:.0f} s ago: {error.message}"
        if self._tasks:
            number, last = len(self._tasks), next(reversed(self._tasks.values()))
            what = "1 task cannot go on" if number == 1 else f"{number} tasks cannot go on"
            yield f"{what} for now, and nothing of it is lost: {last.message}"
