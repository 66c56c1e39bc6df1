"""The steps of a plan as a graph on the screen: one is pointed at, and its lines are told apart.

Only what is seen of it is drawn, however large it is. Whose steps they are it never knows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from inspan.model.pursuit import StepState
from inspan.telling.goals import MARKS, STYLES
from inspan.telling.linegraph import LineGraph, Lines, Place
from inspan.terminal.sanitize import columns, one_line
from inspan.tui.moving import moves

#: From so many columns on a name may be longer.
_WIDE: Final = 60
_NAME_MOST: Final = {True: 24, False: 16}
#: What is seen around the one that is pointed at, where there is room: its lines begin there.
_AROUND: Final = 6
_UPRIGHT: Final = "│"


class GraphView(ScrollView, can_focus=True):
    """Names with what each waits for."""

    HELP_TITLE: ClassVar[str] = "A graph of steps"
    DEFAULT_CSS = """
    GraphView { height: 1fr; background: $background; scrollbar-size: 1 1;
        scrollbar-color: $panel; scrollbar-background: $background; }
    GraphView > .graph--line { color: $secondary; }
    GraphView > .graph--its { color: $accent; text-style: bold; }
    GraphView > .graph--pointed { background: $panel; text-style: bold; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"graph--line", "graph--its", "graph--pointed"}
    BINDINGS: ClassVar[list[BindingType]] = [
        *moves("step"),
        Binding("right", "aside(1)", "What waits for it", show=False),
        Binding("left", "aside(-1)", "What it waits for", show=False),
        Binding("enter", "open", "Open", tooltip="the task of a step"),
    ]

    class Pointed(Message):
        """Another step is pointed at."""

    class Opened(Message):
        """Somebody wants to see the task of a step."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(self) -> None:
        super().__init__(id="steps-graph")
        #: The one that is pointed at.
        self.chosen: str | None = None
        self._after: Mapping[str, Sequence[str]] = {}
        self._states: Mapping[str, StepState] = {}
        self._graph: LineGraph | None = None
        self._its = Lines()
        #: Those of a row.
        self._places: dict[int, list[Place]] = {}
        self._most = 0

    # ── what is shown ─────────────────────────────────────────────────────────

    def show(self, after: Mapping[str, Sequence[str]], states: Mapping[str, StepState]) -> None:
        """These steps, each with what it waits for and how it is."""
        if states != self._states:
            self._states = states
            self.refresh()
        if after != self._after:
            self._after = after
            self._arrange()

    def point(self, name: str | None) -> None:
        """Point at this one, if it is there."""
        if self._graph is None or name not in self._graph.places:
            return
        if name != self.chosen:
            self.chosen = name
            self._its = self._graph.lines_of(name)
            self.refresh()
            self.post_message(self.Pointed())
        self._reveal()

    def _arrange(self) -> None:
        """Find the place of each anew."""
        self._most = _NAME_MOST[self.size.width >= _WIDE]
        wide = {name: 2 + min(columns(name), self._most) for name in self._after}
        graph = LineGraph(self._after, wide) if self._after else None
        self._graph, chosen, self.chosen = graph, self.chosen, None
        self._places = {}
        self.virtual_size = Size(0, 0) if graph is None else Size(graph.width + 2, graph.height)
        if graph is not None:
            for place in graph.places.values():
                self._places.setdefault(place.row, []).append(place)
            self.point(chosen if chosen in graph.places else next(iter(self._after)))
        self.refresh()

    def _reveal(self) -> None:
        if self._graph is not None and self.chosen is not None:
            place = self._graph.places[self.chosen]
            around = min(_AROUND, max(0, (self.size.width - place.wide) // 2))
            region = Region(place.x - around, place.row - 1, place.wide + 2 + 2 * around, 3)
            self.scroll_to_region(region, animate=False, force=True, immediate=True)

    # ── what somebody does ────────────────────────────────────────────────────

    def action_step(self, by: int) -> None:
        """The next in its column, or the one before."""
        if self._graph is not None and self.chosen is not None:
            self.point(self._graph.along(self.chosen, by))

    def action_page(self, by: int) -> None:
        """A screen on, or back."""
        self.action_step(by * max(1, self.size.height // 2))

    def action_edge(self, by: int) -> None:
        """The last in its column, or the first."""
        self.action_step(by * len(self._after))

    def action_aside(self, by: int) -> None:
        """What waits for it, or what it waits for."""
        if self._graph is not None and self.chosen is not None:
            self.point(self._graph.beside(self.chosen, by))

    def action_open(self) -> None:
        """See its task."""
        if self.chosen is not None:
            self.post_message(self.Opened(self.chosen))

    def on_click(self, event: events.Click) -> None:
        for place in () if self._graph is None else self._graph.places.values():
            x = event.x + self.scroll_offset.x - 1
            if place.row == event.y + self.scroll_offset.y and 0 <= x - place.x < place.wide:
                if event.chain > 1 and place.name == self.chosen:
                    self.action_open()
                self.point(place.name)

    def on_resize(self) -> None:
        most = _NAME_MOST[self.size.width >= _WIDE]
        if most != self._most:
            self._arrange()
        self._reveal()

    # ── drawing ───────────────────────────────────────────────────────────────

    def render_line(self, y: int) -> Strip:
        """One row of the screen."""
        width, left = self.size.width, self.scroll_offset.x
        if self._graph is None:
            return Strip.blank(width, self.rich_style)
        # One column is free before the first name, for the sign of what is pointed at.
        cells = self._row(self._graph, y + self.scroll_offset.y, left - 1, left - 1 + width)
        strip = Strip(cells).extend_cell_length(width).crop(0, width)
        return strip.apply_style(self.rich_style)

    def _row(self, graph: LineGraph, y: int, begin: int, end: int) -> Iterator[Segment]:
        plain, own = self._style("graph--line"), self._style("graph--its")
        cells = {x: Segment(sign, plain) for x, sign in graph.lines.row(y, begin, end).items()}
        for x, sign in self._its.row(y, begin, end).items():
            crossed = x in cells and cells[x].text == _UPRIGHT
            cells[x] = Segment(sign if crossed or x not in cells else cells[x].text, own)
        for place in self._places.get(y, ()):
            if place.x - 1 < end and begin < place.x + place.wide:
                cells.update(self._cells(place))
        blank = Segment(" ")
        return (cells.get(x, blank) for x in range(begin, end))

    def _cells(self, place: Place) -> Iterator[tuple[int, Segment]]:
        """The cells of a name, with the sign of its state before it."""
        over = self._style("graph--pointed") if place.name == self.chosen else Style()
        state = self._states[place.name]
        style = Style.parse(STYLES[state]) + over
        if place.name == self.chosen:
            yield place.x - 1, Segment("▌", over)
        yield place.x, Segment(MARKS[state], style)
        yield place.x + 1, Segment(" ", over)
        words = one_line(place.name, place.wide - 2)
        for at, sign in enumerate(words, 2):
            yield place.x + at, Segment(sign, style)

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(name, partial=True)
