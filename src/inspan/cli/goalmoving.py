"""The view of ``inspan goal show --watch`` that moves."""

from __future__ import annotations

import time

from inspan.cli.redrawn import Redrawn
from inspan.telling import goals
from inspan.telling.story import Story


class Drawn(Redrawn):
    """The tree of a goal, drawn anew with each look."""

    def show(self, story: Story) -> None:
        """Draw what is known now, in what room there is."""
        size = self._console.size
        needs = sum(1 for _ in goals.needs(story))
        rows = max(1, size.height - 4 - needs)
        lines = list(goals.picture(story, time.time(), rows=rows, width=size.width))
        self.draw(self.line(text, style) for text, style in lines[: size.height - 1])
