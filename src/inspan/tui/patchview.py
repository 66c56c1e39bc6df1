"""A patch on the screen: only the rows that are seen are drawn, however long it is.

It shows a review and moves in it. What is decided about the changes it never knows.
"""

from __future__ import annotations

from typing import ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from inspan.terminal.sanitize import unveiled
from inspan.tui.moving import moves
from inspan.tui.patch import FilePart, Kind, Line
from inspan.tui.review import Review, line_of

#: From so many columns on both numbers of a line stand before it.
_NUMBERED, _BOTH = 44, 72
#: Characters of a line that are looked at beyond what is shown of it.
_ROOM: Final = 4096
#: Columns that are gone to the side at a time.
_ASIDE: Final = 8
_SIGNS: Final = {Kind.ADDED: "+", Kind.REMOVED: "-", Kind.SAME: " "}
_CLASSES: Final = {
    Kind.FILE: "patch--file",
    Kind.NOTE: "patch--note",
    Kind.HUNK: "patch--hunk",
    Kind.SAME: "patch--same",
    Kind.ADDED: "patch--added",
    Kind.REMOVED: "patch--removed",
}


class PatchView(ScrollView, can_focus=True):
    """Rows, of which one is pointed at."""

    HELP_TITLE: ClassVar[str] = "Reading changes"
    DEFAULT_CSS = """
    PatchView {
        height: 1fr; background: $background; overflow-x: hidden;
        scrollbar-size-vertical: 1; scrollbar-color: $panel; scrollbar-background: $background;
    }
    PatchView > .patch--file { text-style: bold; background: $surface; color: $foreground; }
    PatchView > .patch--note { color: $secondary; text-style: italic; }
    PatchView > .patch--hunk { color: $accent; }
    PatchView > .patch--same { color: $foreground; }
    PatchView > .patch--added { color: $success; }
    PatchView > .patch--removed { color: $error; }
    PatchView > .patch--number { color: $secondary; }
    PatchView > .patch--comment { color: $warning; text-style: bold; }
    PatchView > .patch--pointed { background: $panel; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *_CLASSES.values(),
        "patch--number",
        "patch--comment",
        "patch--pointed",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        *moves("line"),
        Binding("right", "aside(1)", "To the right", show=False),
        Binding("left", "aside(-1)", "To the left", show=False),
        Binding("n", "jump('FILE', 1)", "Next file", show=False),
        Binding("p", "jump('FILE', -1)", "File before", show=False),
        Binding(
            "right_square_bracket", "jump('HUNK', 1)", "Next hunk", key_display="]", show=False
        ),
        Binding(
            "left_square_bracket", "jump('HUNK', -1)", "Hunk before", key_display="[", show=False
        ),
        Binding("space,enter", "fold", "Fold or unfold the file or hunk", show=False),
        Binding("z", "fold_all", "Names of files alone, or all", show=False),
        Binding("m", "match(1)", "Next place that was searched for", show=False),
        Binding("M", "match(-1)", "Place before that was searched for", show=False),
    ]

    class Moved(Message):
        """Another line is pointed at."""

    def __init__(self) -> None:
        super().__init__(id="patch")
        self.review: Review | None = None
        self._row = 0
        self._aside = 0
        self._wide = 1
        self._wanted = ""
        self._found: list[int] = []

    # ── what is shown ─────────────────────────────────────────────────────────

    def show(self, review: Review) -> None:
        """Show it, with the same line pointed at as far as that is there."""
        before = None
        if self.review is not None and self.review.rows:
            before = self.review.anchor(self.line)
        self.review = review
        self._wide = max(3, len(str(_highest(review))))
        self._row = 0 if before is None else review.row_of(review.find(before))
        self._found = review.patch.find(self._wanted) if self._wanted else []
        self.changed()

    def changed(self) -> None:
        """Its rows are others now."""
        rows = 0 if self.review is None else len(self.review.rows)
        self.virtual_size = Size(max(1, self.size.width), rows)
        self._row = max(0, min(self._row, rows - 1))
        self._reveal()
        self.refresh()
        self.post_message(self.Moved())

    @property
    def line(self) -> int:
        """The line that is pointed at; of one that stands for others, it."""
        rows = [] if self.review is None else self.review.rows
        return line_of(rows[self._row]) if rows else 0

    def point(self, line: int) -> None:
        """Point at a line, whatever hides it."""
        if self.review is not None and self.review.rows:
            self.review.reveal(line)
            self._row = self.review.row_of(line)
            self.changed()

    def _reveal(self) -> None:
        region = Region(0, self._row, 1, 1)
        self.scroll_to_region(region, animate=False, force=True, immediate=True)

    def _go(self, row: int) -> None:
        rows = 0 if self.review is None else len(self.review.rows)
        self._row = max(0, min(row, rows - 1))
        self._reveal()
        self.refresh()
        self.post_message(self.Moved())

    # ── what somebody does ────────────────────────────────────────────────────

    def action_step(self, by: int) -> None:
        """The next row, or the one before."""
        self._go(self._row + by)

    def action_page(self, by: int) -> None:
        """A screen on, or back."""
        self._go(self._row + by * max(1, self.size.height - 1))

    def action_edge(self, by: int) -> None:
        """The first, or the last."""
        self._go(0 if by < 0 else self.virtual_size.height)

    def action_aside(self, by: int) -> None:
        """See what stands further to the side."""
        self._aside = max(0, self._aside + by * _ASIDE)
        self.refresh()

    def action_jump(self, kind: str, step: int) -> None:
        """To the next file or hunk, or the one before; it stands at the top, if that can be."""
        if self.review is None:
            return
        at = self.review.next_of(self.line, Kind[kind], step)
        if at is not None:
            self.point(at)
            self.scroll_to(y=self._row, animate=False, immediate=True)

    def action_fold(self) -> None:
        """Fold what the line is of, or unfold it."""
        if self.review is not None and self.review.rows:
            self._row = self.review.row_of(self.review.fold(self.line))
            self.changed()

    def action_fold_all(self) -> None:
        """Only the names of files, or everything."""
        if self.review is not None:
            line = self.line
            self.review.fold_all()
            self._row = self.review.row_of(line)
            self.changed()

    def search(self, words: str) -> int:
        """Find them, and point at the next place; how many there are."""
        self._wanted = words
        self._found = self.review.patch.find(words) if self.review is not None and words else []
        if self._found:
            at = next((one for one in self._found if one >= self.line), self._found[0])
            self.point(at)
        self.refresh()
        return len(self._found)

    def action_match(self, step: int) -> None:
        """To the next place that was searched for, or the one before."""
        if not self._found:
            return
        here = self.line
        on = [one for one in self._found if (one - here) * step > 0]
        self.point((on or self._found)[0 if step > 0 else -1])

    def on_click(self, event: events.Click) -> None:
        self._go(event.y + self.scroll_offset.y)

    def on_resize(self) -> None:
        self.changed()

    # ── drawing ───────────────────────────────────────────────────────────────

    def render_line(self, y: int) -> Strip:
        """One row of the screen."""
        width, at = self.size.width, y + self.scroll_offset.y
        if self.review is None or not 0 <= at < len(self.review.rows):
            return Strip.blank(width, self.rich_style)
        row = self.review.rows[at]
        pointed = at == self._row
        over = self._style("patch--pointed") if pointed else Style()
        parts = self._comment(~row) if row < 0 else self._line(row, width)
        mark = Segment("▌" if pointed else " ", over)
        fill = over if pointed else parts[0].style if _is_head(self.review, row) else None
        drawn = [Segment(part.text, (part.style or Style()) + over) for part in parts]
        strip = Strip([mark, *drawn])
        strip = strip.extend_cell_length(width, fill or Style()).crop(0, width)
        return strip.apply_style(self.rich_style)  # what has no background has that of the screen

    def _comment(self, line: int) -> list[Segment]:
        assert self.review is not None
        words = unveiled(self.review.said(line).replace("\n", " "))
        return [Segment(f" » {words}", self._style("patch--comment"))]

    def _line(self, at: int, width: int) -> list[Segment]:
        assert self.review is not None
        line = self.review.patch.line(at)
        style = self._style(_CLASSES[line.kind])
        if line.kind is Kind.FILE:
            part = self.review.patch.files[self.review.patch.file_at(at)]
            return [Segment(_heading(part, folded=self.review.is_folded(at)), style)]
        text = unveiled(line.text[: self._aside + width + _ROOM])
        if line.kind is Kind.HUNK:
            sign = "▸" if self.review.is_folded(at) else "▾"
            return [Segment(f"{sign} {text}", style)]
        if line.kind is Kind.NOTE:
            return [Segment(f"  {text}", style)]
        numbers = self._numbers(line, width)
        shown = Strip([Segment(text)]).crop(self._aside, self._aside + width).text
        return [
            Segment(numbers, self._style("patch--number")),
            Segment(f"{_SIGNS[line.kind]}", style),
            *self._marked(shown, style),
        ]

    def _marked(self, text: str, style: Style) -> list[Segment]:
        """With what is searched for in reverse."""
        wanted = self._wanted.casefold()
        folded = text.casefold()
        if not wanted or wanted not in folded or len(folded) != len(text):
            return [Segment(text, style)]
        parts, at = [], 0
        while (found := folded.find(wanted, at)) >= 0:
            parts.append(Segment(text[at:found], style))
            at = found + len(wanted)
            parts.append(Segment(text[found:at], style + Style(reverse=True)))
        return [*parts, Segment(text[at:], style)]

    def _numbers(self, line: Line, width: int) -> str:
        wide = self._wide
        if width < _NUMBERED:
            return ""
        if width < _BOTH:
            return f"{line.new or line.old:>{wide}} "
        return f"{line.old or '':>{wide}} {line.new or '':>{wide}} "

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(name, partial=True)


def _is_head(review: Review, row: int) -> bool:
    return row >= 0 and review.patch.kind(row) is Kind.FILE


def _highest(review: Review) -> int:
    """The highest number of a line: that of the last of some file."""
    patch = review.patch
    lasts = (patch.line(part.end - 1) for part in patch.files if part.end > part.first)
    return max((max(line.old, line.new) for line in lasts), default=0)


def _heading(part: FilePart, *, folded: bool) -> str:
    was = f"{unveiled(part.was)} → " if part.was else ""
    counts = f"+{part.added} -{part.removed}" if part.hunks else ""
    words = "  ".join(filter(None, (f"{was}{unveiled(part.name)}", " ".join(part.words), counts)))
    return f"{'▸' if folded else '▾'} {words}"
