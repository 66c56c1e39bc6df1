"""A recording that is played: with a speed, without the gaps in which nothing came."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import anyio
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Static

from inspan.errors import InspanError
from inspan.model.task import Task
from inspan.telling import phrases
from inspan.terminal.canvas import canvas_of
from inspan.terminal.screen import backend
from inspan.tui.focus import hand_to
from inspan.tui.player import Player
from inspan.tui.view import TerminalView

if TYPE_CHECKING:
    from inspan.tui.app import Cockpit
    from inspan.tui.pane import Running

_KEYS = "space plays · ← → 5 s · shift 60 s · < > speed · 0 start · i idle · Esc back"


class ReplayScreen(Screen[None]):
    """The terminal as it was, and a line that says when."""

    app: Cockpit
    DEFAULT_CSS = """
    ReplayScreen > #title { height: 1; background: $panel; }
    ReplayScreen > TerminalView { height: 1fr; }
    ReplayScreen > #when { height: 1; background: $panel; }
    """
    HELP_TITLE: ClassVar[str] = "A recording"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,backspace", "close", "Back"),
        Binding("space", "flip", "Play"),
        Binding("left", "step(-5)", "Five seconds back", show=False, priority=True),
        Binding("right", "step(5)", "Five seconds on", show=False, priority=True),
        Binding("shift+left", "step(-60)", "A minute back", show=False, priority=True),
        Binding("shift+right", "step(60)", "A minute on", show=False, priority=True),
        Binding("less_than_sign", "faster(-1)", "Half the speed", show=False),
        Binding("greater_than_sign", "faster(1)", "Twice the speed", show=False),
        Binding("0", "start", "From the beginning", show=False),
        Binding("i", "idle", "Keep or cut the waits", show=False),
    ]

    def __init__(self, app: Cockpit, task: Task) -> None:
        super().__init__()
        self._cockpit = app
        self._shows = task
        self._when = Static("", id="when", markup=False)
        self._title = Static("", id="title", markup=False)
        self._view: TerminalView | None = None
        self._going: Running | None = None
        self.player: Player | None = None

    def show(self, task: Task) -> None:
        """The recording of this one, from its beginning, from when it is on the screen."""
        self._end()
        self._shows = task

    def compose(self) -> ComposeResult:
        yield self._title
        yield self._when

    def on_mount(self) -> None:
        self._begin()

    def on_screen_resume(self) -> None:
        if self._when.is_attached:
            self._begin()

    def on_screen_suspend(self) -> None:
        if self not in self.app.screen_stack:  # else something lies over it
            self._end()

    def on_unmount(self) -> None:
        self._end()

    def _begin(self) -> None:
        if self._going is None:
            self._title.update(phrases.title(self._shows.spec))
            self._when.update(f" … · {_KEYS}")
            self._going = self._cockpit.begin(self._play(), "a replay")

    def _end(self) -> None:
        if self._going is not None:
            self._going.cancel()
        self._going = self.player = None
        if self._view is not None:
            self._view.shut()

    async def _play(self) -> None:
        app = self._cockpit
        if self._view is None:
            kind = await anyio.to_thread.run_sync(backend)
            self._view = TerminalView(canvas_of(kind), app.clock)
            await self.mount(self._view, before=self._when)
        view = self._view
        hand_to(view)
        self.player = Player(app.control, self._shows.id, view, app.clock, self._tell)
        self.player.playing = True
        try:
            await self.player.run()
        except InspanError as error:
            self._when.update(str(error))

    def _tell(self) -> None:
        player = self.player
        if player is None or not self.is_mounted:
            return
        sign = "❚❚" if player.playing else "▶"
        idle = "" if player.cuts_idle else " with idle time"
        now, length = _clock(player.moment), _clock(player.recording.length)
        self._when.update(f" {sign} {now} / {length} · {player.speed:g}×{idle} · {_KEYS}")

    def action_flip(self) -> None:
        """Play, or pause."""
        if self.player is not None:
            self.player.flip()

    def action_step(self, seconds: int) -> None:
        """Go on or back."""
        if self.player is not None:
            self.player.step(seconds)

    def action_faster(self, steps: int) -> None:
        """Another speed."""
        if self.player is not None:
            self.player.faster(steps)

    def action_start(self) -> None:
        """From the beginning."""
        if self.player is not None:
            self.player.seek(0)

    def action_idle(self) -> None:
        """Wait where nothing came, or not."""
        if self.player is not None:
            self.player.cuts_idle = not self.player.cuts_idle
            self._tell()

    def action_close(self) -> None:
        """Back to where one came from."""
        self.dismiss()


def _clock(seconds: float) -> str:
    whole = int(seconds)
    hours = f"{whole // 3600}:" if whole >= 3600 else ""
    return f"{hours}{whole // 60 % 60:02}:{whole % 60:02}"
