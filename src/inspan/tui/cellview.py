"""The blocks of a notebook on the screen: only what is otherwise is drawn anew.

It is told when to look, as often as the screen draws; the newest is seen until somebody scrolls.
"""

from __future__ import annotations

from typing import ClassVar, Final

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from inspan.tui.moving import letters
from inspan.tui.notebook import Notebook
from inspan.tui.picture import Picture
from inspan.tui.pictureview import PictureView

#: Blocks that are put on the screen at a time: a long transcript comes in steps.
_AT_ONCE: Final = 50
#: For so many lines that were drawn one time is passed over, at most so many.
_LINES_EACH, _RESTS_MOST = 80, 5


class CellView(VerticalScroll, can_focus=True):
    """Those of one session."""

    DEFAULT_CSS = """
    CellView { height: 1fr; background: $background; padding: 0 1; scrollbar-size-vertical: 1; }
    CellView > Static { height: auto; width: 1fr; }
    CellView > .-last { margin: 0 0 1 0; }
    """
    HELP_TITLE: ClassVar[str] = "What was run in a code session"
    BINDINGS: ClassVar[list[BindingType]] = [
        *letters("scroll_down", "scroll_up"),
        Binding("enter", "screen.write", "Write", tooltip="write the next cell"),
        Binding("escape", "app.back", "Back"),
        Binding("i", "screen.act('interrupt')", "Interrupt", show=False),
        Binding("a", "screen.answer", "Answer", show=False),
        Binding("s", "screen.act('save')", "Save", tooltip="save its names"),
        Binding("r", "screen.act('restore')", "Restore", tooltip="give back saved names"),
        Binding("x", "screen.act('close')", "End", tooltip="end it, after a question"),
        Binding(
            "R", "screen.act('restart')", "Anew", show=False, tooltip="begin it anew, without names"
        ),
    ]

    def __init__(self, notebook: Notebook) -> None:
        super().__init__(id="cells")
        self._notebook = notebook
        #: Of each block its texts and its images.
        self._shown: dict[str, list[Widget]] = {}
        self._waiting: set[str] = set()
        #: How often it is not drawn from now on: many lines take long.
        self._rests = 0

    def draw(self) -> None:
        """Show what has changed since the last time."""
        self._waiting |= self._notebook.changed()
        if self._rests or not self._waiting:
            self._rests = max(0, self._rests - 1)
            return
        if self.is_vertical_scroll_end:
            self.anchor()  # also where somebody scrolled, and there was nothing to scroll
        blocks = self._notebook.blocks
        gone = [key for key in self._shown if key not in blocks]
        for key in gone:
            self._remove(self._shown.pop(key))
        new: list[Widget] = []
        lines = 0
        for key in [one for one in blocks if one in self._waiting]:
            parts = blocks[key].parts()
            lines += sum(one.plain.count("\n") for one in parts if isinstance(one, Text))
            if key in self._shown:
                self._shown[key] = self._otherwise(self._shown[key], parts)
            elif len(new) < _AT_ONCE:
                self._shown[key] = _widgets(parts)
                new += self._shown[key]
            else:
                continue
            self._waiting.discard(key)
        self._waiting &= set(blocks)
        self._rests = min(_RESTS_MOST, lines // _LINES_EACH)
        if new:
            self.mount(*new)

    def _otherwise(self, widgets: list[Widget], parts: list[Text | Picture]) -> list[Widget]:
        """The block has these parts now; those of the same kinds are drawn by what is there."""
        if [isinstance(one, PictureView) for one in widgets] != [
            isinstance(one, Picture) for one in parts
        ]:
            others = _widgets(parts)
            self.mount(*others, before=widgets[0])
            self._remove(widgets)
            return others
        for widget, part in zip(widgets, parts, strict=True):
            if isinstance(widget, PictureView) and isinstance(part, Picture):
                widget.show(part)
            elif isinstance(widget, Static) and isinstance(part, Text):
                widget.update(part)
        return widgets

    def _remove(self, widgets: list[Widget]) -> None:
        for widget in widgets:
            widget.remove()


def _widgets(parts: list[Text | Picture]) -> list[Widget]:
    made: list[Widget] = [
        PictureView(one) if isinstance(one, Picture) else Static(one, markup=False) for one in parts
    ]
    made[-1].add_class("-last")
    return made
