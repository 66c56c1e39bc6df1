"""A list of things that come and go: what is highlighted stays so, else its neighbour is.

It knows ids and lines; it never knows what they are of.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from inspan.tui.moving import letters


class Rows(OptionList):
    """``show`` is told all of it each time; only what is otherwise is drawn anew."""

    DEFAULT_CSS = """
    Rows, Rows:focus {
        height: 1fr; max-height: 100%; border: none; padding: 0; background: $background;
        background-tint: $background 0%; overflow-x: hidden;
    }
    Rows > .option-list--option { padding: 0; }
    Rows > .option-list--option-highlighted, Rows:focus > .option-list--option-highlighted {
        background: $panel; color: $foreground; text-style: bold;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        *letters("cursor_down", "cursor_up"),
        Binding("enter", "select", "Open"),
    ]

    class Fitted(Message):
        """They have another width now: what was written for the last one may be cut or broken."""

    def __init__(self, name: str) -> None:
        super().__init__(id=name, markup=False)
        self._width = 0
        self._ids: list[str] = []
        self._said: list[Text] = []

    @property
    def chosen(self) -> str | None:
        """The id of the one that is highlighted."""
        at = self.highlighted
        return self._ids[at] if at is not None and at < len(self._ids) else None

    def choose(self, one: str | None) -> None:
        """Highlight this one, if it is there."""
        if one in self._ids:
            self.highlighted = self._ids.index(one)

    def on_resize(self, event: events.Resize) -> None:
        if event.size.width != self._width:
            self._width = event.size.width
            self.post_message(self.Fitted())

    def show(self, rows: Sequence[tuple[str, Text]]) -> None:
        """These, in this order."""
        ids, said = [one for one, _ in rows], [text for _, text in rows]
        if ids == self._ids:
            for place, text in enumerate(said):
                if text != self._said[place]:
                    self.replace_option_prompt_at_index(place, text)
            self._said = said
            return
        chosen, at = self.chosen, self.highlighted or 0
        self._ids, self._said = ids, said
        self.set_options([Option(text, id=one) for one, text in rows])
        if ids:
            self.highlighted = ids.index(chosen) if chosen in ids else min(at, len(ids) - 1)
