"""Lines of text that change often: what is otherwise is drawn, and nothing is laid out anew.

It knows no task. A line is wrapped, or cut where its text says so (``no_wrap``).
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.style import Style
from rich.text import Text
from textual import events
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

#: Columns beside a word without which what it says is wrapped below the word, too.
_LEAST = 12


class Pair(Text):
    """A word and what it says; what does not fit beside the word goes on below what does."""

    def __init__(self, word: str, said: str, wide: int, style: str = "dim") -> None:
        super().__init__()
        self.append(word.ljust(wide), style)
        self.hang = len(self)
        self.append(said)


class Lines(ScrollView, can_focus=False):
    """``fill`` is told all of it each time."""

    DEFAULT_CSS = """
    Lines { overflow-x: hidden; }
    """

    def __init__(self, name: str) -> None:
        super().__init__(id=name)
        self._texts: list[Text] = []
        #: By line: the rows that it takes at this width.
        self._drawn: list[list[Strip]] = []
        self._rows: list[Strip] = []
        self._wide = 0

    def fill(self, lines: Iterable[Text]) -> None:
        """These lines, from the top."""
        texts = list(lines)
        kept = len(self._texts) if self._wide == self._room else 0
        self._drawn = [
            self._drawn[at]
            if at < kept and same(text, self._texts[at])
            else wrapped(text, self._room, self.app.console)
            for at, text in enumerate(texts)
        ]
        self._texts, self._wide = texts, self._room
        before, self._rows = self._rows, [row for rows in self._drawn for row in rows]
        self._fit()
        for at in range(max(len(before), len(self._rows))):
            if before[at : at + 1] != self._rows[at : at + 1]:
                self.refresh_line(at)

    @property
    def _room(self) -> int:
        return max(1, self.scrollable_content_region.width)

    def _fit(self) -> None:
        # What is seen whole has no other size than the widget: nothing is laid out anew for it.
        height = max(len(self._rows), self.scrollable_content_region.height)
        self.virtual_size = Size(self._room, height)

    def on_resize(self, event: events.Resize) -> None:
        """Wrapped anew; a scrollbar that comes or goes is told here too."""
        del event
        self.fill(self._texts)

    def render_line(self, y: int) -> Strip:
        """One row of the screen."""
        width, base = self.size.width, self.rich_style
        at = y + self.scroll_offset.y
        if at >= len(self._rows):
            return Strip.blank(width, base)
        return self._rows[at].apply_style(base).adjust_cell_length(width, base)


def same(one: Text, other: Text) -> bool:
    """Whether two texts look the same."""
    return one == other and one.style == other.style and one.no_wrap == other.no_wrap


def wrapped(text: Text, width: int, console: Console) -> list[Strip]:
    """The rows of a text; of an empty one, a blank row."""
    base = Style.parse(text.style) if isinstance(text.style, str) else text.style
    rows = [Strip(line.render(console)) for line in _lines(text, width, console)]
    return [row.apply_style(base) for row in rows] or [Strip([])]


def _lines(text: Text, width: int, console: Console) -> list[Text]:
    if not isinstance(text, Pair) or width - text.hang < _LEAST:
        return list(text.wrap(console, width))
    said = text[text.hang :].wrap(console, width - text.hang) or [Text()]
    below = Text(" " * text.hang)
    return [text[: text.hang] + said[0], *(below + line for line in said[1:])]
