"""One terminal on the screen: it draws, scrolls, finds and copies what it is fed.

Where the bytes come from, and where keys go, is somebody else's (``pane``, ``player``). At most
thirty times a second what has changed is drawn, and nothing while it is not seen. What comes right
after a key is drawn at once, and what comes after that waits the longer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Final

from rich.cells import cell_len
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip
from textual.timer import Timer

from inspan.terminal.canvas import Canvas, Frame, Make, Row, bounded
from inspan.terminal.marks import Marks
from inspan.terminal.sanitize import clean
from inspan.tui.clock import Clock
from inspan.tui.keys import encoded, pasted
from inspan.tui.pointing import Pointer
from inspan.tui.strips import strip_of, text_of

#: Seconds between two drawings.
REDRAW: Final = 1 / 30
#: For so long after a key what comes may be its echo.
ECHO: Final = 0.2
#: So far may drawings be ahead of their time: what a program prints otherwise may come before.
AHEAD: Final = 2 * REDRAW
#: A program that began a frame is given so long to complete it, in seconds.
FRAME_MOST: Final = 0.2
#: A timer of Textual cannot be of no time.
_SOON: Final = 0.001
_EMPTY: Final = Frame((), 0, 0, None)


@dataclass(frozen=True, slots=True)
class Match:
    """Where something was found: a row of the history, and columns."""

    row: int
    start: int
    end: int


class TerminalView(ScrollView, can_focus=True):
    """The terminal. While ``keys`` is set, what is typed goes there, whatever it is."""

    DEFAULT_CSS = """
    TerminalView { background: $background; color: $foreground; scrollbar-size: 0 1; }
    TerminalView > .terminal--void { background: $surface; }
    TerminalView > .terminal--found { background: $warning; color: $background; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"terminal--void", "terminal--found"}

    def __init__(self, make: Make, clock: Clock) -> None:
        super().__init__()
        self._make = make
        self._clock = clock
        self._canvas: Canvas | None = None
        self._cols, self._rows = 0, 0
        self._marks = Marks()
        self._frame = _EMPTY
        self._strips: list[Strip | None] = []
        self._timer: Timer | None = None
        #: When the program was last typed into.
        self.typed_at = float("-inf")
        #: When it is drawn next at the earliest.
        self._next_at = 0.0
        self._dirty = self._at_once = False
        self._held_since: float | None = None
        self._following = True
        #: Where keys, pastes and the mouse go; ``None``: they are ours.
        self.keys: Callable[[bytes], None] | None = None
        #: A key that is always left to others.
        self.leave_key = ""
        self.matches: list[Match] = []
        self._pointer = Pointer()
        #: Whether cells tell their places, as somebody who selects by the mouse wants to know: that
        #: makes a style of each, and is dear.
        self._placed = True
        #: How often it was drawn.
        self.redraws = 0

    # ── what it is fed ────────────────────────────────────────────────────────

    @property
    def open(self) -> bool:
        """Whether it holds an emulator."""
        return self._canvas is not None

    @property
    def terminal_size(self) -> tuple[int, int]:
        """Columns and rows of the terminal, not of the widget."""
        return self._cols, self._rows

    def begin(self, cols: int, rows: int) -> None:
        """A new terminal in the place of what there was."""
        self.shut()
        self._cols, self._rows = bounded(cols, rows)
        self._canvas = self._make(self._cols, self._rows)
        self._changed()

    def feed(self, data: bytes) -> None:
        """What the program printed."""
        if self._canvas is None:
            return
        drawn = self._marks.feed(data)
        if drawn:
            self._canvas.feed(drawn)
        self._changed()

    def settle(self) -> None:
        """Have the emulator take in all that came, whether it is drawn or not."""
        if self._canvas is not None:
            self._canvas.frame()

    def resize_terminal(self, cols: int, rows: int) -> None:
        """The program has a terminal of another size from here on."""
        size = bounded(cols, rows)
        if self._canvas is None or size == (self._cols, self._rows):
            return
        self._cols, self._rows = size
        self._canvas.resize(*size)
        self._changed()

    def shut(self) -> None:
        """Let go of the emulator; what was drawn last is gone too."""
        if self._canvas is not None:
            self._canvas.close()
        self._canvas = None
        self._marks = Marks()
        self._frame, self._strips = _EMPTY, []
        self._following, self.matches = True, []
        self._held_since = None

    # ── drawing ───────────────────────────────────────────────────────────────

    @property
    def seen(self) -> bool:
        """Whether anybody can see it."""
        return self.is_attached and self.display and self.screen.is_current and bool(self.size)

    def _changed(self) -> None:
        self._dirty = True
        if self._at_once or not self.is_mounted:
            return
        now = self._clock.monotonic()
        if now - self.typed_at < ECHO and self._next_at - now < AHEAD:
            self._at_once = True
            self.call_next(self._due)
        elif self._timer is None:
            self._timer = self.set_timer(max(_SOON, self._next_at - now), self._due)

    def _due(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer, self._at_once = None, False
        if not self._dirty or not self.seen:
            return  # whoever shows it again has it drawn
        now = self._clock.monotonic()
        if self._marks.synchronised:
            self._held_since = now if self._held_since is None else self._held_since
            if now - self._held_since < FRAME_MOST:
                self._timer = self.set_timer(REDRAW, self._due)
                return
        self._held_since = None
        self.redraw()

    def redraw(self) -> None:
        """Draw what has changed, now."""
        if self._canvas is None:
            self._dirty = False
            return
        self._dirty = False
        now = self._clock.monotonic()
        # One that came before its time is made up for: there are thirty in a second, or fewer.
        self._next_at = min(max(now, self._next_at), now + AHEAD) + REDRAW
        self.redraws += 1
        before, self._frame = self._frame, self._canvas.frame()
        kept = {id(row): strip for row, strip in zip(before.rows, self._strips, strict=True)}
        # The rows of before are alive in ``before``: no other row has the identity of one of them.
        self._strips = [kept.get(id(row)) for row in self._frame.rows]
        self._fit(before)

    def _fit(self, before: Frame) -> None:
        frame, first = self._frame, self.scroll_offset.y
        height = frame.total + max(0, self.size.height - len(frame.rows))
        size = Size(self._cols, height)
        if size != self.virtual_size:
            self.virtual_size = size
        if self._following:
            self._put(self._last)
        elif frame.top != before.top:
            # The oldest rows went: what is looked at has moved up by as many.
            self._put(max(0, self.scroll_offset.y + frame.top - before.top))
        moved = frame.top != before.top or self.scroll_offset.y != first
        if moved or len(frame.rows) != len(before.rows):
            self.refresh()
            return
        for at, (row, was) in enumerate(zip(frame.rows, before.rows, strict=True)):
            if row is not was or self._has_cursor(at, frame) != self._has_cursor(at, before):
                self.refresh_line(frame.top + at)

    def _put(self, y: int) -> None:
        """Have that row on top in the next picture; nobody is told, but the bar that shows it."""
        self.set_scroll(None, y)
        self.vertical_scrollbar.position = y

    @staticmethod
    def _has_cursor(at: int, frame: Frame) -> int | None:
        return frame.cursor[0] if frame.cursor is not None and frame.cursor[1] == at else None

    @property
    def _last(self) -> int:
        """The scroll position at which the terminal itself is seen: of one too high, its end."""
        rows, height = self._frame.rows, self.size.height
        used = next((at for at in range(len(rows) - 1, -1, -1) if rows[at]), 0)
        if self._frame.cursor is not None:
            used = max(used, self._frame.cursor[1])
        hidden = max(0, min(used + 1, len(rows)) - height)
        return max(0, self._frame.total - len(rows)) + hidden

    def render_lines(self, crop: Region) -> list[Strip]:
        """To be drawn: only who asks for one row alone wants to know where its cells are."""
        self._placed = False
        try:
            return super().render_lines(crop)
        finally:
            self._placed = True

    def render_line(self, y: int) -> Strip:
        scroll_x, scroll_y = self.scroll_offset
        width, base = self.size.width, self.rich_style
        at = scroll_y + y - self._frame.top
        if not 0 <= at < len(self._frame.rows):
            return Strip.blank(width, self.get_component_rich_style("terminal--void"))
        strip = self._strips[at]
        if strip is None:
            strip = self._strips[at] = strip_of(self._frame.rows[at])
        strip = strip.extend_cell_length(self._cols).apply_style(base)
        strip = self._marked(strip, at, scroll_y + y)
        strip = strip.crop_extend(
            scroll_x, scroll_x + width, self.get_component_rich_style("terminal--void")
        )
        return strip.apply_offsets(scroll_x, scroll_y + y) if self._placed else strip

    def _marked(self, strip: Strip, at: int, row: int) -> Strip:
        """With the cursor, what was found, and what is selected."""
        for match in self.matches:
            if match.row == row:
                found = self.get_component_rich_style("terminal--found")
                strip = _painted(strip, match.start, match.end, found)
        selection = self.text_selection
        span = None if selection is None else selection.get_span(row)
        if span is not None:
            start, end = span
            chosen = self.screen.get_component_rich_style("screen--selection")
            strip = _painted(strip, start, self._cols if end == -1 else end, chosen)
        cursor = self._has_cursor(at, self._frame)
        if cursor is not None and not self._marks.hidden:
            strip = _painted(strip, cursor, cursor + 1, Style(reverse=True))
        return strip

    # ── scrolling ─────────────────────────────────────────────────────────────

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if self._canvas is None or round(old_value) == round(new_value):
            return
        # While a layout is made Textual may have another size than we: its end is the end, too.
        self._following = round(new_value) >= min(self._last, self.max_scroll_y)
        wanted = min(round(new_value), self._frame.total - len(self._frame.rows))
        if self._following and self._frame.top == wanted:
            return
        self._canvas.scroll(None if self._following else wanted)
        self._frame = self._canvas.frame()
        self._strips = [None] * len(self._frame.rows)
        self.refresh()

    def on_resize(self) -> None:
        """The widget's own size; the program's is its writer's to change."""
        self._changed()

    def on_show(self) -> None:
        """Draw what came meanwhile."""
        self._changed()

    # ── finding and copying ───────────────────────────────────────────────────

    def lines(self) -> list[str]:
        """All of its text, the oldest row first; safe to show."""
        return [clean(line) for line in self._canvas.lines()] if self._canvas else []

    def shown(self) -> list[str]:
        """The text of what the terminal shows now."""
        return [text_of(row) for row in self._frame.rows]

    def row(self, at: int) -> Row:
        """A row of the frame."""
        return self._frame.rows[at]

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The text of what is selected."""
        return "\n".join(_cut(self.lines(), selection)), "\n"

    def selection_updated(self, selection: Selection | None) -> None:  # noqa: ARG002
        self.refresh()

    @property
    def allow_select(self) -> bool:
        """Not while the mouse may be the program's."""
        return super().allow_select and self.keys is None

    # ── what is typed ─────────────────────────────────────────────────────────

    def on_key(self, event: events.Key) -> None:
        """To the program, where it is attached."""
        if self.keys is None or self._canvas is None or event.key == self.leave_key:
            return
        event.stop()
        event.prevent_default()
        mode, kitty = self._canvas.mode(1), self._canvas.kitty()
        if data := encoded(event.key, event.character, application=mode, kitty=kitty):
            self._typed(data)

    def on_paste(self, event: events.Paste) -> None:
        """As one piece, where the program wants to know."""
        if self.keys is None:
            return
        event.stop()
        event.prevent_default()
        self._typed(pasted(event.text, bracketed=self._marks.pastes))

    async def on_event(self, event: events.Event) -> None:
        """The mouse goes to the program where that asked for it, and somebody types into it."""
        if (
            isinstance(event, events.MouseEvent)
            and self.keys is not None
            and self._canvas is not None
            and (taken := self._pointer.report(event, self._canvas, self._place)) is not None
        ):
            event.stop()
            if taken:
                self._typed(taken)
            return
        await super().on_event(event)

    def _typed(self, data: bytes) -> None:
        assert self.keys is not None
        self.typed_at = self._clock.monotonic()
        self.keys(data)

    def _place(self, event: events.MouseEvent) -> tuple[int, int] | None:
        """The cell of the terminal that it is over."""
        x, y = event.x + self.scroll_offset.x, event.y + self.scroll_offset.y - self._frame.top
        inside = 0 <= x < self._cols and 0 <= y < self._rows and self._following
        return (x, y) if inside else None


def _painted(strip: Strip, start: int, end: int, style: Style) -> Strip:
    if end <= start:
        return strip
    before, middle, after = strip.crop(0, start), strip.crop(start, end), strip.crop(end)
    return Strip.join([before, middle.apply_style(style) if style else middle, after])


def _cut(lines: list[str], selection: Selection) -> list[str]:
    cut: list[str] = []
    for at, line in enumerate(lines):
        if (span := selection.get_span(at)) is None:
            continue
        start, end = span
        cut.append(_columns(line, start, end))
    return cut


def _columns(line: str, start: int, end: int) -> str:
    """The characters that begin in these columns; ``end`` -1 is the end of the line."""
    kept, column = "", 0
    for character in line:
        if column >= start and (end == -1 or column < end):
            kept += character
        column += cell_len(character)
    return kept
