"""What a task asks, and what a person answers: an option by its key or button, or words."""

from __future__ import annotations

from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Button, Input, Static

from inspan.errors import BadInput
from inspan.model.task import Needs
from inspan.model.value import value
from inspan.telling import replying
from inspan.terminal.sanitize import one_line
from inspan.tui.dialogs.dialog import Dialog, line, lines
from inspan.tui.focus import hand_to

_PERMISSION: Final = "permission"
#: What the options that every agent has are called on their buttons.
_SAID: Final = {"allow": "Allow once (y)", "deny": "Deny (n)"}
_LONGEST: Final = 40
_ALWAYS: Final = "To always allow the like of it, write a rule for it in the settings."


@value(frozen=True)
class Reply:
    """``text`` for the question with that id, and for no other that may have come meanwhile."""

    text: str
    question: str


class AnswerDialog(Dialog[Reply]):
    """``where`` names the task, its agent and its folder; ``diff`` is what it changed so far."""

    DEFAULT_CSS = """
    AnswerDialog #asked { max-height: 6; }
    AnswerDialog #diff { max-height: 5; }
    AnswerDialog #wrong { color: $error; display: none; }
    """
    # A key too many must not allow anything: the text of a permission has the keys at first.
    AUTO_FOCUS = "#asked"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "choose('allow')", "Allow"),
        Binding("n", "choose('deny')", "Deny"),
    ]

    def __init__(self, needs: Needs, where: str, diff: str = "") -> None:
        super().__init__()
        self.needs = needs
        self.where = where
        self.diff = diff
        self.permission = needs.kind == _PERMISSION
        options = needs.options or (("allow", "deny") if self.permission else ())
        self.options = options if not self.permission else tuple(dict.fromkeys((*options, "deny")))

    def on_mount(self) -> None:
        if not self.permission:
            hand_to(self.query_one(Input))

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            yield line(self.where, kind="faint", name="where")
            with VerticalScroll(id="asked", classes="scrolls"):
                yield lines(self.needs.question, name="question")
            if self.diff:
                with VerticalScroll(id="diff", classes="scrolls"):
                    yield lines(self.diff, name="changes")
            with Horizontal(id="buttons"):
                for place, option in enumerate(self.options):
                    yield Button(self._label(option), id=f"option-{place}", compact=True)
            words = "or say why not" if self.permission else "Your answer"
            yield Input(placeholder=words, id="words", compact=True)
            yield Static("", id="wrong", markup=False)
            if self.permission and not any("always" in one.casefold() for one in self.options):
                yield line(_ALWAYS, kind="faint")
            if self.needs.more:
                yield line(f"{self.needs.more} more behind it", kind="faint")
        box.border_title = "It asks for a permission" if self.permission else "It asks"

    def _label(self, option: str) -> str:
        said = _SAID.get(option) if self.permission else None
        # Of a label Textual reads the markup.
        return said or one_line(option, _LONGEST).replace("[", "\\[")

    def action_choose(self, option: str) -> None:
        """By its key, where it is an option."""
        if self.permission and option in self.options:
            self._reply(option)

    @on(Button.Pressed)
    def pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self._reply(self.options[int((event.button.id or "-0").rpartition("-")[2])])

    @on(Input.Submitted)
    def submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if event.value.strip():
            self._reply(event.value)

    def _reply(self, words: str) -> None:
        try:
            text = words if words in self.options else replying.meant(self.needs, words)
        except BadInput as error:
            wrong = self.query_one("#wrong", Static)
            wrong.update(one_line(f"{error.message}. {error.hint}"))
            wrong.display = True
        else:
            self.give(Reply(text, self.needs.id))
