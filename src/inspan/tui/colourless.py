"""Drawing without colour: for who wants none, and for terminals that have none.

What colour tells is told by signs and words as well; what has the focus is bold or in reverse.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter


class Colourless(LineFilter):
    """Takes the colours off all that is drawn; Textual's own would turn them into greys."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        del background
        return [
            Segment(text, None if style is None else _without(style), control)
            for text, style, control in segments
        ]


@lru_cache(4096)
def _without(style: Style) -> Style:
    """Where the mouse is asked for what lies under it, that is in ``meta``."""
    plain = style.without_color
    return plain + Style(meta=style.meta) if style.meta else plain


def is_wanted(env: Mapping[str, str]) -> bool:
    """Whether to draw without colour: by ``NO_COLOR``, or since the terminal has none."""
    return bool(env.get("NO_COLOR")) or not (env.get("COLORTERM") or _has_colours(env))


def _has_colours(env: Mapping[str, str]) -> bool:
    """What is known of the terminal; one that is unknown here, as over SSH, mostly has them."""
    try:
        import curses  # noqa: PLC0415 - not every Python has it

        curses.setupterm(env.get("TERM"), 1)
        return curses.tigetnum("colors") > 1
    except Exception:  # noqa: BLE001 - its errors are of a class that may not be there
        return True
