"""Five ways of Textual that do not suit a program which stays open all day and answers at once.

It remembers the two backgrounds of a widget in a cache that has the widget's drawn lines as part of
its key: of the last thousand widgets all lines stay in memory, which is some 50 MB. Here they are
remembered by their colours. After Escape it waits a tenth of a second for the rest of a key's
sequence, which terminals send in one piece, and looks only as often as that: here both are a
tenth of it, as of tmux. What is drawn in several steps waits for a sixtieth of a second between
two of them: here for less. And it lays out the screen that lies below the one that is seen, also
where nothing of it shows through. A timer that calls once never calls where its time is over before
it waits, as on a busy machine: here it calls at once. All of it is Textual's own and may be
otherwise in its next version: that is pinned, and tests tell.
"""

from __future__ import annotations

import os
import selectors
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, Final

from textual import constants
from textual import screen as screens
from textual._styles_cache import StylesCache
from textual.app import App
from textual.color import Color
from textual.drivers import linux_driver
from textual.screen import Screen
from textual.style import Style
from textual.timer import Timer

from inspan.tui import drawing, thrift

#: Seconds after which Escape was Escape; ``ESCDELAY`` in the environment, in ms, says otherwise.
ESCAPE: Final = 0.01
#: Seconds between two steps of drawing; ``TEXTUAL_FPS`` in the environment says otherwise.
STEP: Final = 0.005


@lru_cache(1024)
def _backgrounds(base: Color, background: Color) -> tuple[Style, Style]:
    return Style(background=base + background), Style(background=base)


def _by_colours(_cache: StylesCache, base: Color, background: Color) -> tuple[Style, Style]:
    return _backgrounds(base, background)


class _Soon(selectors.SelectSelector):
    """Once something was typed it returns soon, so that what waits for its time is looked at."""

    _typed = False

    def select(
        self, timeout: float | None = None
    ) -> list[tuple[selectors.SelectorKey, selectors._EventMask]]:
        found = super().select(ESCAPE if self._typed else timeout)
        self._typed = bool(found)
        return found


_made = Timer.__init__


def _calls_though_late(timer: Timer, *arguments: Any, **named: Any) -> None:
    _made(timer, *arguments, **named)
    if timer._repeat == 0:  # noqa: SLF001 - `set_timer` does not pass it on
        timer._skip = False  # noqa: SLF001


def _shining_through(app: App[Any]) -> list[Screen[Any]]:
    """The screens below the one that is seen of which something is seen, the lowest first."""
    found: list[Screen[Any]] = []
    for above, below in zip(app.screen_stack[:0:-1], app.screen_stack[-2::-1], strict=True):
        if above.styles.background.a == 1:
            break
        found.insert(0, below)
    return found


def mend() -> None:
    """From now on, in this process."""
    thrift.mend()
    drawing.mend()
    setattr(Timer, "__init__", _calls_though_late)  # noqa: B010 - a method to mypy
    setattr(App, "_background_screens", property(_shining_through))  # noqa: B010 - it has no setter
    if "TEXTUAL_FPS" not in os.environ:
        setattr(screens, "UPDATE_PERIOD", STEP)  # noqa: B010 - it is final to mypy
    setattr(StylesCache, "get_inner_outer", _by_colours)  # noqa: B010 - its type is a cache's
    if "ESCDELAY" not in os.environ:
        setattr(constants, "ESCAPE_DELAY", ESCAPE * 0.9)  # noqa: B010 - it is final to mypy
        theirs = SimpleNamespace(SelectSelector=_Soon, EVENT_READ=selectors.EVENT_READ)
        setattr(linux_driver, "selectors", theirs)  # noqa: B010 - a module to mypy
