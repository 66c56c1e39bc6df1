"""What came of the last prompt that was sent, by when its rows did: nothing yet, or a box over all.

Where one types it may look at work as it does at rest. But a prompt with nothing below it has no
answer; and what is said stands below what was said before, so that a box which came above older
rows, or in the place of all of them, lies over them. Who was stopped and says so, and no more, has
ended, whatever still moves beside that. It knows no program and no rule.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import inf
from typing import Final

from inspan.model.value import value
from inspan.terminal.layout import cells
from inspan.terminal.tongues import english
from inspan.terminal.usual import hashed

#: Seconds within which a prompt is shown that was sent, and the place to type is empty again.
_SHOWN: Final = 0.7
#: So many words beside those of a prompt may be in its row, as who said it, and when.
_MORE: Final = 3
#: So many rows below where one types may change as soon as it works.
_BELOW_MOST: Final = 2
#: Seconds within which the rows of one box come; and for which a key may have brought it.
_TOGETHER: Final = 0.3
_BY_A_KEY: Final = 0.5
#: So many rows with words are in such a box, at the least.
_ROWS_LEAST: Final = 2
#: So many rows of a screen that a box covers are still seen: one above it, and lines of status.
_SEEN_MOST: Final = 2
#: The first row within a box that begins at the top, at the most.
_TOP_MOST: Final = 2
#: Seconds after a word that says that it was stopped in which more may be said with it.
_WITH_IT: Final = 1.0
#: How a program says that a person stopped it.
_WAS_STOPPED: Final = re.compile(
    r"(?i)\b(?:interrupted|cancell?ed|stopped|aborted|halted)\b(?![^.]*(?:…|\.\.\.))"
)
_UPPER: Final = re.compile(r"\s{0,4}([╭┌┏╔][^╭┌┏╔╮┐┓╗]{8,}[╮┐┓╗])")
_UPRIGHT: Final = "│┃║"
_LOWER: Final = "╰└┗╚╯┘┛╝"


@value(frozen=True)
class Came:
    """The rows of a screen, since when each is there, and which turn; ``end``: where one types.

    ``sent``, ``keyed`` and ``stopped`` are when a prompt was sent, when somebody typed what may
    answer, and what may stop.
    """

    rows: Sequence[str]
    born: Sequence[float]
    turns: Sequence[bool]
    end: range
    sent: float
    keyed: float
    stopped: float = -inf

    def since(self, at: int) -> float:
        """Since when a row is there that has words and does not turn; or for ever."""
        worded = at < len(self.born) and any(map(str.isalnum, self.rows[at]))
        return self.born[at] if worded and not self.turns[at] else -inf


def unanswered(came: Came, prompt: frozenset[int]) -> int | None:
    """The row of a prompt that was sent last, where nothing but it came since; or nothing."""
    if not prompt or came.keyed > came.sent:
        return None
    if any(came.since(at) > came.sent + _SHOWN for at in came.end):
        return None  # it takes the next one
    below = [at for at in range(came.end.stop, len(came.rows)) if came.since(at) > came.sent]
    new = [at for at in range(came.end.start) if came.since(at) >= came.sent]
    if not new or len(below) > _BELOW_MOST:
        return None
    said = hashed(came.rows[new[-1]])
    # What is above may have been drawn anew.
    own = len(said - prompt) <= _MORE and len(said & prompt) * 2 > len(said)
    return new[-1] if own else None


def said_stopped(came: Came) -> int | None:
    """The row that says that it was stopped, the last thing said since somebody did; or nothing."""
    if came.stopped <= came.sent:
        return None
    said = [at for at in range(came.end.start) if came.since(at) > came.stopped]
    ends = [at for at in said if _WAS_STOPPED.search(english(came.rows[at]))]
    if not ends:
        return None
    newest = max(came.since(at) for at in ends)
    return ends[-1] if all(came.since(at) <= newest + _WITH_IT for at in said) else None


def laid_over(came: Came) -> range | None:
    """The rows within the lowest box with sides that came of itself over older ones; or nothing."""
    if came.sent == -inf:
        return None
    drawn = [*map(cells, came.rows[: came.end.start])]
    for above in range(len(drawn) - 1, -1, -1):
        if not (inside := _closed(drawn, above)):
            continue
        times = [since for at in inside if (since := came.since(at)) > -inf]
        if len(times) < _ROWS_LEAST or max(times) - min(times) > _TOGETHER:
            continue
        by_a_key = came.keyed != came.sent and min(times) < came.keyed + _BY_A_KEY
        if min(times) > came.sent and not by_a_key and _over(came, inside, min(times)):
            return inside
    return None


def _closed(rows: Sequence[str], above: int) -> range:
    """The rows in the box of which that is the upper line, from one corner to the other."""
    if not (corner := _UPPER.match(rows[above])):
        return range(0)
    left, right, below = corner.start(1), corner.end(1) - 1, above + 1
    while below < len(rows) and _between(rows[below], left, right, _UPRIGHT):
        below += 1
    closed = below < len(rows) and _between(rows[below], left, right, _LOWER)
    return range(above + 1, below) if closed else range(0)


def _between(row: str, left: int, right: int, signs: str) -> bool:
    return len(row) > right and row[left] in signs and row[right] in signs


def _over(came: Came, inside: range, at: float) -> bool:
    """Whether it begins at the top, and has older words below it, or little of what was there.

    The last rows below it are of the place to type. What was said with a box, or after it, is
    below it as well; so is an answer's.
    """
    under = [row for row in range(inside.stop + 1, came.end.start) if came.since(row) > -inf]
    above = [row for row in range(inside.start - 1) if came.since(row) > -inf]
    later = any(came.since(row) > at + _TOGETHER for row in under)
    if inside.start > _TOP_MOST or later:
        return False
    older = any(came.since(row) < at - _TOGETHER for row in under[:-_SEEN_MOST])
    return older or len(above) + len(under) <= _SEEN_MOST
