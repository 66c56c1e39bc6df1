"""The view of ``inspan top`` that moves."""

from __future__ import annotations

from typing import Final

from inspan.cli.redrawn import Redrawn
from inspan.telling import load

#: Lines above the sessions, with the two of the table's head and one at the end.
_ABOVE: Final = 16


class Drawn(Redrawn):
    """The whole terminal, drawn anew with each look."""

    def __init__(self, sort: str) -> None:
        super().__init__(whole=True)
        self._sort = sort

    def show(self, watched: load.Watched) -> None:
        """Draw what is known now."""
        size = self._console.size
        rows = max(0, size.height - _ABOVE)
        lines = list(load.picture(watched, self._sort, rows, size.width))
        self.draw(self.line(text, style) for text, style in lines[: size.height])
