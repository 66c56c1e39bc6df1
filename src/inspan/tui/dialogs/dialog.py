"""What all dialogs have in common: how they look, how they are left, and what they give.

Each is of use in 60 columns and 16 rows, by keys alone. It knows nothing of what is asked.
"""

from __future__ import annotations

from typing import ClassVar, Final, Generic, TypeVar

import anyio
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import Static

from inspan.terminal.sanitize import clean, one_line

T = TypeVar("T")

#: Characters of a text that are shown: more is for a pager.
_MOST: Final = 20_000


class Dialog(ModalScreen[T | None], Generic[T]):
    """``answer`` is what it gave, once it is ``gone``; ``None`` where it was left."""

    DEFAULT_CSS = """
    Dialog { align: center middle; }
    Dialog > #box {
        width: 92%; max-width: 78; height: auto; max-height: 100%;
        border: round $primary; border-title-style: bold;
        background: $surface; padding: 0 1; overflow-y: auto;
    }
    Dialog .line { width: 1fr; height: auto; }
    Dialog .faint { color: $text-muted; }
    Dialog #buttons { height: auto; width: 1fr; }
    Dialog Button { margin: 0 1 0 0; min-width: 8; }
    Dialog .scrolls { height: auto; max-height: 8; border-left: solid $primary-muted; }
    Dialog .scrolls:focus { border-left: solid $primary; }
    """
    HELP_TITLE: ClassVar[str] = "Dialogs"
    HELP_MORE: ClassVar[tuple[tuple[str, str], ...]] = (("Enter", "take what has the focus"),)
    BINDINGS: ClassVar[list[BindingType]] = [
        # Before any other key is looked at: what is typed on at once is for the next field.
        Binding("tab", "app.focus_next", tooltip="to the next field", show=False, priority=True),
        Binding(
            "shift+tab", "app.focus_previous", tooltip="a field back", show=False, priority=True
        ),
        Binding("escape", "leave", "Leave", tooltip="leave without an answer"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.answer: T | None = None
        self.gone = anyio.Event()

    @property
    def in_front(self) -> bool:
        """Whether it is what is seen; Textual calls those below a dialog current too."""
        return self.is_attached and self.app.screen is self

    def give(self, answer: T | None) -> None:
        """Answer, and go. One that is not in front stays: what lies over it would go."""
        if self.in_front:
            self.answer = answer
            self.dismiss(answer)

    def action_leave(self) -> None:
        """Answer nothing."""
        self.give(None)

    def on_unmount(self) -> None:
        """However it went: dismissed, or taken away with everything else."""
        self.gone.set()


def line(text: str, *, kind: str = "", name: str | None = None) -> Static:
    """``text`` of whoever, as one line that is text and nothing else."""
    return Static(one_line(text), markup=False, classes=f"line {kind}".strip(), id=name)


def lines(text: str, *, kind: str = "", name: str | None = None) -> Static:
    """``text`` of whoever, as it is, without anything that a terminal would obey."""
    cut = text if len(text) <= _MOST else f"{text[:_MOST]}\n…"
    return Static(clean(cut), markup=False, classes=f"line {kind}".strip(), id=name)
