"""Finds text in what a terminal holds, and goes from one place to the next."""

from __future__ import annotations

from typing import Final

from rich.cells import cell_len

from inspan.tui.view import Match, TerminalView

#: The most places that are told apart.
MOST: Final = 1000


class Finder:
    """What was found in one view, and which of it is looked at."""

    def __init__(self, view: TerminalView) -> None:
        self._view = view
        self._text = ""
        self._at = 0

    def find(self, text: str) -> str:
        """Show the last place that holds it, whatever its case; says how it went."""
        self._text = text
        self._view.matches = _matches(self._view.lines(), text)
        self._at = len(self._view.matches) - 1
        return self._show()

    def go(self, step: int) -> str:
        """Show another place; what came meanwhile is found too."""
        if not self._text:
            return ""
        self._view.matches = found = _matches(self._view.lines(), self._text)
        self._at = (self._at + step) % len(found) if found else 0
        return self._show()

    def _show(self) -> str:
        view = self._view
        view.refresh()
        if not view.matches:
            return "not found"
        view.scroll_to(y=max(0, view.matches[self._at].row - view.size.height // 2), animate=False)
        return f"{self._at + 1} of {len(view.matches)}"


def _matches(lines: list[str], text: str) -> list[Match]:
    wanted = text.casefold()
    found: list[Match] = []
    for row, line in enumerate(lines):
        folded = line.casefold()
        at = folded.find(wanted)
        while at >= 0 and len(found) < MOST:
            start = cell_len(line[:at])
            found.append(Match(row, start, start + cell_len(line[at : at + len(text)])))
            at = folded.find(wanted, at + len(wanted))
    return found
