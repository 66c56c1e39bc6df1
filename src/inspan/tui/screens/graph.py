"""The screen with what waits for what."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import OptionList, Static

from inspan.model.ids import short
from inspan.telling import phrases
from inspan.tui import branches
from inspan.tui.rows import Rows
from inspan.tui.screens.frame import Frame
from inspan.tui.theme import MARKS

if TYPE_CHECKING:
    from inspan.tui.app import Cockpit


class Graph(Frame):
    """Trees of tasks; one begins when those it waits for have ended well."""

    AUTO_FOCUS = "Rows"
    HELP_TITLE: ClassVar[str] = "What waits for what"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "app.back", "Back")]

    def __init__(self, app: Cockpit) -> None:
        super().__init__(app, "graph")
        self._lines = Rows("graph")
        self._stale = True
        self._none = Static("No task waits for another.  inspan add --after ID -- …", markup=False)

    def body(self) -> ComposeResult:
        yield self._lines
        yield self._none

    def heard(self, ids: set[str] | None) -> None:
        super().heard(ids)
        self._stale = True
        if ids is None:
            self.tick()

    def tick(self) -> None:
        super().tick()
        if self._stale:  # and not with each event: all of it is drawn anew
            self._stale = False
            self._draw()

    def _draw(self) -> None:
        found = list(branches.lines(self.app.known.tasks))
        self._lines.show([(line.task.id, _worded(line)) for line in found])
        self._lines.display, self._none.display = bool(found), not found

    @on(OptionList.OptionSelected)
    def _opened(self, event: OptionList.OptionSelected) -> None:
        if event.option_id is not None:
            self.app.open_task(event.option_id)


def _worded(line: branches.Line) -> Text:
    task = line.task
    also = f"  also after {', '.join(map(short, line.also))}" if line.also else ""
    return Text.assemble(
        (line.lead, "dim"),
        (f"{MARKS[task.state]} ", phrases.STYLES[task.state]),
        phrases.title(task.spec),
        (f"  {task.state.value}", phrases.STYLES[task.state]),
        (f"  {short(task.id)}{also}", "dim"),
        no_wrap=True,
    )
