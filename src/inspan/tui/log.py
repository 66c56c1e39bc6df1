"""What happened, line by line as it happens: under the list, and on a screen of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rich.text import Text
from textual.widgets import RichLog

from inspan.model.event import Event
from inspan.model.ids import short
from inspan.telling import facts, phrases
from inspan.tui.known import Known

#: Lines that are kept.
MOST: Final = 1000
_KIND_WIDE: Final = 20


class Log(RichLog):
    """The lines. The newest is seen until somebody scrolls back."""

    def __init__(self, known: Known, *, name: str) -> None:
        super().__init__(id=name, max_lines=MOST, markup=False, highlight=False, wrap=False)
        self._known = known
        self._ending = False

    def tell(self, events: Iterable[Event]) -> None:
        """Add them at the end."""
        # It is scrolled after the next frame, until when it seems to be somewhere else.
        at_end = self._ending or self.is_vertical_scroll_end
        for event in events:
            self.write(self._line(event), scroll_end=at_end)
        if at_end and not self._ending:
            self._ending = True
            self.call_after_refresh(self._arrived)

    def _arrived(self) -> None:
        self._ending = False

    def _line(self, event: Event) -> Text:
        task = self._known.tasks.get(event.task)
        return Text.assemble(
            (f"{facts.clock(event.at)[11:]} ", "dim"),
            (f"{short(event.task)} ", "cyan"),
            f"{event.kind:<{_KIND_WIDE}} ",
            (phrases.title(task.spec) if task else "", "dim"),
            facts.detail(event.fact),
            no_wrap=True,
        )
