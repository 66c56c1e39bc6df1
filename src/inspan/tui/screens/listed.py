"""What the screens of sessions have in common: a list, and what is known of the highlighted one."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from inspan.tui.rows import Rows
from inspan.tui.screens.frame import Frame

if TYPE_CHECKING:
    from inspan.tui.app import Cockpit


class Listed(Frame):
    """``nothing`` is said above an empty list; what is known stands beside the list or under it."""

    AUTO_FOCUS = "Rows"

    def __init__(self, app: Cockpit, name: str, nothing: str) -> None:
        super().__init__(app, name)
        self.rows = Rows(name)
        self._none = Static(nothing, markup=False, id="nothing")
        self._about = Static("", markup=False)
        #: Whether something is being asked, and need not be asked again.
        self._asks = False

    def body(self) -> ComposeResult:
        with Vertical(id="living"):
            yield self._none
            yield self.rows
        yield VerticalScroll(self._about, id="about", can_focus=False)

    @abstractmethod
    def fill(self) -> None:
        """Write the rows as wide as they are shown."""
        raise NotImplementedError

    @on(Rows.Fitted)
    def _fitted(self, event: Rows.Fitted) -> None:
        event.stop()
        self.fill()
