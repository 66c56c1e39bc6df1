"""The screen with all that happened lately."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from inspan.model.event import Event
from inspan.tui.log import Log
from inspan.tui.screens.frame import Frame

if TYPE_CHECKING:
    from inspan.tui.app import Cockpit


class Happened(Frame):
    """Events of all tasks."""

    AUTO_FOCUS = "Log"
    HELP_TITLE: ClassVar[str] = "What happened"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "app.back", "Back")]

    def __init__(self, app: Cockpit) -> None:
        super().__init__(app, "log")
        self._log_lines = Log(app.known, name="all-log")
        #: The last that it tells; what happens while it is not shown is told when it is.
        self._seq = 0

    def body(self) -> ComposeResult:
        yield self._log_lines

    def on_mount(self) -> None:
        self.told(self.app.happened)

    def resumed(self) -> None:
        self.told(self.app.happened)

    def told(self, events: list[Event]) -> None:
        if not self._log_lines.is_attached:
            return  # it hears what happens from when it is pushed on, before it is there
        fresh = [event for event in events if event.seq > self._seq]
        if fresh:
            self._seq = fresh[-1].seq
            self._log_lines.tell(fresh)
