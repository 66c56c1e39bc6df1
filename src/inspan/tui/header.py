"""The line at the top: how it stands with the daemon, and how much there is to do."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from rich.text import Text
from textual.widgets import Static

from inspan.model.metrics import Sample
from inspan.telling.groups import Group
from inspan.terminal.sanitize import columns, one_line
from inspan.tui.known import Known, Link

_STYLES: Final = {Link.CONNECTING: "yellow", Link.LIVE: "green", Link.LOST: "bold red"}
_DOTS: Final = {Link.CONNECTING: "○", Link.LIVE: "●", Link.LOST: "✗"}


class Header(Static):
    """Drawn anew with each change, and each second."""

    def __init__(self, known: Known, where: str, now: Callable[[], float]) -> None:
        super().__init__(id="header", markup=False)
        self._known = known
        self._where = where
        self._now = now
        self._sample: Sample | None = None
        self._line = Text()

    def draw(self, sample: Sample | None) -> None:
        """Show what is known now."""
        self._sample = sample
        line = worded(self._known, self._where, sample, self._now(), self.size.width)
        if line != self._line:
            self._line = line
            self.update(line, layout=False)  # it is of one row, whatever it says

    def on_resize(self) -> None:
        self.draw(self._sample)


class Banner(Static):
    """What is amiss with the connection, and that it is being seen to; hidden while all is well."""

    def __init__(self, known: Known) -> None:
        super().__init__(id="banner", markup=False)
        self._known = known

    def draw(self) -> None:
        """Show it, or not."""
        lost = self._known.link is Link.LOST
        self.display = lost
        if lost:
            why = one_line(self._known.trouble)
            self.update(Text(f" {Link.LOST.value}" + (f" — {why}" if why else ""), no_wrap=True))


def worded(known: Known, where: str, sample: Sample | None, now: float, width: int) -> Text:
    """All of it in ``width`` columns; what matters least goes first."""
    link = known.link
    said = "lost" if link is Link.LOST else link.value
    left = Text.assemble((" inspan ", "bold"), (f"{_DOTS[link]} {said}", _STYLES[link]))
    parts: list[Text] = []
    needs = known.number(Group.NEEDS)
    if needs:
        verb = "needs" if needs == 1 else "need"
        parts.append(Text(f"{needs} {verb} you", style="bold yellow"))
    parts.append(Text(f"{known.number(Group.WORKING)} working", style="cyan"))
    parts.append(Text(f"{known.number(Group.QUEUED)} queued"))
    if sample is not None:
        parts.append(Text(f"{sample.tasks_per_second:.1f} tasks/s", style="dim"))
    if where:
        parts.append(Text(one_line(where, 40), style="dim"))
    parts.append(Text(time.strftime("%H:%M", time.localtime(now)), style="dim"))
    while parts and columns(left.plain) + sum(columns(one.plain) + 3 for one in parts) > width:
        parts.pop()
    line = Text("   ").join([left, *parts])
    line.no_wrap = True
    return line
