"""The screen with all keys: first those of the screen below it, then those that hold everywhere."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

from inspan.telling import goals
from inspan.tui.keyhelp import sections
from inspan.tui.theme import MARKS

_WIDE = 22


class Help(ModalScreen[None]):
    """Gone by any of the keys that go back."""

    AUTO_FOCUS = "#help"
    HELP_TITLE: ClassVar[str] = "This help"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,enter", "app.back", "Back"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._kinds: list[type[Any]] = []
        self._told = Static(markup=False)
        self._scrolled = VerticalScroll(self._told, id="help")

    def show(self, below: Screen[Any]) -> None:
        """Help with that screen, from the top."""
        kinds = [type(below), *(type(part) for part in below.walk_children()), type(below.app)]
        if kinds != self._kinds:
            self._kinds = kinds
            self._told.update(Text("\n").join(_lines(kinds)))
        if self._scrolled.is_attached:
            self._scrolled.scroll_home(animate=False)

    def compose(self) -> ComposeResult:
        yield self._scrolled


def _lines(shown: Iterable[type[Any]]) -> Iterable[Text]:
    for name, keys in sections(shown).items():
        yield Text(name, style="bold")
        for key, what in keys:
            yield Text.assemble((f"  {key:<{_WIDE}}", "cyan"), what)
        yield Text()
    yield Text("Signs", style="bold")
    for state, mark in MARKS.items():
        yield Text(f"  {mark}  {state.value}")
    yield Text()
    yield Text("Signs of the steps of a goal", style="bold")
    for step, sign in goals.MARKS.items():
        yield Text(f"  {sign}  {step.value}")
