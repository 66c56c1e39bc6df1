from math import inf

import pytest

from inspan.model.activity import Doing, Source
from inspan.terminal.look import Look
from inspan.terminal.rulefile import parse
from inspan.terminal.screen import BLIND, backend
from inspan.terminal.settle import PAUSE, QUIET

pytestmark = pytest.mark.requirement("B4")

BOOK = parse(
    r"""
    agent = "x"
    [[rule]]
    id = "spins"
    kind = "working"
    priority = 2
    region = "osc_title"
    all = ['^\* ']
    holds = 5
    [[rule]]
    id = "rests"
    kind = "idle"
    region = "cursor_line"
    all = ['^> $']
    still = 1
    """,
    "x.toml",
)


def look_on(*, blind: bool = False) -> Look:
    return Look([BOOK], BLIND if blind else backend(), 20, 5)


def test_it_looks_when_a_change_has_settled() -> None:
    look = look_on()
    assert (look.due, look.reading) == (inf, None)
    look.feed(b"> ", 10.0)
    assert look.due == pytest.approx(10.0 + QUIET)
    first = look.look(look.due)
    assert (first.doing, first.source, first.at) == (Doing.UNKNOWN, Source.SCREEN, 10.0)
    assert look.due == 11.0, "a rule waits for the screen to be still"
    rests = look.look(11.0)
    assert (rests.doing, rests.rule, rests.at, look.due) == (Doing.IDLE, "x/rests", 10.0, inf)


def test_what_is_drawn_again_as_it_was_is_no_change() -> None:
    look = look_on()
    look.feed(b"> ", 10.0)
    look.look(10.5)
    look.feed(b"\r> ", 10.9)
    assert look.due == pytest.approx(10.9 + QUIET)
    look.look(10.95)
    assert look.due == 11.0


def test_a_title_counts_from_when_it_was_set_last() -> None:
    for look in (look_on(), look_on(blind=True)):
        look.feed(b"\x1b]0;* title\x07", 10.0)
        assert look.look(10.1).until == 15.0
        look.feed(b"text only", 12.0)
        assert look.look(12.1).until == 15.0
        look.feed(b"\x1b]0;* title\x07", 13.0)
        assert look.due < 14.0, "said again is worth a look"
        reading = look.look(13.1)
        assert (reading.until, reading.source, reading.evidence) == (18.0, Source.TITLE, "*")
        look.close()


def test_between_two_looks_there_is_a_pause_and_a_frame_is_waited_for() -> None:
    look = look_on()
    look.feed(b"a", 1.0)
    look.look(1.1)
    look.feed(b"\x1b[?2026h", 1.15)
    assert look.due >= 2.1
    look.feed(b"b\x1b[?2026l", 1.2)
    assert look.due == pytest.approx(1.1 + PAUSE)


def test_a_new_size_is_a_change() -> None:
    look = look_on()
    look.resize(30, 6, 4.0)
    assert look.due == pytest.approx(4.0 + QUIET)
    look.look(4.1)
    assert len(look.screen.rows()) == 6
