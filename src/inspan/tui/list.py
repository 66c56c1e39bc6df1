"""The list of tasks on the screen: only the rows that are seen are drawn, however many there are.

What is selected is a task, not a row: it stays selected, and where it was on the screen, when
others come, go or change their group; where it is deleted, its neighbour is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from inspan.model.task import Task
from inspan.telling import phrases
from inspan.telling.groups import Group
from inspan.terminal.sanitize import columns, one_line
from inspan.tui.known import Known
from inspan.tui.listing import Head, Listing, More
from inspan.tui.moving import moves
from inspan.tui.theme import MARKS

#: From so many columns on a row tells its state in a word too, and its time.
_STATED, _TIMED = 52, 36
_STATE_WIDE, _TIME_WIDE = 13, 8


class TaskList(ScrollView, can_focus=True):
    """All tasks in their groups."""

    HELP_TITLE: ClassVar[str] = "Tasks"
    COMPONENT_CLASSES: ClassVar[set[str]] = {"tasks--head", "tasks--dim", "tasks--selected"}
    BINDINGS: ClassVar[list[BindingType]] = [
        *moves("task"),
        Binding("enter", "open", "Open", tooltip="all of a task"),
    ]

    class Selected(Message):
        """Another task is selected, or what is known of it has changed."""

        def __init__(self, task: Task | None) -> None:
            super().__init__()
            self.task = task

    class Opened(Message):
        """Somebody wants to see all of a task."""

        def __init__(self, task: Task) -> None:
            super().__init__()
            self.task = task

    def __init__(
        self, known: Known, more: Callable[[Group], None], now: Callable[[], float]
    ) -> None:
        super().__init__(id="tasks")
        self.listing: Final = Listing()
        self.selected: str | None = None
        self._known = known
        self._more = more
        self._now = now
        self._wanted = ""
        self._row = 0
        self._expected: str | None = None
        #: What stands before the name of a task, where there is something.
        self.before: Callable[[Task], str] = lambda _: ""

    @property
    def current(self) -> Task | None:
        """The one that is selected."""
        return self.listing.get(self.selected)

    # ── what is known ─────────────────────────────────────────────────────────

    def want(self, words: str) -> None:
        """Show only tasks that these words are said of."""
        self._wanted, self._expected = words, None
        self.changed(None)

    def changed(self, ids: Collection[str] | None) -> None:
        """Draw what is known now; of ``ids``, or of all."""
        place = self.listing.place(self.selected)
        on_screen = None if place is None else place - self.scroll_offset.y
        before = self.current
        if ids is None:
            self.listing.fill(self._known.tasks.values(), self._wanted)
        else:
            for task_id in ids:
                task = self._known.tasks.get(task_id)
                if task is None:
                    self.listing.drop(task_id)
                else:
                    self.listing.put(task)
        self.listing.older = set(self._known.older)
        self._fit()
        self._stay(on_screen)
        self.refresh()
        if self._expected is not None:
            self.expect(self._expected)
        if self.current is not before:
            self.post_message(self.Selected(self.current))

    def _fit(self) -> None:
        self.virtual_size = Size(max(1, self.size.width), len(self.listing))

    def _stay(self, on_screen: int | None) -> None:
        """Keep the selected task selected, and where it was seen."""
        place = self.listing.place(self.selected)
        if place is None:
            task = self.listing.near(self._row)
            if task is not None:  # else it is found again, where a search left nothing
                self.selected = task.id
            place = self.listing.place(self.selected)
        elif on_screen is not None and 0 <= on_screen < self.size.height and place != self._row:
            top = max(0, place - on_screen)
            if self._row - on_screen > 0:  # who sees the first rows goes on seeing them
                self.scroll_to(y=top, animate=False, immediate=True)
        if place is not None:
            self._row = place
            self._reveal()

    def _reveal(self) -> None:
        """Have the selected row on the screen, with a heading above it or older ones below it."""
        top = self._row - (1 if isinstance(self.listing.row(self._row - 1), Head) else 0)
        # What is drawn of the older ones has them read: unseen, nobody would come to them.
        end = self._row + (1 if isinstance(self.listing.row(self._row + 1), More) else 0)
        region = Region(0, top, 1, end - top + 1)
        self.scroll_to_region(region, animate=False, force=True, immediate=True)

    # ── what somebody does ────────────────────────────────────────────────────

    def expect(self, task_id: str) -> None:
        """Select this task as soon as it is there, unless somebody selects another first."""
        self._expected = task_id
        if self.listing.place(task_id) is not None:
            self.select(task_id)

    def select(self, task_id: str) -> None:
        """Select this task."""
        self._expected = None
        place = self.listing.place(task_id)
        if place is None or task_id == self.selected:
            return
        before, self.selected, self._row = self._row, task_id, place
        for row in (before, place):  # where it scrolls, all is drawn anew by that
            self.refresh_line(row)
        self._reveal()
        self.post_message(self.Selected(self.current))

    def action_step(self, by: int) -> None:
        """The next task, or the one before."""
        self._go(self._row + by, by)

    def action_page(self, by: int) -> None:
        """A screen on, or back."""
        self._go(self._row + by * max(1, self.size.height - 1), by)

    def action_edge(self, by: int) -> None:
        """The first task, or the last that is known."""
        self._go(len(self.listing) - 1 if by > 0 else 0, -by)

    def action_open(self) -> None:
        """See all of it."""
        if self.current is not None:
            self.post_message(self.Opened(self.current))

    def _go(self, row: int, by: int) -> None:
        task = self.listing.near(row, by)
        if task is not None:
            self.select(task.id)

    def on_click(self, event: events.Click) -> None:
        row = self.listing.row(event.y + self.scroll_offset.y)
        if isinstance(row, Task):
            if event.chain > 1 and row.id == self.selected:
                self.action_open()
            self.select(row.id)

    def on_resize(self) -> None:
        self._fit()
        self._reveal()

    # ── drawing ───────────────────────────────────────────────────────────────

    def render_line(self, y: int) -> Strip:
        """One row of the screen."""
        width = self.size.width
        row = self.listing.row(y + self.scroll_offset.y)
        match row:
            case None:
                strip = Strip.blank(width, self.rich_style)
            case Head(group):
                strip = self._head(group, width)
            case More(group):
                self._more(group)
                left = self._known.number(group) - self.listing.count(group)
                words = f"    {left} older" if left > 0 and not self._wanted else "    older ones"
                strip = Strip([Segment(words, self._style("tasks--dim"))])
            case _:
                strip = self._line(row, width)
        return strip.extend_cell_length(width, self.rich_style).crop(0, width)

    def _head(self, group: Group, width: int) -> Strip:
        shown = self.listing.count(group) if self._wanted else self._known.number(group)
        style = self._style("tasks--head")
        words = f"{group.value} "
        number = f"{shown} "
        rule = "─" * max(0, width - len(words) - len(number) - 2)
        dim = self._style("tasks--dim")
        return Strip([Segment(f" {words}", style), Segment(number, dim), Segment(rule, dim)])

    def _line(self, task: Task, width: int) -> Strip:
        chosen = task.id == self.selected
        base = self._style("tasks--selected") if chosen else self.rich_style
        state = phrases.state(task, self._known.activities.get(task.id))
        colour = base + Style.parse(phrases.STYLES[task.state])
        dim = base + Style(dim=True)
        right = phrases.took(task, self._now()).rjust(_TIME_WIDE) if width >= _TIMED else ""
        word = f"  {state}".rjust(_STATE_WIDE) if width >= _STATED else ""
        room = max(4, width - 4 - len(right) - len(word) - 2)
        name, why = _parted(
            self.before(task) + phrases.title(task.spec), phrases.reason(task), room
        )
        gap = " " * max(0, room - columns(name) - columns(why))
        return Strip(
            [
                Segment("▌" if chosen else " ", base),
                Segment(f"{MARKS[task.state]} ", colour),
                Segment(f" {name}", base + Style(bold=True) if chosen else base),
                Segment(why + gap, dim),
                Segment(word, colour),
                Segment(right + "  ", dim),
            ]
        )

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(name)


def _parted(name: str, why: str, room: int) -> tuple[str, str]:
    """What it is, and why it is so; where both are too long each has a part of the room."""
    if not why:
        return one_line(name, room), ""
    wanted = columns(name)
    if wanted + columns(why) + 3 > room:
        name = one_line(name, max(room // 2, room - columns(why) - 3))
    left = room - columns(name) - 3
    return name, f" — {one_line(why, left)}" if left > 8 else ""
