"""The terminal of one session over the whole screen: watched, typed into, and left again."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import anyio
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Static

from inspan.terminal.canvas import canvas_of
from inspan.terminal.screen import backend
from inspan.tui.focus import hand_to
from inspan.tui.pane import Pane

if TYPE_CHECKING:
    from inspan.tui.app import Cockpit


class TerminalScreen(Screen[None]):
    """One pane. While somebody types into it, it has every key but the one that leaves."""

    app: Cockpit
    DEFAULT_CSS = """
    TerminalScreen > #title { height: 1; background: $panel; }
    """
    HELP_TITLE: ClassVar[str] = "A terminal"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,backspace", "close", "Back"),
    ]

    def __init__(self, app: Cockpit, heading: str, session: str) -> None:
        """``session`` is one, or a task, whose newest it is."""
        super().__init__()
        self._cockpit = app
        self._heading = heading
        self._session = session
        self.pane: Pane | None = None
        self._title = Static(heading, id="title", markup=False)

    def show(self, heading: str, session: str) -> None:
        """That session, from when it is on the screen."""
        self._heading, self._session = heading, session
        self._title.update(heading)
        if self.pane is not None:
            self.pane.show_session(session)
            hand_to(self.pane.view)

    def compose(self) -> ComposeResult:
        yield self._title

    def on_mount(self) -> None:
        self._cockpit.begin(self._open(), "the emulator")

    async def _open(self) -> None:
        # The first look for an emulator in a process takes a quarter of a second.
        kind = await anyio.to_thread.run_sync(backend)
        app = self._cockpit
        self.pane = Pane(
            app.control,
            self._session,
            make=canvas_of(kind),
            clock=app.clock,
            fire=app.begin,
            leave=app.leave_key,
        )
        await self.mount(self.pane)
        hand_to(self.pane.view)

    def on_screen_suspend(self) -> None:
        if self.pane is not None:
            self.pane.suspend()

    def on_screen_resume(self) -> None:
        if self.pane is not None:
            self.pane.resume()

    def action_close(self) -> None:
        """Back to where one came from."""
        self.dismiss()
