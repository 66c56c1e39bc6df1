"""Where a cell is written: it indents, completes and explains, and hands in what is there.

It knows no session: who completes, explains and runs is told by its messages.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import TextArea

from inspan.model.code import Completion
from inspan.terminal.sanitize import clean

_INDENT: Final = "    "


class CellEditor(TextArea):
    """``Tab`` indents, or completes behind a name; a line behind a colon is indented."""

    HELP_TITLE: ClassVar[str] = "A cell that is written"
    BINDINGS: ClassVar[list[BindingType]] = [
        # What a terminal sends for Ctrl-Enter differs; many send Ctrl-J.
        Binding("f5,ctrl+enter,ctrl+j", "run", "Run", key_display="F5"),
        Binding("tab", "complete", "Complete", tooltip="complete, again: the next that fits"),
        Binding("shift+tab", "explain", "Explain", show=False, tooltip="what a name is"),
        Binding("ctrl+up", "recall(-1)", "Earlier", show=False, tooltip="an earlier cell"),
        Binding("ctrl+down", "recall(1)", "Later", show=False, tooltip="a later cell"),
        Binding("escape", "leave", "Read", tooltip="read what was run"),
    ]

    class Run(Message):
        """Somebody wants it run."""

    class Left(Message):
        """Somebody wants to read."""

    class Completes(Message):
        """Somebody wants to know what could follow."""

    class Offered(Message):
        """What is offered is otherwise, or it is nothing any more."""

    class Explains(Message):
        """Somebody wants to know what the name at the cursor is."""

    class Recalls(Message):
        """Somebody wants an earlier cell, or a later one."""

        def __init__(self, by: int) -> None:
            super().__init__()
            self.by = by

    def __init__(self) -> None:
        super().__init__(
            id="editor",
            soft_wrap=True,
            tab_behavior="focus",
            compact=True,
            placeholder="a cell of Python; F5 or Ctrl-Enter runs it",
        )
        self._offers: Sequence[str] = ()
        self._at = 0
        self._span = ((0, 0), (0, 0))

    @property
    def cursor(self) -> int:
        """Where the cursor is, in characters."""
        row, column = self.cursor_location
        return sum(len(line) + 1 for line in self.document.lines[:row]) + column

    @property
    def offered(self) -> str:
        """What could stand there, in one line, from the one that stands there on; or nothing."""
        at = self._at
        return "  ".join(clean(one) for one in (*self._offers[at:], *self._offers[:at]))

    def offer(self, found: Completion, code: str) -> bool:
        """Put in what could follow, where the text is as it was. False where nothing could."""
        if self.text != code or not found.matches:
            return bool(found.matches)
        self._span = (_place(code, found.start), _place(code, found.end))
        self._offers, self._at = found.matches, 0
        self._put(found.matches[0])
        if len(found.matches) == 1:
            self._offers = ()
        return True

    def give_up(self) -> bool:
        """Offer nothing any more. False where nothing was offered."""
        offered, self._offers = bool(self._offers), ()
        return offered

    def action_complete(self) -> None:
        """Indent at the beginning of a line, complete behind a name; again: the next that fits."""
        if self._offers:
            self._at = (self._at + 1) % len(self._offers)
            self._put(self._offers[self._at])
            self.post_message(self.Offered())
            return
        row, column = self.cursor_location
        before = self.document.get_line(row)[:column]
        if not before.strip() or not (before[-1].isalnum() or before[-1] in "_."):
            self.insert(_INDENT[column % len(_INDENT) :])
            return
        self.post_message(self.Completes())

    def _put(self, text: str) -> None:
        start, end = self._span
        result = self.replace(text, start, end)
        self._span = (start, result.end_location)
        self.move_cursor(result.end_location)

    def action_explain(self) -> None:
        """What the name at the cursor is."""
        self.post_message(self.Explains())

    def action_run(self) -> None:
        """Have it run."""
        self.give_up()
        self.post_message(self.Run())

    def action_recall(self, by: int) -> None:
        """An earlier cell."""
        self.post_message(self.Recalls(by))

    def action_leave(self) -> None:
        """No offers any more; without any, to what was run."""
        self.post_message(self.Offered() if self.give_up() else self.Left())

    def on_key(self, event: events.Key) -> None:
        """Enter keeps the indentation; whatever else is typed ends an offer."""
        if event.key not in ("tab", "escape") and self.give_up():
            self.post_message(self.Offered())
        if event.key == "enter":
            event.prevent_default()
            event.stop()
            row, column = self.cursor_location
            line = self.document.get_line(row)[:column]
            lead = line[: len(line) - len(line.lstrip())]
            more = _INDENT if line.rstrip().endswith(":") else ""
            self.replace(f"\n{lead}{more}", *self.selection, maintain_selection_offset=False)


def _place(text: str, index: int) -> tuple[int, int]:
    """Row and column."""
    before = text[:index]
    return before.count("\n"), len(before) - (before.rfind("\n") + 1)
