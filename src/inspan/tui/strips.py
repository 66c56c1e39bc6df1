"""Rows of a terminal as Textual's strips: nothing of a program passes here but styled cells.

What a row holds was printed by a stranger. Each run takes exactly the columns that the emulator
gave it, whatever Textual or the terminal of the person would give its characters, so that no
program moves what stands beside it; and no control, bidi or invisible character passes.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from rich.cells import cell_len
from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from inspan.terminal.canvas import PLAIN, Colour, Paint, Row, Run
from inspan.terminal.sanitize import clean, columns

#: What needs a closer look.
_ODD: Final = re.compile(r"[^ -~]")
#: What joins this character to the next, or asks for another form of it: each cell is drawn alone.
_JOINING: Final = re.compile("[\u200b-\u200f\ufe00-\ufe0f\n\t]")
_UNKNOWN: Final = "\ufffd"


def strip_of(row: Row) -> Strip:
    """The row as it is drawn; as wide as it says."""
    segments = [Segment(_fitted(run), _style(run.paint)) for run in row]
    return Strip(segments, sum(run.columns for run in row))


def text_of(row: Row) -> str:
    """What it shows, safe to copy."""
    return "".join(map(_fitted, row)).rstrip()


def _fitted(run: Run) -> str:
    if run.paint.invisible:
        return " " * run.columns
    text = run.text
    if not _ODD.search(text):
        return text if len(text) == run.columns else text[: run.columns].ljust(run.columns)
    return _odd(text, run.columns)


#: The frames and signs of a program are the same ones again and again.
@lru_cache(4096)
def _odd(text: str, wide: int) -> str:
    safe = _JOINING.sub("", clean(text))
    if cell_len(safe) == wide and "\ufe0f" not in text:
        return safe
    # A run of several cells is one where each character takes what it is known to take.
    if len(text) > 1 and columns(text) == wide and all(map(_alone, text)):
        return "".join(_cell(char, columns(char)) for char in text)
    return _cell(safe, wide)


def _alone(character: str) -> bool:
    return columns(character) > 0


def _cell(text: str, wide: int) -> str:
    """One character with its marks, in exactly that width."""
    for tried in (text, text[:1]):
        if tried and cell_len(tried) == wide:
            return tried
    base = text[:1]
    if base and 0 < cell_len(base) < wide:
        return base + " " * (wide - cell_len(base))
    return _UNKNOWN + " " * (wide - 1) if base else " " * wide


@lru_cache(4096)
def _style(paint: Paint) -> Style:
    if paint == PLAIN:
        return Style.null()
    return Style(
        color=_colour(paint.fg),
        bgcolor=_colour(paint.bg),
        bold=paint.bold or None,
        dim=paint.faint or None,
        italic=paint.italic or None,
        underline=paint.underline or None,
        reverse=paint.inverse or None,
        strike=paint.struck or None,
    )


def _colour(colour: Colour) -> Color | None:
    if colour is None:
        return None
    return Color.from_ansi(colour) if isinstance(colour, int) else Color.from_rgb(*colour)
