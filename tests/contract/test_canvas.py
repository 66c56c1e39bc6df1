"""What every canvas must draw, over the emulators that are installed; ``dev`` installs all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyghostty import Terminal  # type: ignore[import-untyped]  # it ships no types

from inspan.terminal.canvas import Canvas, Frame, Paint, canvas_of
from inspan.terminal.marks import Marks
from inspan.terminal.screen import BLIND, Backend, backends

pytestmark = pytest.mark.requirement("B4")


@pytest.fixture(params=["ghostty", "pyte"])
def canvas(request: pytest.FixtureRequest) -> Iterator[Canvas]:
    made = canvas_of(_kind(request.param))(20, 4)
    yield made
    made.close()


def _kind(name: str) -> Backend:
    return next(item for item in backends() if item.name == name)


def text(frame: Frame) -> list[str]:
    return ["".join(run.text for run in row).rstrip() for row in frame.rows]


def test_colours_and_attributes_are_told_by_runs(canvas: Canvas) -> None:
    canvas.feed(b"a\x1b[1;31mb\x1b[0;7mc\x1b[0;38;2;1;2;3;45md\x1b[0;95;3;4;9me")
    runs = {run.text: run.paint for run in canvas.frame().rows[0]}
    assert runs == {
        "a": Paint(),
        "b": Paint(fg=1, bold=True),
        "c": Paint(inverse=True),
        "d": Paint(fg=(1, 2, 3), bg=5),
        "e": Paint(fg=13, italic=True, underline=True, struck=True),
    }


def test_a_row_that_was_not_drawn_is_the_same_object(canvas: Canvas) -> None:
    canvas.feed(b"one\r\ntwo\r\nthree")
    before = canvas.frame()
    canvas.feed(b"!\x1b[1;1Hone")
    after = canvas.frame()
    kept = [one is other for one, other in zip(before.rows, after.rows, strict=True)]
    assert kept == [True, True, False, True]


def test_what_scrolled_away_is_shown_and_stays_while_more_comes(canvas: Canvas) -> None:
    canvas.feed(b"\r\n".join(b"line %d" % number for number in range(10)))
    frame = canvas.frame()
    assert (frame.top, frame.total, frame.cursor) == (6, 10, (6, 3))
    canvas.scroll(2)
    assert text(canvas.frame()) == ["line 2", "line 3", "line 4", "line 5"]
    assert canvas.frame().cursor is None
    canvas.feed(b"\r\nmore")
    assert text(canvas.frame())[0] == "line 2"
    canvas.scroll(None)
    assert text(canvas.frame())[-1] == "more"
    assert canvas.lines() == (*(f"line {number}" for number in range(10)), "more")


def test_another_size_and_the_alternate_screen(canvas: Canvas) -> None:
    canvas.feed(b"below")
    canvas.resize(30, 6)
    canvas.feed(b"\x1b[?1049h\x1b[Habove")
    frame = canvas.frame()
    assert (len(frame.rows), frame.total, text(frame)[0]) == (6, 6, "above")
    canvas.feed(b"\x1b[?1049l")
    assert text(canvas.frame())[0] == "below"


def test_modes_are_told(canvas: Canvas) -> None:
    assert not canvas.mode(1)
    canvas.feed(b"\x1b[?1h\x1b[?1002h\x1b[?1006h")
    assert (canvas.mode(1), canvas.mode(1002), canvas.mode(1006)) == (True, True, True)


def test_without_an_emulator_nothing_is_drawn() -> None:
    blind = canvas_of(BLIND)(20, 4)
    blind.feed(b"text")
    assert text(blind.frame()) == [""] * 4


SEQUENCES = st.one_of(
    st.text(max_size=12).map(str.encode),
    st.binary(max_size=8),
    st.sampled_from(
        [
            b"\r\n",
            b"\t",
            b"\b",
            b"\x1b[2J",
            b"\x1b[K",
            b"\x1bM",
            b"\x1b[L",
            b"\x1b[2P",
            b"\x1b[?1049h",
            b"\x1b[?1049l",
            "你好👩‍👧é".encode(),
            b"\x1b[7m",
            b"\x1b[0m",
            b"\x1b[?2027h",
            b"\x1b[44m\x1b[K",
        ]
    ),
    st.builds(lambda code: b"\x1b[%dm" % code, st.integers(0, 107)),
    st.builds(lambda y, x: b"\x1b[%d;%dH" % (y, x), st.integers(0, 12), st.integers(0, 25)),
    st.builds(lambda n: b"\x1b[48;5;%dm" % n, st.integers(0, 255)),
)


@given(st.lists(st.lists(SEQUENCES, max_size=8), max_size=6))
def test_cells_are_those_of_the_emulator_however_it_is_drawn(pieces: list[list[bytes]]) -> None:
    """Drawn piece by piece, so that rows are kept; asked of the library cell by cell."""
    canvas, marks = canvas_of(_kind("ghostty"))(20, 5), Marks()
    whole = Terminal(cols=20, rows=5, scrollback=5000)
    frame = canvas.frame()
    for piece in pieces:
        drawn = marks.feed(b"".join(piece))
        canvas.feed(drawn)
        whole.feed(drawn)
        frame = canvas.frame()
    for y, row in enumerate(frame.rows):
        assert sum(run.columns for run in row) <= 20
        x = 0
        for run in row:
            narrow = len(run.text) == run.columns
            for at in range(run.columns):
                style = whole.style(x, y)
                # A blank may have its colour in the cell, and the library's style does not tell.
                if (run.text[at] if narrow else run.text).strip() and (
                    narrow or " " not in run.text
                ):
                    assert run.paint.bold == style["bold"]
                    assert run.paint.inverse == style["inverse"]
                    assert run.paint.bg == (style["bg"] and style["bg"][1])
                    assert run.paint.fg == (style["fg"] and style["fg"][1])
                x += 1
    assert text(frame) == _text(whole)
    canvas.close()
    whole.close()


def _text(terminal: Terminal) -> list[str]:
    lines = [line.rstrip() for line in terminal.text().split("\n")]
    return (lines + [""] * 5)[:5]
