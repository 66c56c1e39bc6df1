"""How long to wait, how often to try, when to stop trying: pure functions of history and now."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, TypeVar

from inspan.model.value import value

T = TypeVar("T")


def _changed(kept: T, **changes: Any) -> T:
    """``kept`` with these fields changed."""
    from dataclasses import replace  # noqa: PLC0415  20 ms, and commands only read figures here

    changed: T = replace(kept, **changes)  # type: ignore[type-var]  # each is a value
    return changed


@value(frozen=True)
class Backoff:
    """Delays that double from ``first`` to at most ``most`` seconds; jitter only adds."""

    first: float = 1.0
    most: float = 30.0
    #: The largest part of a delay that jitter may add to it.
    jitter: float = 0.1

    def delay(self, tries: int, chance: float) -> float:
        """Seconds to wait after ``tries`` failures (from 1); ``chance`` is drawn from [0, 1)."""
        plain: float = min(self.most, self.first * 2.0 ** (min(tries, 64) - 1))
        return plain * (1 + self.jitter * chance)


@value(frozen=True)
class IdleLimit:
    """How long silence may last: as long as asked for, stretched by the rhythm that was seen.

    A process that has been silent for a minute ten times, and went on each time, is not stuck
    the eleventh time. The limit is ``stretch`` times the longest of the recent pauses, never
    below ``base`` and never above ``ceiling``; when the long pauses leave the window it shrinks
    again. Fewer than ``enough`` pauses say nothing about a rhythm.
    """

    base: float
    ceiling: float
    stretch: float = 2.0
    enough: int = 3

    def after(self, pauses: Sequence[float]) -> float:
        """Seconds of silence to allow, from the recent pauses (seconds, oldest first)."""
        if len(pauses) < self.enough:
            return self.base
        return max(self.base, min(self.ceiling, self.stretch * max(pauses)))


#: How many pauses a rhythm is read from.
PAUSES_KEPT = 32
#: A pause shorter than this is the beat of output, not a rest.
PAUSE_COUNTS_FROM = 1.0


@value(frozen=True, kw_only=True)
class Waits:
    """How often a task may wait for a usage limit, and how long where nobody said until when."""

    most: int = 5
    backoff: Backoff = Backoff(first=60.0, most=3600.0)
    #: What is added at most to a moment that was named, in seconds: many wait for the same one.
    spread: float = 30.0

    def until(self, told: float | None, before: int, now: float, chance: float) -> float:
        """When to go on, after ``before`` waits; ``chance`` is drawn from [0, 1).

        A moment that is past says no more than none.
        """
        if told is None or told <= now:
            return now + self.backoff.delay(before + 1, chance)
        return told + min(self.spread, (told - now) * self.backoff.jitter) * chance


@value(frozen=True, kw_only=True)
class Room:
    """How many tasks of one provider may run at once, as a value: each call returns the next one.

    An overload halves it, down to 1. One place comes back after each ``quiet`` seconds without
    another, and one with each success. What is told within ``burst`` seconds of an overload is the
    same one: tasks that run side by side meet it together.
    """

    #: With all places back; ``None`` is without a limit.
    most: int | None = None
    quiet: float = 60.0
    burst: float = 5.0
    #: How many were left at ``at``; ``None`` while nothing is wrong.
    left: int | None = None
    at: float = 0.0
    #: At how many places all are back.
    whole: int = 0

    def places(self, now: float) -> int | None:
        """How many may run at ``now``; ``None`` for any number."""
        if self.left is None:
            return self.most
        back = self.left + max(0, int((now - self.at) / self.quiet))
        return back if back < self.whole else self.most

    def shrunk(self, now: float) -> bool:
        """True where an overload has taken places that are not back yet."""
        return self.left is not None and self.places(now) != self.most

    def overloaded(self, now: float, running: int) -> Room:
        """The provider is overloaded by ``running`` tasks."""
        if self.left is not None and now - self.at < self.burst:
            return self
        places = self.places(now)
        had = running if places is None else min(places, max(1, running))
        whole = self.whole if self.shrunk(now) else self.most or had
        return _changed(self, left=max(1, had // 2), at=now, whole=whole)

    def recalled(self, left: int, whole: int, at: float) -> Room:
        """So many of ``whole`` were left at ``at``, when somebody else counted."""
        whole = whole if self.most is None else min(whole, self.most)
        return _changed(self, left=left, at=at, whole=whole)

    def succeeded(self, now: float) -> Room:
        """A task of it has done its work."""
        places = self.places(now)
        if places is None or not self.shrunk(now):
            return _changed(self, left=None)
        if now - self.at < self.burst:
            return self
        grown = _changed(self, left=places + 1, at=now)
        return grown if grown.shrunk(now) else _changed(self, left=None)

    def next_place(self, now: float) -> float | None:
        """When the next place is back; ``None`` where none is missing."""
        if not self.shrunk(now):
            return None
        return self.at + (int((now - self.at) / self.quiet) + 1) * self.quiet


class Circuit(StrEnum):
    """Whether to try at all."""

    CLOSED = "closed"  #: try
    OPEN = "open"  #: do not try
    HALF_OPEN = "half_open"  #: one probe is under way


@value(frozen=True)
class Breaker:
    """A circuit breaker as a value: each call returns the next one.

    It opens after ``threshold`` failures in a row, allows one probe once ``rest`` seconds have
    passed, and closes when that probe succeeds.
    """

    threshold: int = 5
    rest: float = 60.0
    failures: int = 0
    opened_at: float | None = None
    probing: bool = False

    def state(self, now: float) -> Circuit:
        """Whether a try at ``now`` is allowed, and as what."""
        if self.opened_at is None:
            return Circuit.CLOSED
        if self.probing or now - self.opened_at >= self.rest:
            return Circuit.HALF_OPEN
        return Circuit.OPEN

    def allows(self, now: float) -> bool:
        """True where a try may be made at ``now``; call ``tried`` when it is made."""
        return self.state(now) is Circuit.CLOSED or (
            self.state(now) is Circuit.HALF_OPEN and not self.probing
        )

    def tried(self, now: float) -> Breaker:
        """A try was begun."""
        return _changed(self, probing=self.state(now) is not Circuit.CLOSED)

    def succeeded(self) -> Breaker:
        """The try went well."""
        return _changed(self, failures=0, opened_at=None, probing=False)

    def failed(self, now: float) -> Breaker:
        """The try failed."""
        failures = self.failures + 1
        opens = failures >= self.threshold or self.probing
        return _changed(
            self,
            failures=failures,
            opened_at=now if opens else self.opened_at,
            probing=False,
        )
