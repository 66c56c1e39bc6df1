"""The view of ``inspan top`` that moves, drawn by rich; gone when it is left."""

from __future__ import annotations

from types import TracebackType
from typing import Final, Self

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from inspan.cli import topwords
from inspan.cli.say import colours

#: Lines above the sessions, with the two of the table's head and one at the end.
_ABOVE: Final = 15


class Drawn:
    """The whole terminal, drawn anew with each look."""

    def __init__(self, sort: str) -> None:
        self._sort = sort
        self._console = Console(highlight=False)
        self._live = Live(console=self._console, auto_refresh=False, screen=True)
        self._coloured = colours()

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def show(self, watched: topwords.Watched) -> None:
        """Draw what is known now."""
        size = self._console.size
        rows = max(0, size.height - _ABOVE)
        lines = list(topwords.picture(watched, self._sort, rows, size.width))
        self._live.update(Group(*map(self._line, lines[: size.height])), refresh=True)

    def _line(self, line: topwords.Line) -> Text:
        text, style = line
        return Text(text, style=style if self._coloured else "", no_wrap=True, overflow="ellipsis")
