"""A dialog of fields in a column, choices below them, and one button that takes it all.

Enter in a field does as the button does. What is asked, and what is made of it, its heirs know.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import ClassVar, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input, Select, Static

from inspan.model.value import value
from inspan.tui.dialogs.dialog import Dialog, line

T = TypeVar("T")


@value
class Field:
    """A line to write in, by its id; ``hint`` is shown while it is empty."""

    id: str
    said: str
    hint: str


@value
class Choice:
    """One of ``options``, each as it is shown and as it is kept; ``held`` is chosen at first."""

    id: str
    said: str
    options: Sequence[tuple[str, str]]
    held: str


class Form(Dialog[T]):
    """Heirs bind a key to ``make``, and fill in the rest."""

    DEFAULT_CSS = """
    Form .row { height: 1; }
    Form .row Static { width: 9; }
    Form .row Input, Form .row Select { width: 1fr; }
    Form #wrong { color: $error; display: none; }
    """
    HEADING: ClassVar[str]
    FIELDS: ClassVar[tuple[Field, ...]]
    #: The id of the button, what is on it, and what it does to it, as in "Ctrl-S starts it".
    BUTTON: ClassVar[tuple[str, str, str]] = ("start", "Start", "starts")
    #: What is said where it cannot be taken as it is.
    WRONG: ClassVar[str] = ""

    @abstractmethod
    def held(self) -> Iterable[str]:
        """What the fields hold at first, in their order."""
        raise NotImplementedError

    @abstractmethod
    def choices(self) -> Iterable[Choice]:
        """What is chosen below them."""
        raise NotImplementedError

    @abstractmethod
    def made(self) -> T | None:
        """What is written, as one thing; ``None`` where something is wrong with it."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        name, label, does = self.BUTTON
        with Vertical(id="box") as box:
            for field, held in zip(self.FIELDS, self.held(), strict=True):
                with Horizontal(classes="row"):
                    yield Static(field.said, markup=False)
                    yield Input(held, placeholder=field.hint, id=field.id, compact=True)
            for choice in self.choices():
                with Horizontal(classes="row"):
                    yield Static(choice.said, markup=False)
                    yield Select(
                        choice.options,
                        value=choice.held,
                        allow_blank=False,
                        id=choice.id,
                        compact=True,
                    )
            if self.WRONG:
                yield Static(self.WRONG, id="wrong", markup=False)
            with Horizontal(id="buttons"):
                yield Button(label, id=name, compact=True)
            yield line(f"Enter in a field or Ctrl-S {does} it, Esc leaves.", kind="faint")
        box.border_title = self.HEADING

    @on(Button.Pressed)
    def pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.action_make()

    @on(Input.Submitted)
    def submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_make()

    def action_make(self) -> None:
        """Give what is written, where it can be taken."""
        made = self.made()
        if made is None:
            self.query_one("#wrong").display = True
            return
        self.give(made)

    def written(self) -> dict[str, str]:
        """The fields, by their ids."""
        return {
            field.id: self.query_one(f"#{field.id}", Input).value.strip() for field in self.FIELDS
        }

    def chosen(self, name: str) -> str:
        """What is chosen, as it is kept."""
        return str(self.query_one(f"#{name}", Select).value)
