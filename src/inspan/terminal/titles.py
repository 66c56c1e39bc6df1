"""Whether a spinner in the window title tells of work: one that turned and stands tells of none.

Nor does a sign that has stood in the first title of all since before anybody typed: it is of the
name. It reads no clock, and knows no rule and no program.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import inf
from typing import Final

from inspan.terminal.signs import SPINNER

_SPINNER: Final = re.compile(f"[{SPINNER}]")
#: So often one picture takes another's place, with no longer a pause, before it is known to turn.
_TURNS_LEAST: Final = 3
_PAUSE: Final = 4.0
#: It has stopped where it stands for so many times what it took, and for so many seconds at least.
_SLOW: Final = 3.0
_STANDS: Final = 2.0


@dataclass(slots=True)
class TitleSpinner:
    """What is known of one title; ``until``: when it tells of work no more if it stays so."""

    until: float = inf
    _title: str = ""
    _turned: float = -inf
    #: How often it turned, one time soon after the other; and the longest that it took.
    _turns: int = 0
    _took: float = 0.0
    #: It is known to turn; its sign is of the name.
    _known: bool = False
    _named: bool = False

    def seen(self, title: str, at: float, *, typed: bool) -> None:
        """The title since ``at``; ``typed``: somebody has typed by now."""
        if title == self._title:
            return
        spins = _SPINNER.match(title) is not None
        if not self._title:
            self._named = spins and not typed
        if not spins:
            self._named, self._turns = False, 0
        elif self._title and title[0] != self._title[0]:
            self._turn(at)
        self._title = title
        stands = max(_STANDS, _SLOW * self._took)
        self.until = at + stands if self._known else -inf if self._named else inf

    def _turn(self, at: float) -> None:
        took, self._turned = at - self._turned, at
        soon = took <= _PAUSE
        self._turns = self._turns + 1 if soon else 1
        self._took = max(took, self._took if self._turns > 2 else 0.0) if soon else 0.0
        self._known = self._known or self._turns >= _TURNS_LEAST
