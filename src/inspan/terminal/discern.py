"""From what the sources of one session say to what it is shown to do: the ladder, held steady.

It reads no clock and looks at nothing: whoever has the readings says what they are, and when.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from inspan.model.activity import Activity, Doing, Reading, Source, Steady, judge, stale_at
from inspan.model.task import Needs
from inspan.terminal.rules import EVIDENCE_MOST
from inspan.terminal.sanitize import one_line

#: So many seconds after it has a new size a program may still draw itself anew.
REDRAWS: Final = 1.0


class Discern:
    """What one session is shown to do; ``shown`` is nothing before the first ``step``."""

    def __init__(self) -> None:
        self._steady = Steady()

    @property
    def shown(self) -> Activity | None:
        """What it does, as far as ``step`` was told."""
        return self._steady.shown

    def step(self, readings: Sequence[Reading], now: float) -> Activity | None:
        """What it does at ``now``, where that is new."""
        before = self._steady.shown
        heard = judge(readings, now, self._steady.heard)
        self._steady = self._steady.see(heard, now)
        shown = self._steady.shown
        known = before and shown and before.same(shown) and before.flapping == shown.flapping
        return None if known else shown

    def due(self, readings: Sequence[Reading], now: float) -> float:
        """When to ``step`` again without any news; infinite where only news can change it."""
        return min(stale_at(readings, now), self._steady.due(now))

    def typed(self) -> None:
        """Somebody typed: what it does now is no flapping."""
        self._steady = self._steady.excused()

    def resized(self, at: float) -> None:
        """Somebody gave it a new size: nor is what it draws anew for that."""
        self._steady = self._steady.excused(at + REDRAWS)


def announced(needs: Needs, at: float) -> Reading:
    """What a program announced at ``at``, as a reading."""
    evidence = one_line(needs.question, EVIDENCE_MOST)
    return Reading(Doing.WAITING, Source.PROTOCOL, at, "announced", evidence, needs=needs)
