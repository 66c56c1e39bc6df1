"""The screen with how much is done and what that takes, in the words of ``inspan top``."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, ClassVar, Final

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from inspan.control import Control
from inspan.model.metrics import MetricsQuery, Sample
from inspan.telling import load, phrases
from inspan.tui.known import Known
from inspan.tui.screens.frame import Frame

if TYPE_CHECKING:
    from inspan.tui.app import Cockpit

#: Seconds that the small charts show, and over which durations are told.
_SHOWN: Final = 180
_OVER: Final = 60.0


class Measured:
    """``load.Watched``: the figures as they are now, and those of the last minutes."""

    def __init__(self, control: Control, known: Known) -> None:
        self._control = control
        self._known = known
        self.samples: deque[Sample] = deque(maxlen=_SHOWN)
        self.now = self.minute = Sample(at=0.0, span=0.0)
        self.names: dict[str, str] = {}

    def name(self) -> None:
        for use in self.now.sessions:
            task = self._known.tasks.get(use.owner)
            self.names[use.owner] = phrases.title(task.spec) if task else ""

    async def look(self, *, over: bool) -> None:
        """Ask for what is new; ``over``: and for the last minute as one. Raises InspanError."""
        since = self.samples[-1].at if self.samples else None
        told = await self._control.metrics(MetricsQuery(since=since, limit=_SHOWN))
        self.samples.extend(told.samples)
        self.now = told.now
        if over or not self.minute.span:
            minute = await self._control.metrics(MetricsQuery(since=told.now.at - _OVER, limit=1))
            self.minute = (minute.samples or (told.now,))[-1]


class Load(Frame):
    """Rates, what waits, durations, the database, memory and processors."""

    AUTO_FOCUS = "#load"
    HELP_TITLE: ClassVar[str] = "How much is done"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "app.back", "Back"),
        Binding("s", "sort", "Sort sessions"),
    ]

    def __init__(self, app: Cockpit) -> None:
        super().__init__(app, "load")
        self._figures = Static("", markup=False, id="figures")
        self._sort = "cpu"

    def body(self) -> ComposeResult:
        with VerticalScroll(id="load"):
            yield self._figures

    def resumed(self) -> None:
        self.draw()
        self.app.begin(self.app.measure(), "a look at the figures")

    def draw(self) -> None:
        """The figures as they are known."""
        if not self.app.measured.samples or not self.size:
            return
        width = self.size.width - 4
        lines = load.picture(self.app.measured, self._sort, width=width)
        self._figures.update(
            Text("\n").join(Text(line, style=style, no_wrap=True) for line, style in lines)
        )

    def action_sort(self) -> None:
        """The other order of sessions."""
        self._sort = "memory" if self._sort == "cpu" else "cpu"
        self.draw()
