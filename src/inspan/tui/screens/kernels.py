"""The screen with all code sessions: how each is, and what it takes; from there into any."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.widgets import OptionList

from inspan.errors import InspanError
from inspan.model.code import CodeSession
from inspan.model.session import CodeState
from inspan.settings.figures import show_duration, show_size
from inspan.telling import facts
from inspan.terminal.sanitize import columns, one_line
from inspan.tui.coding import called
from inspan.tui.notebook import counted
from inspan.tui.screens.listed import Listed

if TYPE_CHECKING:
    from inspan.tui.app import Cockpit

_NONE: Final = "No code session is open. n opens one, as does  inspan py --session NAME"
_MARKS: Final = {
    CodeState.CREATED: ("○", "dim"),
    CodeState.STARTING: ("◐", "cyan"),
    CodeState.READY: ("✓", "green"),
    CodeState.BUSY: ("●", "cyan"),
    CodeState.TERMINATED: ("-", "dim"),
}
#: From so many columns on a row tells these, too.
_NAMED, _MEASURED, _TIMED = 84, 56, 36


class Kernels(Listed):
    """The list, and beside or under it what is known of the one that is highlighted."""

    HELP_TITLE: ClassVar[str] = "Code sessions"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "app.back", "Back"),
        Binding("n", "new", "New", tooltip="open one"),
        Binding(
            "i",
            "act('interrupt')",
            "Interrupt",
            tooltip="interrupt its cell; again, after a question, end its process",
        ),
        Binding("s", "act('save')", "Save", tooltip="save its names"),
        Binding("r", "act('restore')", "Restore", tooltip="give back saved names"),
        Binding("x", "act('close')", "End", tooltip="end it, after a question"),
        Binding("R", "act('restart')", "Anew", show=False, tooltip="begin it anew, without names"),
        Binding("e", "ended", "With ended", show=False, tooltip="those too that are over, or not"),
    ]

    def __init__(self, app: Cockpit) -> None:
        super().__init__(app, "kernels", _NONE)
        self._sessions: dict[str, CodeSession] = {}
        self._ended = False

    @property
    def chosen(self) -> CodeSession | None:
        """The one that is highlighted."""
        return self._sessions.get(self.rows.chosen or "")

    def on_mount(self) -> None:
        self._none.display = False
        self._look()

    def resumed(self) -> None:
        self._look()

    def tick(self) -> None:
        super().tick()
        self._look()

    def _look(self) -> None:
        if not self._asks:
            self._asks = True
            self.app.begin(self._ask(), "a look at code sessions")

    async def _ask(self) -> None:
        try:
            found = await self.app.control.code.list(ended=self._ended)
        except InspanError:
            return  # the header tells
        finally:
            self._asks = False
        self._sessions = {one.id: one for one in found}
        self._none.display = not found
        self.fill()
        self._tell()

    @on(OptionList.OptionHighlighted)
    def _moved(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self._tell()

    @on(OptionList.OptionSelected)
    def _opened(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if self.chosen is not None:
            self.app.open_cells(self.chosen)

    def action_new(self) -> None:
        """Open one."""
        self.app.begin(self._new(), "a new code session")

    async def _new(self) -> None:
        session = await self.app.coding.new()
        if session is not None and self.app.screen is self:
            self.app.open_cells(session)

    def action_act(self, verb: str) -> None:
        """Have something done with it; it may wait for a person."""
        if self.chosen is not None:
            self.app.begin(self._act(verb, self.chosen), verb)

    async def _act(self, verb: str, session: CodeSession) -> None:
        await getattr(self.app.coding, verb)(session)
        self._look()

    def action_ended(self) -> None:
        """Those too that are over, or not."""
        self._ended = not self._ended
        self._look()

    # ── drawing ───────────────────────────────────────────────────────────────

    def fill(self) -> None:
        self.rows.show([(one.id, self._row(one)) for one in self._sessions.values()])

    def _row(self, one: CodeSession) -> Text:
        width = self.rows.size.width or self.size.width
        mark, style = _MARKS[one.state]
        right = f"  {state(one):<10}" if width >= _TIMED else ""
        if width >= _MEASURED:
            right += f"{memory(one):>10}{cpu(one):>7}"
        if width >= _NAMED:
            right += f"{names(one):>12}"
        if width >= _TIMED:
            age = (one.ended_at or self.app.clock.now()) - one.created_at
            right += f"{show_duration(float(int(max(0.0, age)))):>9} "
        room = max(4, width - 4 - columns(right))
        name = one_line(called(one), room)
        gap = " " * max(0, room - columns(name))
        return Text.assemble((f" {mark} ", style), name + gap, (right, "dim"), no_wrap=True)

    def _tell(self) -> None:
        one = self.chosen
        self._about.update(Text("\n").join([] if one is None else _lines(one)))


def _lines(one: CodeSession) -> list[Text]:
    spec, grants = one.spec, one.spec.grants
    pairs = [("is", state(one)), ("why", one.reason.message if one.reason else "")]
    pairs += [("since", facts.clock(one.created_at)), ("cells", str(one.cells))]
    pairs += [("process", f"{one.pid}, run {one.run}" if one.pid else "")]
    if one.open:
        pairs += [("memory", memory(one)), ("cpu", cpu(one)), ("names", names(one))]
    pairs += [("folder", spec.cwd), ("python", spec.python or "")]
    pairs += [("reads", ", ".join(grants.read)), ("writes", ", ".join(grants.write))]
    pairs += [("network", "yes" if grants.net else ""), ("sandbox", grants.sandbox.value)]
    pairs += [("may ask for", ", ".join(grants.capabilities))]
    told = [Text(called(one), style="bold"), Text(one_line(one.id), style="dim"), Text()]
    rows = [(name, one_line(text)) for name, text in pairs if text]
    return told + [Text.assemble((name.ljust(12), "dim"), text) for name, text in rows]


def state(one: CodeSession) -> str:
    """How it is, in a word."""
    if one.open:
        return one.state.value
    return "closed" if one.closed else "over"


def memory(one: CodeSession) -> str:
    """As its last sign of life told."""
    return show_size(one.pulse.memory_bytes) if one.pulse and one.open else "-"


def cpu(one: CodeSession) -> str:
    """The same of processors."""
    return f"{one.pulse.cpu_percent:.0f}%" if one.pulse and one.open else "-"


def names(one: CodeSession) -> str:
    """How many it has."""
    if not one.pulse or not one.open:
        return "-"
    return counted(one.pulse.names)
