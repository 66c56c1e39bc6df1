"""Plays a recording at its own times through a look and the ladder: what it did, and when.

The engine asks the same parts in the same way, with the clock in the place of the recording.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf
from typing import Final

from inspan.model.activity import CALM, Activity, Doing, Reading, Source, Steady, judge, stale_at
from inspan.model.session import Ended, Output, Resized
from inspan.model.task import Needs
from inspan.terminal.announce import Announcement, Listener, Working
from inspan.terminal.look import Look
from inspan.terminal.playback import Moment, Playback, Typed
from inspan.terminal.rules import EVIDENCE_MOST, Rulebook
from inspan.terminal.sanitize import one_line
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
        self._steady = Steady()
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
        return min(self.look.due, stale_at(self._readings(), self.now), self._steady.due(self.now))

    def _step(self) -> Iterator[Activity]:
        before = self._steady.shown
        heard = judge(self._readings(), self.now, self._steady.heard)
        self._steady = self._steady.see(heard, self.now)
        shown = self._steady.shown
        if shown and (
            before is None or not before.same(shown) or before.flapping != shown.flapping
        ):
            yield shown

    def _readings(self) -> list[Reading]:
        return [item for item in (self._announced, self.look.reading) if item is not None]

    def _take(self, moment: Moment) -> Iterator[Activity]:
        what, before = moment.what, self._announced
        if isinstance(what, Output):
            self.look.feed(what.data, moment.at)
            for announcement in self._listener.feed(what.data):
                self._announced = announced(announcement, moment.at)
        elif isinstance(what, Resized):
            self.look.resize(what.cols, what.rows, moment.at)
        elif isinstance(what, Typed):
            self._steady = self._steady.excused()
            if b"\r" in what.data or b"\n" in what.data:
                self._announced = None  # a line that is typed is the answer
        if self._announced is not before:
            yield from self._step()


def announced(announcement: Announcement, at: float) -> Reading | None:
    """What a program announced, as a reading; ``None`` where it only ends one."""
    if isinstance(announcement, Working):
        return None
    needs = Needs(announcement.kind, announcement.question, announcement.options)
    evidence = one_line(announcement.question, EVIDENCE_MOST)
    return Reading(Doing.WAITING, Source.PROTOCOL, at, "announced", evidence, needs=needs)
