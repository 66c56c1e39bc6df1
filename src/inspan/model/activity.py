"""What a session is doing, by the strongest source that says so now; it reads no clock.

Five rules:

1. A stronger source wins over a weaker one, whatever came later. ``Source`` is the ladder.
2. What is too old does not count. Each source has its age limit, and a reading may have its own.
3. Unknown is an answer. A source that has nothing to say leaves the word to a weaker one.
4. A question is not outranked. One that is shown counts whatever hooks say: they tell what begins,
   and of what goes on beside it. Only the agent's protocol knows better.
5. What was stopped does nothing, whatever it said or shows; that is the one unknown that counts.

``judge`` is the ladder and ``Steady`` the guard against flapping, both pure: what is known and the
time go in, the next value comes out. Times are seconds, of whatever clock the caller has.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from math import inf
from typing import Final

from inspan.model.task import Needs
from inspan.model.value import replaced, value


class Doing(StrEnum):
    """What a session does."""

    WORKING = "working"  #: it is busy, and needs nobody
    WAITING = "waiting"  #: it has asked a person
    IDLE = "idle"  #: it has nothing to do, and takes the next prompt
    UNKNOWN = "unknown"  #: nothing tells


class Source(StrEnum):
    """Who says it, the strongest first."""

    PROTOCOL = "protocol"  #: a message of the agent's protocol, or an announcement
    HOOK = "hook"  #: a hook that the agent ran
    TITLE = "title"  #: the window title or the progress that it set
    SCREEN = "screen"  #: a rule that fits what its terminal shows
    PROCESS = "process"  #: what the system tells of its processes
    SILENCE = "silence"  #: that nothing came for long


class Confidence(StrEnum):
    """How far a reading is to be trusted. Words, and no figures: none are measured yet."""

    CERTAIN = "certain"  #: it was said, or the system knows
    LIKELY = "likely"  #: a rule made for this agent fits
    GUESS = "guess"  #: a rule made for any program fits, or nothing happens


#: Seconds for which a reading counts, by its source, where it does not say so itself. A message
#: counts until the next, and a title or screen until it is replaced: both show what is. A hook
#: that does not come is not noticed, and processes change without a word.
AGES: Final[dict[Source, float]] = {
    Source.PROTOCOL: inf,
    Source.HOOK: 120.0,
    Source.TITLE: inf,
    Source.SCREEN: inf,
    Source.PROCESS: 10.0,
    Source.SILENCE: inf,
}
_RANK: Final = {source: rank for rank, source in enumerate(Source)}
#: These know; what they say is not held back, however often it changes.
KNOWING: Final = frozenset({Source.PROTOCOL, Source.HOOK, Source.PROCESS})


@value(frozen=True)
class Reading:
    """What one source says. ``at``: when it said so last, also where it only repeated itself."""

    doing: Doing
    source: Source
    at: float
    rule: str = ""
    evidence: str = ""  #: short, and safe to show
    confidence: Confidence = Confidence.CERTAIN
    #: What is asked; only where it is waiting.
    needs: Needs | None = None
    #: Seconds for which it counts; ``None`` for the limit of its source.
    holds: float | None = None

    @property
    def until(self) -> float:
        """From when on it does not count any more; infinite where it has no limit."""
        return self.at + (AGES[self.source] if self.holds is None else self.holds)


#: The rule by which a program is known to be stopped by a signal.
STOPPED: Final = "stopped"


@value(frozen=True)
class Activity:
    """What a session does, and why that is believed. No source: nobody said anything."""

    doing: Doing
    since: float
    source: Source | None = None
    rule: str = ""
    evidence: str = ""
    confidence: Confidence = Confidence.GUESS
    needs: Needs | None = None
    #: It changes to and fro, and this is what is held on to.
    flapping: bool = False

    @property
    def stopped(self) -> bool:
        """True where it was stopped by a signal, and does nothing."""
        return self.source is Source.PROCESS and self.rule == STOPPED

    def same(self, other: Activity) -> bool:
        """True where nothing is new: it does the same, or waits with the same question."""
        return (self.doing, self.needs) == (other.doing, other.needs)


def judge(readings: Iterable[Reading], now: float, before: Activity | None = None) -> Activity:
    """The activity at ``now``; it began with ``before`` where that is the same.

    Of one source the latest reading counts. Where all that counts says unknown, the strongest of
    those gives the evidence.
    """
    heard = [reading for reading in _latest(readings) if now < reading.until]
    heard.sort(key=_place)
    if heard:
        best = heard[0]
        found = Activity(
            best.doing, now, best.source, best.rule, best.evidence, best.confidence, best.needs
        )
    else:
        found = Activity(Doing.UNKNOWN, now)
    return replaced(found, since=before.since) if before and before.same(found) else found


def _place(reading: Reading) -> tuple[int, int]:
    """Its place in the ladder; the first is believed."""
    rank = _RANK[reading.source]
    if reading.doing is Doing.UNKNOWN:
        return (1 if reading.source is Source.PROCESS else 3), rank
    asks = reading.doing is Doing.WAITING or reading.source is Source.PROTOCOL
    return (0 if asks else 2), rank


def _latest(readings: Iterable[Reading]) -> list[Reading]:
    latest: dict[Source, Reading] = {}
    for reading in readings:
        known = latest.get(reading.source)
        if known is None or reading.at >= known.at:
            latest[reading.source] = reading
    return list(latest.values())


def stale_at(readings: Iterable[Reading], now: float) -> float:
    """The next moment at which a reading that counts will not count; infinite for none."""
    return min((reading.until for reading in readings if reading.until > now), default=inf)


#: So many changes within so many seconds are no news but a detector that cannot decide.
FLAPS_MOST: Final = 3
FLAPS_WITHIN: Final = 60.0
#: While it flaps, a change is believed once it has lasted so long; a question is never missed.
CALM: Final = 5.0


@value(frozen=True)
class Steady:
    """The guard against flapping, as a value: each call returns the next one.

    A change is shown at once, up to ``FLAPS_MOST`` of them within ``FLAPS_WITHIN`` seconds. Beyond
    that what is shown is held, and says so, until something has stayed as it is for ``CALM``
    seconds. What a source says that knows is always shown at once. Two kinds of change do not
    count: one that somebody brought about by typing (say so with ``excused``), and one to unknown
    and back, which contradicts nothing.
    """

    shown: Activity | None = None
    #: What the ladder said last, and since when.
    heard: Activity | None = None
    since: float = -inf
    #: What it did last that was not unknown.
    known: Doing = Doing.UNKNOWN
    #: The times of the latest changes, at most ``FLAPS_MOST + 1``.
    changes: tuple[float, ...] = ()
    #: Until when no change counts.
    pardoned: float = -inf

    def see(self, activity: Activity, now: float) -> Steady:
        """The next one, with ``activity`` heard at ``now``."""
        changes, known = self.changes, self.known
        if activity.doing is not Doing.UNKNOWN:
            if known not in (activity.doing, Doing.UNKNOWN) and now >= self.pardoned:
                changes = (*changes, now)[-FLAPS_MOST - 1 :]
            known = activity.doing
        since = self.since if self.heard and self.heard.same(activity) else now
        flapping = _flapping(changes, now) and activity.source not in KNOWING
        held = self.shown
        if flapping and held and not held.same(activity) and now < since + CALM:
            shown = replaced(held, flapping=True)
        else:
            shown = replaced(activity, flapping=flapping)
        return Steady(shown, activity, since, known, changes, self.pardoned)

    def excused(self, until: float = -inf) -> Steady:
        """The next one, after something was typed: what changed before, or until then, is none.

        Nor is what is known first after it, however late.
        """
        shown = self.shown and replaced(self.shown, flapping=False)
        return replaced(self, shown=shown, known=Doing.UNKNOWN, changes=(), pardoned=until)

    def due(self, now: float) -> float:
        """When to ask again without any news: infinite where nothing is held or flapping."""
        if self.shown is None or self.heard is None:
            return inf
        if not self.shown.same(self.heard):
            return max(now, self.since + CALM)
        return self.changes[0] + FLAPS_WITHIN if self.shown.flapping else inf


def _flapping(changes: tuple[float, ...], now: float) -> bool:
    return len(changes) > FLAPS_MOST and now < changes[0] + FLAPS_WITHIN
