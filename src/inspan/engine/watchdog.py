"""The watchdog of one attempt: reports when patience runs out. It never acts, and never sleeps.

It is fed signs of life and asked what time it is; whether to stop the process is the attempt's
business. Waiting for a person stops both clocks.
"""

from __future__ import annotations

from collections import deque
from enum import StrEnum

from inspan.model.patience import PAUSE_COUNTS_FROM, PAUSES_KEPT, IdleLimit
from inspan.model.task import Patience
from inspan.model.value import value


class Alarm(StrEnum):
    """What has run out, or soon will."""

    DEADLINE = "deadline"
    DEADLINE_SOON = "deadline_soon"
    IDLE = "idle"
    IDLE_SOON = "idle_soon"


@value
class Look:
    """What the watchdog saw: an alarm or none, and when to look again (monotonic seconds)."""

    alarm: Alarm | None
    again: float | None
    silent: float = 0.0
    #: Of the deadline, or of silence, whichever the alarm is about.
    limit: float = 0.0
    #: Until the deadline.
    left: float = 0.0


class Watchdog:
    """How long an attempt has run and been silent, against how long it may."""

    def __init__(
        self,
        patience: Patience,
        idle: IdleLimit | None,
        now: float,
        *,
        spent: float = 0.0,
        warned: bool = False,
    ) -> None:
        """``spent`` seconds of the deadline are gone: an earlier engine watched over it.

        ``warned``: it had told that the limit of silence is near.
        """
        self._patience = patience
        self._idle = idle
        self._deadline = None if patience.deadline is None else now + patience.deadline - spent
        self._heard = now
        self._paused_at: float | None = None
        self._warned = warned
        self._deadline_warned = False
        #: Made with the first; most are over before they have rested.
        self._pauses: deque[float] | None = None

    def heard(self, now: float) -> bool:
        """The process gave a sign of life; true where a warning is void by that."""
        pause = now - self._heard  # less than nothing where it is back before it said
        if pause >= PAUSE_COUNTS_FROM and self._paused_at is None:
            if self._pauses is None:
                self._pauses = deque(maxlen=PAUSES_KEPT)
            self._pauses.append(pause)
        self._heard = now
        void, self._warned = self._warned, False
        return void

    def excuse(self, until: float) -> None:
        """It said that it will be silent until then; the deadline stands."""
        self._heard = max(self._heard, until)
        self._warned = False

    def pause(self, now: float) -> None:
        """A person is waited for: nothing runs out meanwhile."""
        if self._paused_at is None:
            self._paused_at = now

    def resume(self, now: float) -> None:
        """The person has answered."""
        if self._paused_at is None:
            return
        if self._deadline is not None:
            self._deadline += now - self._paused_at
        self._paused_at = None
        self._heard = now
        self._warned = False

    @property
    def idle_limit(self) -> float | None:
        """The silence that is allowed now, after the rhythm that was seen; seconds."""
        return None if self._idle is None else self._idle.after(self._pauses or ())

    def look(self, now: float) -> Look:
        """What has run out at ``now``, or soon will."""
        if self._paused_at is not None:
            return Look(None, None)
        seen = self._time(now)
        if seen.alarm is not None:
            return seen
        limit = self.idle_limit
        return seen if limit is None else self._silence(now, limit, seen.again)

    def _time(self, now: float) -> Look:
        ends, limit, before = self._deadline, self._patience.deadline, self._patience.warn_before
        if ends is None or limit is None:
            return Look(None, None)
        if now >= ends:
            return Look(Alarm.DEADLINE, None, limit=limit)
        if now < ends - before:
            return Look(None, ends - before)
        if self._deadline_warned or before >= limit:
            return Look(None, ends)
        self._deadline_warned = True
        return Look(Alarm.DEADLINE_SOON, now, limit=limit, left=ends - now)

    def _silence(self, now: float, limit: float, sooner: float | None) -> Look:
        silent = now - self._heard
        if silent >= limit:
            return Look(Alarm.IDLE, None, silent, limit)
        warn_at = self._heard + max(0.0, limit - self._patience.warn_before)
        alarm = None
        if now >= warn_at and not self._warned and self._patience.warn_before < limit:
            self._warned, alarm = True, Alarm.IDLE_SOON
        again = warn_at if now < warn_at else self._heard + limit
        return Look(alarm, again if sooner is None else min(again, sooner), silent, limit)
