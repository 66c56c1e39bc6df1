"""What an agent does by what it says: its signs go in, and what is new of it comes out.

Its protocol is the strongest source there is, and so nothing else is asked.
"""

from __future__ import annotations

from typing import Final

from inspan.agents import signs as s
from inspan.agents.signs import Sign
from inspan.engine.ports import Clock, Does
from inspan.model.activity import Activity, Doing, Reading, Source, judge
from inspan.model.task import Needs
from inspan.providers.redaction import Redaction
from inspan.terminal.sanitize import one_line

#: The most columns of what is shown as evidence.
_EVIDENCE: Final = 120


class Saying:
    """One conversation. Times are seconds since the epoch; a sign without one is of now."""

    def __init__(self, clock: Clock, hidden: Redaction) -> None:
        self._clock = clock
        self._hidden = hidden
        #: Its last word, as it said it: many are overtaken before anybody is told.
        self._said: tuple[Doing, float, str, str] | None = None
        self._asked: Reading | None = None
        self._told: Activity | None = None

    def heard(self, sign: Sign, at: float | None = None) -> None:
        """It said that."""
        doing, found = Doing.WORKING, ("", "")
        match sign:
            case s.ToolBegan(_, name, title):
                found = ("tool", f"{name} {title}")
            case s.ToolEnded(_, ok, _):
                found = ("tool", "it ended" if ok else "it failed")
            case s.Said(text, _) | s.Thought(text, _):
                found = ("said", text)
            case s.BacksOff(seconds, why):
                found = ("backs-off", f"it tries its model again after {seconds:.0f} s: {why}")
            case s.TurnEnded(outcome):
                doing, found = Doing.IDLE, ("turn-ended", outcome.message or outcome.ending.value)
            case s.Began(session):
                found = ("began", f"its session {session.id}")
            case _:
                return
        self._said = (doing, self._clock.now() if at is None else at, *found)

    def prompted(self, at: float | None = None) -> None:
        """It was written to."""
        when = self._clock.now() if at is None else at
        self._said = (Doing.WORKING, when, "prompted", "it was written to")

    def asks(self, needs: Needs | None) -> None:
        """It asks that, or nothing any more."""
        now = self._clock.now()
        self._asked = None
        if needs is not None:
            evidence = one_line(needs.question, _EVIDENCE)
            self._asked = Reading(
                Doing.WAITING, Source.PROTOCOL, now, "asks", evidence, needs=needs
            )

    def news(self) -> Does | None:
        """What it does, where that or the reason for it is new."""
        reading = self._asked
        if reading is None and self._said is not None:
            doing, at, rule, evidence = self._said
            words = one_line(self._hidden.text(evidence), _EVIDENCE)
            reading = Reading(doing, Source.PROTOCOL, at, rule, words)
        if reading is None:
            return None
        found = judge([reading], reading.at, self._told)
        if found == self._told:
            return None
        self._told = found
        return Does(found)
