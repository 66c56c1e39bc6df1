"""A view on a terminal that is drawn anew as things change, by rich; gone when it is left.

What is in it its heirs know.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from inspan.cli.say import colours


class Redrawn:
    """``whole``: it has the terminal to itself. Colours where somebody wants them."""

    def __init__(self, *, whole: bool = False) -> None:
        self._console = Console(highlight=False)
        self._live = Live(
            console=self._console, auto_refresh=False, screen=whole, transient=not whole
        )
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

    def draw(self, parts: Iterable[RenderableType]) -> None:
        """Show ``parts`` in the place of what was there."""
        self._live.update(Group(*parts), refresh=True)

    def line(self, text: str, style: str) -> Text:
        """One line, cut where the terminal ends."""
        return Text(text, style=self.style(style), no_wrap=True, overflow="ellipsis")

    def style(self, style: str) -> str:
        """``style`` where there are colours."""
        return style if self._coloured else ""
