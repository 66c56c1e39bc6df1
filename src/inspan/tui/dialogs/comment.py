"""What is said of a changed line, and the message in which all of that is sent back."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input, Static, TextArea

from inspan.tui.dialogs.dialog import Dialog, line


class CommentDialog(Dialog[str]):
    """``where`` and ``text`` are the line; ``said`` is what was said of it. Empty takes it back."""

    AUTO_FOCUS = "#words"

    def __init__(self, where: str, text: str, said: str = "") -> None:
        super().__init__()
        self.where, self.text, self.said = where, text, said

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            yield line(self.where, kind="faint", name="where")
            yield line(self.text, name="line")
            yield Input(self.said, placeholder="what is wrong, or better", id="words", compact=True)
            with Horizontal(id="buttons"):
                yield Button("Keep it", id="keep", compact=True)
            yield line("It is kept until you send it. Empty takes it back.", kind="faint")
        box.border_title = "A comment"

    @on(Input.Submitted)
    def submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.give(event.value)

    @on(Button.Pressed)
    def pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.give(self.query_one(Input).value)


class SendBackDialog(Dialog[str]):
    """``message`` is what it begins with; ``written`` what stands there, also where it is left."""

    DEFAULT_CSS = """
    SendBackDialog TextArea { height: 8; max-height: 50vh; }
    SendBackDialog #wrong { color: $error; display: none; }
    """
    AUTO_FOCUS = "#message"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+s", "send", "Send it", priority=True)]

    def __init__(self, where: str, message: str) -> None:
        super().__init__()
        self.where, self.written = where, message

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            yield line(self.where, name="where")
            yield TextArea(self.written, id="message", compact=True)
            yield Static("Say what is wrong: nobody can mend what is not named.", id="wrong")
            with Horizontal(id="buttons"):
                yield Button("Send it back (Ctrl-S)", id="send", compact=True)
            yield line("Esc leaves, and keeps what is written.", kind="faint")
        box.border_title = "Have it done again"

    @on(TextArea.Changed)
    def changed(self, event: TextArea.Changed) -> None:
        event.stop()
        self.written = event.text_area.text

    @on(Button.Pressed)
    def pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.action_send()

    def action_send(self) -> None:
        """Give what is written, where that is anything."""
        if self.written.strip():
            self.give(self.written.strip())
        else:
            self.query_one("#wrong").display = True
