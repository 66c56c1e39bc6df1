"""One task beside the list: how it is and why, its attempts and checks, what it printed last."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from rich.text import Text

from inspan.control import Control, EventQuery
from inspan.errors import IllegalTransition
from inspan.model import setup
from inspan.model.activity import Activity
from inspan.model.event import Event
from inspan.model.ids import short
from inspan.model.task import ACTIVE, Task
from inspan.telling import facts, phrases
from inspan.terminal.sanitize import one_line
from inspan.tui.lines import Lines, Pair
from inspan.tui.tail import Tail

_NAME_WIDE: Final = 12
#: Events that are read at a time, and kept: those before them are in `inspan events`.
_EVENTS_PAGE, _EVENTS_MOST = 1000, 5000
_SHOWN_EVENTS: Final = 6
_LINES: Final = 12


@dataclass(frozen=True, slots=True)
class Looked:
    """What had to be asked about a task beside itself."""

    task: str
    activity: Activity | None = None
    events: Sequence[Event] = ()
    lines: Sequence[str] = ()


#: What is told of a task, with what was looked up and the time that it is.
Draw: TypeAlias = Callable[[Task, Looked | None, float], Iterable[Text]]


class Looking:
    """Asks for what a task's value does not hold."""

    def __init__(self, control: Control, *, lines: int = _LINES) -> None:
        """``lines``: of what it printed, so many; with none of them no recording is read."""
        self._control = control
        self._lines = lines
        self._tail: Tail | None = None
        #: What happened to the task that was looked at last, which is read on.
        self._events: list[Event] = []

    async def look(self, task: Task) -> Looked:
        """All of it, now. Raises InspanError."""
        activity = None
        if task.state in ACTIVE and task.pid is not None:
            try:
                activity = await self._control.activity(task.id)
            except IllegalTransition:
                activity = None  # it has just ended
        await self._read_on(task)
        lines: Sequence[str] = ()
        if task.session is not None and self._lines:
            step = setup.running(task)
            session = task.session if step is None else step.session
            if self._tail is None or self._tail.session != session:
                self._tail = Tail(self._control, session)
            lines = await self._tail.lines(self._lines)
        return Looked(task.id, activity, tuple(self._events), lines)

    async def _read_on(self, task: Task) -> None:
        if self._events and self._events[0].task != task.id:
            self._events = []
        while True:
            since = self._events[-1].seq if self._events else 0
            query = EventQuery(task=task.id, since=since, limit=_EVENTS_PAGE)
            page = await self._control.history(query)
            self._events = [*self._events, *page][-_EVENTS_MOST:]
            if len(page) < _EVENTS_PAGE:
                return


NO_TASK: Final = "No task yet. `inspan add -- make` makes one."


class Detail(Lines):
    """The pane."""

    def __init__(self, now: Callable[[], float], *, draw: Draw | None = None) -> None:
        """``draw``: what is told of a task; the most important where nothing is said."""
        super().__init__("detail")
        self._now = now
        self._draw = draw or drawn
        #: What is said where there is no task.
        self.nothing = NO_TASK

    def show(self, task: Task | None, looked: Looked | None = None) -> None:
        """Show a task, with what was asked about it where that is of this one."""
        if task is None:
            self.fill([Text(self.nothing, style="dim")])
            return
        fitting = looked if looked is not None and looked.task == task.id else None
        self.fill(self._draw(task, fitting, self._now()))


def drawn(task: Task, looked: Looked | None, now: float) -> Iterator[Text]:
    """The lines, with some of the last events, and of what it printed."""
    activity = looked.activity if looked else None
    yield Text(phrases.title(task.spec), style="bold")
    yield Text.assemble(
        (phrases.state(task, activity), phrases.STYLES[task.state]),
        (f"  {short(task.id)}  {phrases.took(task, now)}", "dim"),
    )
    yield Text()
    if activity is not None and activity.doing.value != "unknown":
        yield _pair("doing", one_line(phrases.doing(activity, now)))
    for pairs in (facts.why(task, now), facts.what(task), facts.when(task, now)):
        for name, value in pairs:
            yield _pair(name, value)
    yield _pair("folder", one_line(task.folder))
    if looked is None:
        return
    for name, value in facts.attempts(looked.events):
        yield _pair(name, value)
    if looked.events:
        yield from _section("What happened")
    for event in looked.events[-_SHOWN_EVENTS:]:
        yield Text.assemble(
            (facts.clock(event.at)[11:] + "  ", "dim"), event.kind + facts.detail(event.fact)
        )
    if not looked.lines:
        return
    yield from _section("What it printed last")
    for line in looked.lines:
        yield Text(one_line(line), no_wrap=True, overflow="ellipsis")


def _section(name: str) -> Iterator[Text]:
    yield Text()
    yield Text(name, style="bold dim")


def _pair(name: str, value: str) -> Text:
    return Pair(name, value, _NAME_WIDE)
