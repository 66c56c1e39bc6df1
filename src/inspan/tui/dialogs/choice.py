"""One of several things, by name."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from inspan.terminal.sanitize import one_line
from inspan.tui.dialogs.dialog import Dialog, line, lines


class ChoiceDialog(Dialog[str]):
    """``choices`` are what is given and what is said of it; the first has the keys."""

    DEFAULT_CSS = "ChoiceDialog OptionList { height: auto; max-height: 8; border: none; }"
    AUTO_FOCUS = "#choices"

    def __init__(self, heading: str, text: str, choices: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self.heading, self.text, self.choices = heading, text, choices

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            yield lines(self.text, name="question")
            told = [Option(Text(one_line(words), no_wrap=True)) for _, words in self.choices]
            yield OptionList(*told, id="choices", markup=False)
            yield line("Enter takes it, Esc leaves.", kind="faint")
        box.border_title = self.heading

    @on(OptionList.OptionSelected)
    def selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.give(self.choices[event.option_index][0])
