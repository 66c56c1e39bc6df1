"""Cells as they are drawn: the columns of the emulator, and nothing that a terminal would obey."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from inspan.terminal.canvas import Paint, Run, canvas_of
from inspan.terminal.marks import Marks
from inspan.tui.strips import strip_of
from tests.unit.tui.terminals import kind

pytestmark = pytest.mark.requirement("B4")

_OBEYED = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


@pytest.mark.parametrize("emulator", ["ghostty", "pyte"])
@given(
    st.lists(
        st.one_of(
            st.text(max_size=20),
            st.sampled_from(["你", "👩‍👧", "e\u0301", "\u202e", "❤\ufe0f", "─"]),
        )
    )
)
def test_each_row_takes_its_columns_and_holds_no_control(emulator: str, words: list[str]) -> None:
    canvas = canvas_of(kind(emulator))(12, 4)
    canvas.feed(Marks().feed("".join(words).encode(errors="replace")))
    for row in canvas.frame().rows:
        strip = strip_of(row)
        assert cell_len(strip.text) == strip.cell_length == sum(run.columns for run in row) <= 12
        assert not _OBEYED.search(strip.text), strip.text.encode()
    canvas.close()


def test_what_is_invisible_takes_its_room_and_shows_nothing() -> None:
    row = (Run("secret", 6, Paint(invisible=True)), Run("seen", 4, Paint(fg=1, bold=True)))
    strip = strip_of(row)
    assert strip.text == "      seen"
    style = list(strip)[1].style
    assert style is not None
    assert (style.bold, style.color and style.color.number) == (True, 1)
