"""A line that a cell waits for: what it asks, and what is typed, which may be a password."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Button, Input

from inspan.model.code import Wanted
from inspan.model.value import value
from inspan.tui.dialogs.dialog import Dialog, line, lines


@value(frozen=True)
class Typed:
    """The line; ``None`` is the end of the input."""

    text: str | None


class LineDialog(Dialog[Typed]):
    """``where`` names the session. Left without an answer, the cell waits on."""

    AUTO_FOCUS = "#words"
    BINDINGS: ClassVar[list[BindingType]] = [
        # Of the field it would delete a character.
        Binding("ctrl+d", "end", "End of input", priority=True),
    ]

    def __init__(self, wanted: Wanted, where: str) -> None:
        super().__init__()
        self.wanted = wanted
        self.where = where

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            yield line(self.where, kind="faint", name="where")
            with VerticalScroll(id="asked", classes="scrolls", can_focus=False):
                yield lines(self.wanted.prompt or "It waits for a line.", name="question")
            yield Input(id="words", password=self.wanted.password, compact=True)
            with Horizontal(id="buttons"):
                yield Button("Give it", id="give", compact=True)
                yield Button("End of input", id="end", compact=True)
            yield line("Enter gives it, Ctrl-D is the end of the input, Esc leaves it waiting.")
        box.border_title = "The cell asks"

    @on(Input.Submitted)
    def submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.give(Typed(event.value))

    @on(Button.Pressed)
    def pressed(self, event: Button.Pressed) -> None:
        event.stop()
        ends = event.button.id == "end"
        self.give(Typed(None if ends else self.query_one(Input).value))

    def action_end(self) -> None:
        """No line comes any more."""
        self.give(Typed(None))
