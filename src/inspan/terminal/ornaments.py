"""What moves on a screen for its own sake, at rest and at work: a pulsing sign, a wave, a picture.

It has moved without a pause since before anybody typed, and goes round: what it shows was shown
then. What has stopped once is none, as a spinner of the start is. It reads no clock, and knows no
rule and no program.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import inf
from typing import Final

#: So many seconds at least it moved before anybody typed, with no pause that is longer, and did so
#: shortly before.
_LEAST: Final = 3.0
_PAUSE: Final = 1.5
#: A pause after which it has stopped.
_STOPPED: Final = 4.0
#: So many rows are kept at the most: more is no ornament.
_MOST: Final = 512


@dataclass(slots=True)
class Ornaments:
    """What is known of one screen."""

    _rows: set[str] = field(default_factory=set)
    _began: float = inf
    _last: float = -inf
    #: Whether somebody typed.
    _typed: bool = False

    def typed(self, at: float) -> None:
        """Somebody typed: what moved until now is an ornament, or there is none."""
        if not self._typed and (at - self._last > _PAUSE or at - self._began < _LEAST):
            self._rows.clear()
        self._typed = True

    def see(self, changes: Iterable[tuple[int, str, str]], at: float) -> frozenset[int]:
        """Those of ``changes``, each a number, what was there and what is, that are of one."""
        every = list(changes)
        if not self._typed:
            self._learn(every, at)
            return frozenset()
        found = frozenset(
            number for number, was, row in every if was in self._rows and row in self._rows
        )
        if found and at - self._last > _STOPPED:
            self._rows.clear()
            return frozenset()
        if found:
            self._last = at
        return found

    def _learn(self, changes: list[tuple[int, str, str]], at: float) -> None:
        if not changes:
            return
        if at - self._last > _PAUSE:
            self._rows.clear()
            self._began = at
        self._last = at
        if len(self._rows) < _MOST:
            self._rows.update(text for _, was, row in changes for text in (was, row))
