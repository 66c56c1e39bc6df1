"""Who has the keyboard: the one way in which anything but a person's Tab moves the focus.

A person types where they look, so a focus that moves by itself sends keys to the wrong place. One
change is made at a time, after a moment in which it can still be called off; what asks meanwhile is
refused, and where programs keep asking they are not heard for a while. Textual does the moving. It
never knows what a widget is for.
"""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import anyio
from textual.app import App, ScreenStackError
from textual.screen import Screen
from textual.widget import Widget

from inspan.tui.clock import Clock

log = logging.getLogger(__name__)

#: Seconds until a focus moves: what is drawn for it has come by then.
DELAY: Final = 0.05
#: Seconds after a key in which only that key's own action moves the focus.
TYPING: Final = 0.3
#: So many requests in vain within so many seconds are a quarrel about the focus,
QUARREL, WITHIN = 5, 1.0
#: and programs are not heard for as long.
PAUSE: Final = 2.0


class By(StrEnum):
    """Who wants the focus moved."""

    PERSON = "person"  #: it follows from what somebody just did
    PROGRAM = "program"  #: something happened


@dataclass(slots=True)
class FocusCounts:
    """What became of requests."""

    made: int = 0
    #: Another change was under way, or programs are not heard at the moment.
    refused: int = 0
    #: The widget is not on the screen that is shown, is gone, hidden or disabled, or keys were
    #: typed elsewhere.
    dropped: int = 0
    cancelled: int = 0


class FocusManager:
    """The focus of one app."""

    def __init__(self, app: App[Any], clock: Clock) -> None:
        self._app = app
        self._clock = clock
        self._under_way: anyio.CancelScope | None = None
        self._vain: deque[float] = deque(maxlen=QUARREL)
        self._deaf_until = 0.0
        self._typed_at = float("-inf")
        self._closed = False
        self.counts = FocusCounts()

    @property
    def is_changing(self) -> bool:
        """Whether a change is under way."""
        return self._under_way is not None

    @property
    def is_open(self) -> bool:
        """Whether the circuit is open, so that programs are not heard."""
        return self._clock.monotonic() < self._deaf_until

    async def request(self, widget: Widget, *, delay: float = DELAY, by: By = By.PROGRAM) -> bool:
        """Focus ``widget`` after ``delay`` seconds; True where it then has the focus.

        False at once while another change is under way.
        """
        if self._closed or self._under_way is not None or (by is By.PROGRAM and self.is_open):
            self.counts.refused += 1
            self._in_vain(widget, "refused")
            return False
        self._under_way = scope = anyio.CancelScope()
        try:
            with scope:
                await self._clock.sleep(delay)
                return self._move(widget, by)
            self.counts.cancelled += 1
            return False
        finally:
            self._under_way = None

    def cancel_active_focus(self) -> bool:
        """Call off the change that is under way; True where there was one."""
        scope = self._under_way
        if scope is None:
            return False
        scope.cancel()
        return True

    def noticed_key(self) -> None:
        """Somebody typed: what programs want of the focus can wait."""
        self._typed_at = self._clock.monotonic()

    def settle(self, screen: Screen[Any], before: Widget | None) -> None:
        """See to it that a screen that is shown again has its focus where it was.

        Where that widget is gone, Textual chose another; where it found none, the first that can
        have the focus gets it, for without one no key but the screen's own does anything.
        """
        if self._closed or self._shown() is not screen:
            return
        if before is not None and before is not screen.focused and _able(before, screen):
            screen.set_focus(before)
        focused = screen.focused
        if focused is None or not _able(focused, screen):
            chain = [widget for widget in screen.focus_chain if _able(widget, screen)]
            screen.set_focus(chain[0] if chain else None)

    def close(self) -> None:
        """Nothing moves any more, and what was about to is called off."""
        self._closed = True
        self.cancel_active_focus()

    def _move(self, widget: Widget, by: By) -> bool:
        typing = self._clock.monotonic() - self._typed_at < TYPING
        shown = self._shown()
        if shown is None or not _able(widget, shown) or (by is By.PROGRAM and typing):
            self.counts.dropped += 1
            self._in_vain(widget, "dropped")
            return False
        shown.set_focus(widget)
        self.counts.made += 1
        return True

    def _shown(self) -> Screen[Any] | None:
        try:
            return self._app.screen
        except ScreenStackError:
            return None

    def _in_vain(self, widget: Widget, what: str) -> None:
        """Open the circuit where this happens too often."""
        now = self._clock.monotonic()
        log.debug("a focus on %r was %s", widget, what)
        self._vain.append(now)
        quarrel = len(self._vain) == QUARREL and now - self._vain[0] <= WITHIN
        if quarrel and not self.is_open:
            self._deaf_until = now + PAUSE
            log.warning("the focus is asked for too often: programs are not heard for %g s", PAUSE)


def hand_to(widget: Widget) -> None:
    """The next key goes to ``widget``, as somebody asked by the last one; not below a dialog.

    For a part of a screen that was shown a moment ago: what hides it may not be taken back yet.
    """

    def hand() -> None:
        if widget.is_attached and widget.app.screen is widget.screen:
            widget.screen.set_focus(widget)

    widget.app.call_later(hand)


def _able(widget: Widget, screen: Screen[Any]) -> bool:
    """Whether it can have the focus there: it is on that screen, shown and enabled.

    ``focusable`` alone takes a widget for good that is within a hidden one, or was removed.
    """
    return (
        widget.is_attached
        and widget.screen is screen
        and widget.focusable
        and all(node.display for node in widget.ancestors_with_self if isinstance(node, Widget))
    )
