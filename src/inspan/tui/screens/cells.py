"""One code session: what was run in it and what came of it, and a place to write the next cell.

It finds its cells again by the session and the place in its transcript, whichever daemon tells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

import anyio
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import Static

from inspan.errors import DaemonUnreachable, InspanError, NotFound
from inspan.model.code import CodeSession, Wanted
from inspan.terminal.sanitize import clean, one_line
from inspan.tui.background import Fired
from inspan.tui.cellview import CellView
from inspan.tui.coding import called
from inspan.tui.dialogs.line import LineDialog
from inspan.tui.editor import CellEditor
from inspan.tui.focus import hand_to
from inspan.tui.notebook import Notebook, counted
from inspan.tui.reading import Reading
from inspan.tui.screens.frame import Frame

if TYPE_CHECKING:
    from inspan.tui.app import Cockpit

#: Drawings in a second at most.
_FRAMES: Final = 12
#: Lines of what is known of a name.
_EXPLAINED: Final = 8


class Cells(Frame):
    """The blocks, a line of how it stands, and the editor."""

    AUTO_FOCUS = "#editor"
    HELP_TITLE: ClassVar[str] = "A code session"
    BINDINGS: ClassVar[list[BindingType]] = [
        # Of the editor it would select a line.
        Binding(
            "f6",
            "act('interrupt')",
            "Interrupt",
            key_display="F6",
            priority=True,
            tooltip="interrupt the cell; again, after a question, end the process",
        ),
        Binding("f4", "answer", "Answer", show=False, tooltip="answer what a cell waits for"),
        Binding("escape,q", "app.back", "Back", show=False),
    ]

    def __init__(self, app: Cockpit, session: CodeSession) -> None:
        super().__init__(app, "cells")
        self.session = session
        self.notebook = Notebook(drawn=not app.has_class("-colourless"))
        self.view = CellView(self.notebook)
        self.editor = CellEditor()
        self._state = Static("", id="stands", markup=False)
        self._word = Static("", id="word", markup=False)
        self._reading = Reading(app.control, session.id, self.notebook, app.clock, self._troubled)
        self._going: Fired | None = None
        self._asks = self._hands = self._decodes = False
        #: Why nothing comes; as long as that holds.
        self._trouble = ""
        #: Code of which it is not known whether it was taken, and after which event.
        self._unsure: tuple[str, int] | None = None
        #: What was asked for by itself already, and the dialog that asks.
        self._asked: set[str] = set()
        self._asking: LineDialog | None = None
        self._recalled = 0

    def body(self) -> ComposeResult:
        yield self.view

    def below(self) -> ComposeResult:
        yield self._word
        yield self._state
        yield self.editor

    def on_mount(self) -> None:
        self._going = self.app.begin(self._reading.run(), "a code session's transcript")
        self.set_interval(1 / _FRAMES, self._paint)
        self._say("")
        self.tick()

    def on_unmount(self) -> None:
        if self._going is not None:
            self._going.cancel()

    # ── how it stands ─────────────────────────────────────────────────────────

    def tick(self) -> None:
        super().tick()
        if not self._asks:
            self._asks = True
            self.app.begin(self._look(), "a look at a code session")

    async def _look(self) -> None:
        try:
            self.session = await self.app.control.code.get(self.session.id)
        except NotFound as error:
            self._say(error.message)
        except InspanError:
            return  # the header tells
        finally:
            self._asks = False
        if self._trouble:
            self._trouble = ""
            self._say("")
        if self.session.open and self._reading.over:
            self._reading.again()
        self._state.update(self._stands())

    def _stands(self) -> Text:
        one = self.session
        words = [called(one), one.state.value if one.open else "over"]
        if one.pulse is not None and one.open:
            pulse = one.pulse
            words += [f"{pulse.memory_bytes >> 20} MB", f"{pulse.cpu_percent:.0f}% cpu"]
            words.append(counted(pulse.names))
        if one.reason is not None and not one.open:
            words.append(one.reason.message)
        return Text("   ".join(map(one_line, [*words, one.spec.cwd])), no_wrap=True)

    def _troubled(self, why: str) -> None:
        self._trouble = why
        self._say(why)

    def _say(self, words: str) -> None:
        """One thing that a person should know now, or nothing."""
        lines = clean(words).strip("\n").split("\n")[:_EXPLAINED]
        self._word.update(Text("\n").join(Text(line, no_wrap=True) for line in lines))
        self._word.display = bool(words)

    def _paint(self) -> None:
        if self.app.screen is self or isinstance(self.app.screen, ModalScreen):
            self.view.draw()
            if not self._decodes and self.notebook.undecoded() is not None:
                self._decodes = True
                self.app.begin(self._decode(), "images of a code session")
        self._settle()
        wants = self.notebook.wants
        if self._asking is not None and self._asking.wanted not in wants:
            self._asking.give(None)  # somebody else was faster, or it needs it no more
        elif wants and self.app.screen is self and wants[0].request not in self._asked:
            self._asked.add(wants[0].request)
            # What is being written is not to be taken for an answer.
            if self.editor.text:
                self._say(f"the cell asks: {one_line(wants[0].prompt)}   F4 answers")
            else:
                self._answer(wants[0])

    async def _decode(self) -> None:
        """Make points of images, the newest first: what was shown last is looked at."""
        try:
            while self.is_attached and (found := self.notebook.undecoded()) is not None:
                key, picture = found
                await anyio.to_thread.run_sync(picture.decode, abandon_on_cancel=True)
                self.notebook.decoded(key)
        finally:
            self._decodes = False

    # ── what somebody does ────────────────────────────────────────────────────

    @on(CellEditor.Run)
    def _runs(self, event: CellEditor.Run) -> None:
        event.stop()
        code = self.editor.text
        if code.strip() and not self._hands:
            self._hands = True
            self._recalled = 0
            self.app.begin(self._run(code), "a cell")

    async def _run(self, code: str) -> None:
        since = self.notebook.seq
        try:
            await self.app.control.code.execute(self.session.id, code)
        except DaemonUnreachable:
            self._unsure = (code, since)
            raise
        finally:
            self._hands = False
        self._taken(code)

    def _settle(self) -> None:
        """A cell whose daemon went away may have been taken all the same."""
        if self._unsure is not None and self.notebook.entered(*self._unsure):
            code, self._unsure = self._unsure[0], None
            self._taken(code)

    def _taken(self, code: str) -> None:
        self._say("")
        if self.editor.text == code:  # else somebody has written on
            self.editor.text = ""
        self.view.scroll_end(animate=False)

    @on(CellEditor.Left)
    def action_read(self) -> None:
        """The keys go to what was run."""
        self._say("")
        hand_to(self.view)

    def action_write(self) -> None:
        """The keys go to the next cell."""
        hand_to(self.editor)

    def action_act(self, verb: str) -> None:
        """Have something done with the session; it may wait for a person."""
        self.app.begin(self._act(verb), verb)

    async def _act(self, verb: str) -> None:
        done: Any = await getattr(self.app.coding, verb)(self.session)
        if verb == "interrupt" and done is None:
            self._say("nothing runs")
        if verb == "restart" and done is not None and self.app.screen is self:
            self.app.switch_screen(Cells(self.app, done))
            return
        self.tick()

    def action_answer(self) -> None:
        """Give the line that is waited for."""
        if self.notebook.wants and self._asking is None:
            self._answer(self.notebook.wants[0])

    def _answer(self, wanted: Wanted) -> None:
        self._say("")
        self._asking = LineDialog(wanted, called(self.session))
        self.app.begin(self._answers(self._asking), "an answer")

    async def _answers(self, dialog: LineDialog) -> None:
        try:
            taken = await self.app.coding.answer(self.session, dialog.wanted, dialog)
        finally:
            self._asking = None
        if not taken:
            self._say("it waits for that no more")
        elif dialog.wanted in self.notebook.wants and dialog.answer is None:
            self._say("the cell still waits for a line: F4 answers")

    # ── writing ───────────────────────────────────────────────────────────────

    @on(CellEditor.Completes)
    def _completes(self, event: CellEditor.Completes) -> None:
        event.stop()
        self.app.begin(self._complete(self.editor.text, self.editor.cursor), "a completion")

    async def _complete(self, code: str, cursor: int) -> None:
        found = await self.app.control.code.complete(self.session.id, code, cursor)
        if not self.editor.offer(found, code):
            self._say("nothing fits")
        else:
            self._say(self.editor.offered)

    @on(CellEditor.Offered)
    def _offered(self, event: CellEditor.Offered) -> None:
        event.stop()
        self._say(self.editor.offered)

    @on(CellEditor.Explains)
    def _explains(self, event: CellEditor.Explains) -> None:
        event.stop()
        self.app.begin(self._explain(self.editor.text, self.editor.cursor), "an explanation")

    async def _explain(self, code: str, cursor: int) -> None:
        told = await self.app.control.code.inspect(self.session.id, code, cursor)
        self._say(told.get("text/plain") or "nothing is known of that")

    @on(CellEditor.Recalls)
    def _recalls(self, event: CellEditor.Recalls) -> None:
        event.stop()
        codes = self.notebook.codes
        self._recalled = max(-len(codes), min(0, self._recalled + event.by))
        self.editor.text = codes[self._recalled] if self._recalled else ""
        self.editor.move_cursor(self.editor.document.end)
