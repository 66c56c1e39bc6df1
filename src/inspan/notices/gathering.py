"""What is to be told to one target, gathered for a moment: one thing for each task, and so many.

It is bounded: of more tasks than it holds the oldest are only counted. Pure but for its memory.
"""

from __future__ import annotations

from typing import Final

from inspan.model.event import Event
from inspan.model.notice import NoticeKind, Target
from inspan.notices.finding import kind_of, moves_on

#: Tasks that are held for one target, and questions that are remembered as told.
HELD: Final = 500
REMEMBERED: Final = 2000


class Gathering:
    """For one target. What a task did last is what is told of it."""

    def __init__(self, target: Target, since: int = 0) -> None:
        self.target: Final = target
        #: Events up to here are none of its business: they were told, or were not to be.
        self.since = since
        self._held: dict[str, tuple[NoticeKind, Event]] = {}
        #: Tasks that did not fit.
        self._more = 0
        #: What was asked in the questions that were told, by task.
        self._told: dict[str, tuple[str, ...]] = {}

    def __bool__(self) -> bool:
        """Whether there is something to tell."""
        return bool(self._held)

    def hear(self, event: Event) -> bool:
        """Take note; whether there is now something to tell that was not there."""
        if event.seq <= self.since:
            return False
        if moves_on(event.fact):
            self._held.pop(event.task, None)
            self._told.pop(event.task, None)
        kind = kind_of(event.fact)
        if kind is None or kind not in self.target.kinds:
            return False
        self._held.pop(event.task, None)
        self._held[event.task] = kind, event
        if len(self._held) > HELD:
            del self._held[next(iter(self._held))]
            self._more += 1
        return True

    def take(self) -> tuple[tuple[tuple[NoticeKind, Event], ...], int]:
        """All that is held, oldest first, and how many tasks did not fit; it is empty then."""
        taken, self._held = tuple(self._held.values()), {}
        more, self._more = self._more, 0
        return taken, more

    def is_new(self, asked: tuple[str, ...]) -> bool:
        """Whether that question was not told yet; from now on it was."""
        if not asked:
            return True
        known = self._told.pop(asked[0], None)
        self._told[asked[0]] = asked
        if len(self._told) > REMEMBERED:
            del self._told[next(iter(self._told))]
        return known != asked
