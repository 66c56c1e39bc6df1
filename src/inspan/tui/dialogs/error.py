"""An error in words: its code, what happened, and what a person can do."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Button

from inspan.tui.dialogs.dialog import Dialog, line, lines

_MORE: Final = "Esc or Enter closes it."


class ErrorDialog(Dialog[None]):
    """``heading`` is a word of ours, and ``details`` are for who mends it."""

    DEFAULT_CSS = "ErrorDialog > #box { border: round $error; }"

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "leave", "Close", show=False)]
    AUTO_FOCUS = "#close"

    def __init__(self, heading: str, message: str, *, advice: str = "", details: str = "") -> None:
        super().__init__()
        self.heading = heading
        self.message = message
        self.advice = advice
        self.details = details
        #: Whether it came so far that it can be read, and closed.
        self.drawn = False
        #: Hears that it is gone, however it went.
        self.left: Callable[[], None] | None = None

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            yield lines(self.message, name="message")
            if self.advice:
                yield lines(self.advice, kind="faint", name="hint")
            if self.details:
                with VerticalScroll(classes="scrolls"):
                    yield lines(self.details, kind="faint", name="details")
            with Horizontal(id="buttons"):
                yield Button("Close", id="close", compact=True)
            yield line(_MORE, kind="faint")
        # Of a title Textual reads the markup, so that it gets none of what others wrote.
        box.border_title = self.heading

    @on(Button.Pressed)
    def pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.action_leave()

    def on_mount(self) -> None:
        self.call_after_refresh(self._seen)

    def _seen(self) -> None:
        self.drawn = True

    def on_unmount(self) -> None:
        super().on_unmount()
        if self.left is not None:
            self.left()
