"""The screen with all sessions that live: whose each is, since when, and what it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.widgets import OptionList

from inspan.errors import InspanError
from inspan.model.ids import attempt_of, short
from inspan.model.session import Times
from inspan.model.task import Task
from inspan.settings.figures import show_size
from inspan.telling import facts, phrases
from inspan.terminal.sanitize import columns, one_line
from inspan.tui.feed import FAR
from inspan.tui.living import Kind, Living, living
from inspan.tui.screens.listed import Listed
from inspan.tui.theme import MARKS

if TYPE_CHECKING:
    from inspan.tui.app import Cockpit

_NONE: Final = "Nothing runs. A session begins with a task:  inspan add -- make"
_MARKS: Final = {Kind.CHECK: "◐", Kind.SETUP: "◒", Kind.COMMAND: "$", Kind.CODE: "λ"}
#: From so many columns on a row tells these, too.
_WHOSE, _MEASURED, _TIMED = 92, 60, 44


class SessionsScreen(Listed):
    """The list, and beside or under it what is known of the one that is highlighted."""

    HELP_TITLE: ClassVar[str] = "Sessions"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "app.back", "Back"),
        Binding("i", "stop('stop')", "Interrupt"),
        Binding("c", "stop('cancel')", "Cancel"),
    ]

    def __init__(self, app: Cockpit) -> None:
        super().__init__(app, "sessions", _NONE)
        self._alive: dict[str, Living] = {}
        self._times: dict[str, Times] = {}

    @property
    def chosen(self) -> Living | None:
        """The one that is highlighted."""
        return self._alive.get(self.rows.chosen or "")

    @property
    def current(self) -> Task | None:
        """The task that it belongs to."""
        return self.chosen.task if self.chosen is not None else None

    def heard(self, ids: set[str] | None) -> None:
        super().heard(ids)
        self.fill()

    def tick(self) -> None:
        super().tick()
        self.fill()
        self._look()

    def fill(self) -> None:
        uses = self.app.sample.sessions if self.app.sample is not None else ()
        found = living(self.app.known.tasks, uses)
        self._alive = {one.session: one for one in found}
        self.rows.show([(one.session, self._row(one)) for one in found])
        self._none.display = not found  # and the list keeps the keys
        self._tell()

    @on(OptionList.OptionHighlighted)
    def _moved(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self._tell()
        self._look()

    @on(OptionList.OptionSelected)
    def _opened(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if self.chosen is not None:
            self.app.open_session(self.chosen)

    def action_stop(self, verb: str) -> None:
        """End what runs there, if that is meant."""
        if self.current is not None:
            self.app.begin(getattr(self.app.acting, verb)(self.current), verb)

    # ── what has to be asked ──────────────────────────────────────────────────

    def _look(self) -> None:
        if self.chosen is not None and not self._asks:
            self._asks = True
            self.app.begin(self._ask(self.chosen.session), "a look at a session")

    async def _ask(self, session: str) -> None:
        """How much it printed, since when, and on which size, which no event tells."""
        try:
            begun = await self.app.control.times(session, 0, 0, 2)
            now = await self.app.control.times(session, FAR, None, 2)
        except InspanError:
            return  # the header tells, or it has just ended
        finally:
            self._asks = False
        self._times = {session: _joined(begun, now)}
        self._tell()

    # ── drawing ───────────────────────────────────────────────────────────────

    def _row(self, one: Living) -> Text:
        width, now = self.rows.size.width or self.size.width, self.app.clock.now()
        task = one.task
        owns = task is not None and one.kind is Kind.TASK
        style = phrases.STYLES[task.state] if task is not None and owns else "cyan"
        mark = MARKS[task.state] if task is not None and owns else _MARKS.get(one.kind, "●")
        right = ""
        if width >= _WHOSE:
            right += f"  {_whose(one):<12}"
        if width >= _TIMED:
            activity = self.app.known.activities.get(one.owner)
            state = phrases.state(task, activity) if task is not None and owns else one.kind.value
            right += f"  {one_line(state, 16):<{16 if width >= _WHOSE else 8}}"
        if width >= _MEASURED:
            right += f"{_memory(one):>10}{_cpu(one):>7}"
        if width >= _TIMED:
            right += f"{phrases.took(task, now) if task is not None and owns else '':>9} "
        room = max(4, width - 4 - columns(right))
        name = one_line(title(one), room)
        gap = " " * max(0, room - columns(name))
        return Text.assemble((f" {mark} ", style), name + gap, (right, "dim"), no_wrap=True)

    def _tell(self) -> None:
        one = self.chosen
        lines = [] if one is None else list(self._lines_of(one))
        self._about.update(Text("\n").join(lines))

    def _lines_of(self, one: Living) -> list[Text]:
        told = [Text(title(one), style="bold"), Text(one.session, style="dim"), Text()]
        pairs = [("is", one.kind.value)]
        if one.task is not None:
            pairs += _of_task(one.task, one)
        times = self._times.get(one.session)
        if times is not None:
            pairs += [("since", facts.clock(times.began)), ("printed", show_size(times.size))]
            size = f"{times.cols}x{times.rows}" if times.cols else "none: it is on pipes"
            pairs.append(("terminal", size))
        if one.use is not None:
            many = one.use.processes
            pairs.append(("processes", str(many)))
            pairs.append(("memory", _memory(one)))
            pairs.append(("cpu", _cpu(one)))
        told += [Text.assemble((name.ljust(11), "dim"), one_line(text)) for name, text in pairs]
        return told


def title(one: Living) -> str:
    """What a person calls it."""
    name = short(one.owner) if one.task is None else phrases.title(one.task.spec)
    if one.kind is Kind.CHECK:
        return f"{name}: check {one.session.rpartition('-c')[2]}"
    if one.kind is Kind.SETUP:
        return f"{name}: set-up {one.session.rpartition('-s')[2]}"
    if one.kind is Kind.COMMAND:
        return f"{name}: command {one.session.rpartition('-t')[2]}"
    return name


def _of_task(task: Task, one: Living) -> list[tuple[str, str]]:
    pairs = [("task", short(task.id)), ("provider", task.spec.provider)]
    if task.agent is not None:
        model = f", {task.agent.model}" if task.agent.model else ""
        pairs.append(("agent", f"its session {task.agent.id}{model}"))
    pairs.append(("attempt", str(attempt_of(one.session))))
    if task.pid is not None and one.kind is Kind.TASK:
        pairs.append(("process", str(task.pid)))
    if task.needs is not None:
        pairs.append(("asks", task.needs.question))
    return [*pairs, ("folder", task.folder)]


def _whose(one: Living) -> str:
    return one_line(one.task.spec.provider, 12) if one.task is not None else ""


def _memory(one: Living) -> str:
    return "-" if one.use is None else show_size(one.use.rss_bytes)


def _cpu(one: Living) -> str:
    return "-" if one.use is None else f"{one.use.cpu:.0%}"


def _joined(begun: Times, now: Times) -> Times:
    """The beginning of one, and the rest of the other."""
    return Times(
        size=now.size,
        ended=now.ended,
        began=begun.began,
        until=now.until,
        marks=(),
        cols=now.cols,
        rows=now.rows,
    )
