"""Which numbers of a screen change at rest too: a session's clock, a meter of the machine.

A counter of the work on a prompt begins when that is sent. One that has counted on since before
then is a clock, whatever stands in front of it. A number that changed again and again before
anybody typed is a meter. Until a prompt is sent nobody knows what a counter counts. It reads no
clock of its own, and knows no rule and no program.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum, auto
from math import inf
from typing import Final

#: How long something takes: 12s, 1m 3s, 0:12, 1:02:03.
_SPAN: Final = re.compile(
    r"(?<![\w.:])(?:(?:\d+(?:\.\d+)? ?(?:hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s)\b ?)+"
    r"|\d{1,3}:\d\d(?::\d\d)?(?![\d:]))"
)
_PART: Final = re.compile(r"(\d+(?:\.\d+)?) ?([hms])")
_SECONDS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0}
#: Any other number, with the unit that is written to it.
_NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)*(?:\s?[%A-Za-z]{1,3}\b)?")
_MASK: Final = "\0"
_WORDS: Final = re.compile(r"[^\W\d_]{2,}")
#: So many columns before a number its name is looked for.
_NEAR: Final = 24
#: What a clock of all that goes on is called.
_OF_ALL: Final = re.compile(r"(?i)\b(?:session|uptime)\b")
#: So many seconds it may be late, and began before a prompt was sent.
_LATE: Final = 1.6
_BEFORE: Final = 1.2
#: So often a number changes before anybody typed, to be a meter, and no sooner again than so.
_OFTEN: Final = 3
_SLOWLY: Final = 0.7
#: The most that are kept of one screen.
_MOST: Final = 64


class Counts(Enum):
    """What a row of which only numbers changed counts."""

    WORK = auto()
    REST = auto()  #: it does so at rest too
    UNSURE = auto()  #: nobody sent anything yet


@dataclass(slots=True)
class Clocks:
    """What is known of the numbers of one screen; ``sent``: when a prompt was sent last."""

    sent: float = -inf
    typed: bool = False
    #: When each counter would have begun, and since when it was seen to go on, by its name.
    _began: dict[str, tuple[float, float]] = field(default_factory=dict)
    #: How often each other number changed before anybody typed, and when last.
    _changed: dict[str, tuple[int, float]] = field(default_factory=dict)

    def see(self, was: str, row: str, at: float) -> Counts:
        """What it counts, where ``was`` became ``row`` and only numbers differ."""
        spans, others = _spans(was, row), _numbers(was, row)
        if spans is None or others is None:
            return Counts.WORK
        found = [self._clock(key, value, at) for key, value in spans]
        found += [self._meter(key, at) for key in others]
        for kind in (Counts.WORK, Counts.UNSURE):
            if kind in found:
                return kind
        return Counts.REST if found else Counts.WORK

    def _clock(self, name: str, value: float, at: float) -> Counts:
        began, since = self._began.get(name, (inf, at))
        if abs(at - value - began) > _LATE:
            began, since = at - value, at
        if name in self._began or len(self._began) < _MOST:
            self._began[name] = began, since
        if _OF_ALL.search(name) or max(began + _BEFORE, since) < self.sent:
            return Counts.REST
        return Counts.WORK if self.typed else Counts.UNSURE

    def _meter(self, name: str, at: float) -> Counts:
        if not self.typed and (name in self._changed or len(self._changed) < _MOST):
            often, last = self._changed.get(name, (0, -inf))
            self._changed[name] = (often + 1 if at - last >= _SLOWLY else 0), at
        return Counts.REST if self._changed.get(name, (0, at))[0] >= _OFTEN else Counts.WORK


def _spans(was: str, row: str) -> list[tuple[str, float]] | None:
    """The spans of time that differ, by name; nothing where the rest differs."""
    before, now = list(_SPAN.finditer(was)), list(_SPAN.finditer(row))
    if len(before) != len(now):
        return None
    pairs = zip(before, now, strict=True)
    return [(_named(row, new.start()), _value(new[0])) for old, new in pairs if old[0] != new[0]]


def _numbers(was: str, row: str) -> list[str] | None:
    """The other numbers that differ, by name."""
    was, row = _SPAN.sub(_MASK, was), _SPAN.sub(_MASK, row)
    before, now = list(_NUMBER.finditer(was)), list(_NUMBER.finditer(row))
    if len(before) != len(now):
        return None
    pairs = zip(before, now, strict=True)
    return [_named(row, new.start()) for old, new in pairs if old[0] != new[0]]


def _named(row: str, at: int) -> str:
    """The word before ``at``; one letter alone is a unit."""
    words = _WORDS.findall(row, max(0, at - _NEAR), at)
    return words[-1] if words else ""


def _value(span: str) -> float:
    if ":" in span:
        parts = [float(part) for part in span.split(":")]
        return sum(part * 60.0**place for place, part in enumerate(reversed(parts)))
    return sum(float(found[1]) * _SECONDS[found[2]] for found in _PART.finditer(span))
