"""Plays a recording at its own times through a look and the ladder: what it did, and when.

The engine asks the same parts in the same way, with the clock in the place of the recording.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf
from typing import Final

from inspan.model.activity import CALM, Activity, Reading
from inspan.model.session import Ended, Output, Resized
from inspan.model.task import Needs
from inspan.terminal.announce import Listener, Waiting
from inspan.terminal.discern import Discern, announced
from inspan.terminal.look import Look
from inspan.terminal.playback import Moment, Playback, Typed
from inspan.terminal.rules import Rulebook
from inspan.terminal.screen import Backend

#: What a recording without a size was drawn on.
COLUMNS, ROWS = 80, 24
#: Seconds after the last moment of a recording that has no end for which what is due is awaited.
AFTER: Final = CALM + 1.0


class Replay:
    """One recording under one set of rules.

    ``look`` shows the screen as far as it was played, which is up to ``now``.
    """

    def __init__(self, playback: Playback, books: Sequence[Rulebook], backend: Backend) -> None:
        self.look = Look(books, backend, COLUMNS, ROWS)
        self._playback = playback
        self._listener = Listener()
        self._announced: Reading | None = None
        self._discern = Discern()
        self.now = -inf

    def activities(self) -> Iterator[Activity]:
        """Each activity that is new, in order; ``since`` is in seconds since the epoch.

        What it was told by is of the moment at which it began. Raises SessionNotFound.
        """
        for moment in self._playback.timeline():
            yield from self._until(moment.at)
            if isinstance(moment.what, Ended):
                return
            yield from self._take(moment)
        yield from self._until(self.now + AFTER)

    def _until(self, at: float) -> Iterator[Activity]:
        """What changes before ``at`` without any news."""
        while (due := self._due()) < at:
            self.now = max(due, self.now)
            if self.look.due <= self.now:
                self.look.look(self.now)
            yield from self._step()
        self.now = max(at, self.now)

    def _due(self) -> float:
        return min(self.look.due, self._discern.due(self._readings(), self.now))

    def _step(self) -> Iterator[Activity]:
        if (new := self._discern.step(self._readings(), self.now)) is not None:
            yield new

    def _readings(self) -> list[Reading]:
        announced = [] if self._announced is None else [self._announced]
        return [*announced, *self.look.readings]

    def _take(self, moment: Moment) -> Iterator[Activity]:
        what, before = moment.what, self._told()
        if isinstance(what, Output):
            self.look.feed(what.data, moment.at)
            for heard in self._listener.feed(what.data):
                self._announced = None
                if isinstance(heard, Waiting):
                    needs = Needs(heard.kind, heard.question, heard.options)
                    self._announced = announced(needs, moment.at)
        elif isinstance(what, Resized):
            self._discern.resized(moment.at)
            self.look.resize(what.cols, what.rows, moment.at)
        elif isinstance(what, Typed):
            self._discern.typed()
            self.look.typed(moment.at, what.data)
            if b"\r" in what.data or b"\n" in what.data:
                self._announced = None  # a line that is typed is the answer
        if self._told() != before:
            yield from self._step()

    def _told(self) -> tuple[Reading | None, int]:
        """What is news though nothing is drawn."""
        return self._announced, self.look.screen.marks.hooks
