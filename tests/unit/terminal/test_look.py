from math import inf

import pytest

from inspan.model.activity import Doing, Source
from inspan.terminal.look import Look
from inspan.terminal.motion import MOTION_PAUSE
from inspan.terminal.rulefile import parse
from inspan.terminal.screen import BLIND, backend
from inspan.terminal.settle import PAUSE, QUIET, REDRAWN

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


def test_after_a_new_size_a_program_has_time_to_draw_itself_anew() -> None:
    look = look_on()
    look.feed(b"Go on? ", 3.0)
    look.look(3.1)
    look.resize(30, 6, 4.0)
    look.feed(b"\x1b[2J", 4.01)
    assert look.due == pytest.approx(4.0 + REDRAWN)


MOTION = parse(
    """
    agent = "x"
    [[rule]]
    id = "moves"
    kind = "working"
    region = "whole"
    all = ['.+']
    moves = 1
    """,
    "x.toml",
)


def test_what_goes_on_changing_is_in_motion_until_it_rests() -> None:
    look = Look([MOTION], backend(), 20, 5)
    said = []
    for at in (1.0, 1.6, 2.2, 2.8):
        look.feed(b"\rstep %d" % (at * 10), at)
        said.append(look.look(at + 0.1).doing)
    assert said == [Doing.UNKNOWN, Doing.UNKNOWN, Doing.WORKING, Doing.WORKING]
    assert look.due == pytest.approx(2.8 + MOTION_PAUSE)
    assert look.look(look.due).doing is Doing.UNKNOWN
    look.close()


def test_an_echo_a_new_size_and_a_cursor_that_blinks_are_no_motion() -> None:
    look = Look([MOTION], backend(), 20, 5)
    look.feed(b"text", 0.5)
    for step in range(8):
        at = 1.0 + step * 0.4
        if step % 2:
            look.resize(20 + step, 5, at)
        else:
            look.typed(at)
        look.feed(b"\rstep %d" % step, at + 0.1)
        assert look.look(at + 0.2).doing is Doing.UNKNOWN
        look.feed(b"\x1b[?25l" if step % 2 else b"\x1b[?25h\x1b[C", at + 0.3)
        assert look.look(at + 0.35).doing is Doing.UNKNOWN
    look.close()


def test_colours_that_change_fast_are_motion_and_a_drawn_cursor_that_blinks_is_none() -> None:
    for pause, doing in ((0.25, Doing.WORKING), (0.6, Doing.UNKNOWN)):
        look = Look([MOTION], backend(), 20, 5)
        for step in range(12):
            at = 1.0 + step * pause
            look.feed(b"\r\x1b[3%dmtext" % (step % 8), at)
            said = look.look(at + 0.05).doing
        assert said is doing, pause
        look.close()


def test_what_alternates_between_two_pictures_is_a_blink() -> None:
    look = Look([MOTION], backend(), 20, 5)
    for step in range(12):
        at = 1.0 + step * 0.5
        look.feed(b"\r> " + (b"\xe2\x96\x8b" if step % 2 else b" "), at)
        assert look.look(at + 0.05).doing is Doing.UNKNOWN
    look.close()
