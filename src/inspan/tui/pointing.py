"""The mouse over a terminal, told to its program as far as that asked for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from textual import events

from inspan.terminal.canvas import Canvas
from inspan.tui.keys import DRAGS, MOVES, PRESSES, SGR, X10, moused

_WHEEL_UP: Final = 64


class Pointer:
    """Remembers which button is held, and where it was."""

    def __init__(self) -> None:
        self._held: int | None = None
        self._at: tuple[int, int] | None = None

    def report(
        self,
        event: events.MouseEvent,
        canvas: Canvas,
        place: Callable[[events.MouseEvent], tuple[int, int] | None],
    ) -> bytes | None:
        """What the program is told, which may be nothing; ``None``: it is not the program's."""
        asked = {mode for mode in (X10, PRESSES, DRAGS, MOVES) if canvas.mode(mode)}
        at = place(event)
        if not asked or at is None:
            return None
        sgr = canvas.mode(SGR)
        bits = event.shift + 2 * event.meta + 4 * event.ctrl
        if isinstance(event, events.MouseMove):
            return self._moved(at, asked, bits, sgr=sgr)
        released = isinstance(event, events.MouseUp)
        button = self._button(event)
        if button is None or (asked == {X10} and (released or button >= _WHEEL_UP)):
            return b""
        return moused(button, *at, bits, released=released, moved=False, sgr=sgr)

    def _button(self, event: events.MouseEvent) -> int | None:
        """Left, middle and right are 0 to 2 here, and 1 to 3 there."""
        if isinstance(event, events.MouseScrollUp):
            return _WHEEL_UP
        if isinstance(event, events.MouseScrollDown):
            return _WHEEL_UP + 1
        if isinstance(event, events.MouseDown):
            self._held = max(0, event.button - 1) % 3
            return self._held
        if isinstance(event, events.MouseUp):
            held, self._held = self._held, None
            return held
        return None

    def _moved(self, at: tuple[int, int], asked: set[int], bits: int, *, sgr: bool) -> bytes:
        if at == self._at:
            return b""
        self._at = at
        if MOVES not in asked and (DRAGS not in asked or self._held is None):
            return b""
        button = 3 if self._held is None else self._held
        return moused(button, *at, bits, released=False, moved=True, sgr=sgr)
