"""The screen with all of one task: how it is and why, all that happened, and its terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import anyio
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widgets import Static

from inspan.errors import InspanError
from inspan.model.task import Task
from inspan.terminal.canvas import canvas_of
from inspan.terminal.screen import backend
from inspan.tui.detail import Detail, Looked, Looking
from inspan.tui.focus import hand_to
from inspan.tui.pane import Pane
from inspan.tui.screens.frame import Frame
from inspan.tui.whole import whole

if TYPE_CHECKING:
    from inspan.tui.app import Cockpit


class OneTask(Frame):
    """It stays open, with what was known last, where the task is deleted."""

    AUTO_FOCUS = "TerminalView, #detail"
    HELP_TITLE: ClassVar[str] = "One task"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "app.back", "Back"),
        Binding("A", "act('answer')", "Answer"),
        Binding("i", "act('interrupt')", "Interrupt", show=False),
        Binding("u", "act('resume')", "Take up again", show=False),
        Binding("c", "act('cancel')", "Cancel", show=False),
        Binding("D", "detail", "Hide or show the facts", show=False),
    ]

    def __init__(self, app: Cockpit, task_id: str) -> None:
        super().__init__(app, "task")
        self.task_id = task_id
        self._last = app.known.tasks.get(task_id)
        self._looking = Looking(app.control, lines=0)
        self._looked: Looked | None = None
        self._looks = self._opens = False
        self.detail = Detail(app.clock.now, draw=whole)
        self.detail.can_focus = True
        self._unbegun = Static(self._nothing, id="unbegun", markup=False)
        self._output = Container(self._unbegun, id="output")
        self.pane: Pane | None = None

    def show(self, task_id: str) -> None:
        """All of this one, from when it is on the screen."""
        if task_id == self.task_id:
            return
        self.task_id = task_id
        self._last = self.app.known.tasks.get(task_id)
        self._looking, self._looked = Looking(self.app.control, lines=0), None
        self.remove_class("-alone")
        self.detail.show(self._last)
        self.detail.scroll_home(animate=False)
        self._unbegun.update(self._nothing)
        # One that has a terminal shows it in the place of the last, which is empty by now.
        if self.pane is not None and (self._last is None or self._last.session is None):
            self._shown(printed=False)
            hand_to(self.detail)

    @property
    def _nothing(self) -> str:
        """What stands where its terminal will be."""
        begun = self._last is not None and self._last.session is not None
        return "" if begun else "It has printed nothing yet."

    @property
    def current(self) -> Task | None:
        """The task, as it was known last."""
        return self._last

    def body(self) -> ComposeResult:
        yield self._output
        yield self.detail

    def on_mount(self) -> None:
        self.tick()

    def heard(self, ids: set[str] | None) -> None:
        super().heard(ids)
        if ids is None or self.task_id in ids:
            self._last = self.app.known.tasks.get(self.task_id, self._last)
            self.detail.show(self._last, self._looked)
            # What a terminal has drawn by now takes a while to read: the key is answered first.
            self.call_after_refresh(self._look)

    def tick(self) -> None:
        super().tick()
        if self._last is not None and not self._last.done:
            self._look()

    def _look(self) -> None:
        self._open()
        if not self._looks and self._last is not None:
            self._looks = True
            self.app.begin(self._ask(), "a look at a task")

    async def _ask(self) -> None:
        assert self._last is not None
        try:
            self._looked = await self._looking.look(self._last)
        except InspanError:
            return  # the header tells, or it is gone: what was known last stays
        finally:
            self._looks = False
        self.detail.show(self._last, self._looked)

    # ── its terminal ──────────────────────────────────────────────────────────

    def _open(self) -> None:
        """Show the terminal of its newest attempt."""
        if self._last is None or self._last.session is None:
            return
        if self.pane is not None:
            if self.pane.session != self._last.session or not self.pane.display:
                self._shown(printed=True)
                self.pane.show_session(self._last.session)
        elif not self._opens:
            self._opens = True
            self.app.begin(self._opened(self._last.session), "the emulator")

    async def _opened(self, session: str) -> None:
        # The first look for an emulator in a process takes a quarter of a second.
        kind = await anyio.to_thread.run_sync(backend)
        app = self.app
        if not self.is_attached:
            return
        self.pane = Pane(
            app.control,
            session,
            make=canvas_of(kind),
            clock=app.clock,
            fire=app.begin,
            leave=app.leave_key,
        )
        await self._output.mount(self.pane)
        self._shown(printed=True)

    def _shown(self, *, printed: bool) -> None:
        """The terminal, or that there is none yet."""
        assert self.pane is not None
        self._unbegun.display = not printed
        self.pane.display = printed
        if printed and self.focused in (None, self.detail):
            hand_to(self.pane.view)

    def on_screen_suspend(self) -> None:
        if self.pane is not None:
            self.pane.suspend()

    def resumed(self) -> None:
        if self.pane is not None:
            self.call_after_refresh(self.pane.resume)

    # ── what somebody does ────────────────────────────────────────────────────

    def action_act(self, verb: str) -> None:
        """Have something done with it; it may wait for a person."""
        if self._last is not None:
            self.app.act(verb, self._last)

    def action_detail(self) -> None:
        """Give the room of the facts to the terminal; where both do not fit, the other way."""
        self.toggle_class("-alone")
        if self.pane is not None:
            hand_to(self.detail if self.detail.display and self._is_low else self.pane.view)

    @property
    def _is_low(self) -> bool:
        return self.has_class("-low")
