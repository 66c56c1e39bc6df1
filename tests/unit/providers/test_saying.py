"""What an agent does, by what it says."""

import pytest

from inspan.agents import signs as s
from inspan.model.activity import Activity, Doing, Source
from inspan.model.agent import Ending, Outcome
from inspan.model.task import Needs
from inspan.providers.redaction import Redaction
from inspan.providers.saying import Saying
from tests.fakes.clock import FakeClock

pytestmark = [pytest.mark.requirement("B4"), pytest.mark.requirement("C4")]


def _told(saying: Saying) -> Activity:
    does = saying.news()
    assert does is not None
    return does.activity


def test_the_last_word_counts_and_is_told_once() -> None:
    clock = FakeClock(now=100.0)
    saying = Saying(clock, Redaction(["key-12345678"]))
    assert saying.news() is None
    saying.heard(s.ToolBegan("1", "Bash", "ls"))
    saying.heard(s.Said("a \x1b[31mword key-12345678"))
    told = _told(saying)
    assert (told.doing, told.source, told.rule, told.since) == (
        Doing.WORKING,
        Source.PROTOCOL,
        "said",
        100.0,
    )
    assert "\x1b" not in told.evidence
    assert "key-" not in told.evidence
    assert saying.news() is None
    clock.jump(5.0)
    saying.heard(s.ToolEnded("1", ok=False))
    again = _told(saying)
    assert (again.rule, again.since) == ("tool", 100.0), "it works since then"
    saying.heard(s.TurnEnded(Outcome(Ending.DONE)))
    assert (_told(saying).doing, saying.news()) == (Doing.IDLE, None)


def test_a_question_stands_until_it_is_answered() -> None:
    saying = Saying(FakeClock(now=100.0), Redaction(()))
    saying.prompted(90.0)
    assert (_told(saying).since, saying.news()) == (90.0, None)
    saying.asks(Needs("permission", "Bash: ls"))
    saying.heard(s.Said("meanwhile"))
    told = _told(saying)
    assert (told.doing, told.needs) == (Doing.WAITING, Needs("permission", "Bash: ls"))
    saying.asks(None)
    assert _told(saying).doing is Doing.WORKING
