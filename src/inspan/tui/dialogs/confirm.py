"""Whether something that cannot be undone is meant."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button

from inspan.tui.dialogs.dialog import Dialog, lines


class ConfirmDialog(Dialog[bool]):
    """``yes`` and ``no`` are what would be done; a key too many does nothing."""

    DEFAULT_CSS = "ConfirmDialog > #box { border: round $warning; }"
    AUTO_FOCUS = "#no"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "sure(True)", "Yes"),
        Binding("n", "sure(False)", "No"),
    ]

    def __init__(self, heading: str, text: str, *, yes: str, no: str = "No (n)") -> None:
        super().__init__()
        self.heading, self.text, self.yes, self.no = heading, text, yes, no

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            yield lines(self.text, name="question")
            with Horizontal(id="buttons"):
                yield Button(self.no, id="no", compact=True)
                yield Button(self.yes, id="yes", compact=True, variant="error")
        box.border_title = self.heading

    def action_sure(self, sure: bool) -> None:
        """By a key."""
        self.give(sure)

    @on(Button.Pressed)
    def pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.give(event.button.id == "yes")
