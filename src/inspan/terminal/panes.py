"""The panes of a screen that lines from top to bottom divide: the one to talk in, and those beside.

A file tree at the left, or a panel at the right, has rows of its own, and what it shows is told
apart from what is said. So is what it asks: when each of its rows came is known by its words, since
whatever moves in the other pane is in the same rows of the screen. It knows no rule and no program.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from math import inf
from typing import Final

from inspan.model.value import value
from inspan.terminal.layout import cells, floating_box, low_box, part

#: The left side of a pane.
_EDGE: Final = re.compile(r"\s[│┃║╭╰┌└├▏▎]")
#: The line between two panes where the left one is that beside.
_BETWEEN: Final = re.compile(r"(?<=\s)[│┃║▏▎▕]")
#: So much of the rows that have something has the edge of a pane, in tenths.
_MOST: Final = 7
#: The fewest columns of a pane.
_NARROW: Final = 12
#: So many screens are known by their panes: most are looked at more than once.
_KNOWN: Final = 4


@value(frozen=True)
class Panes:
    """``rows`` are those of the pane to talk in, from column ``left`` on."""

    rows: tuple[str, ...]
    left: int = 0
    #: Those of each pane beside it.
    beside: tuple[tuple[str, ...], ...] = ()

    def cursor(self, at: tuple[int, int]) -> tuple[int, int]:
        """Where in that pane the cursor is; at its left edge where it stands before that."""
        return max(0, at[0] - self.left), at[1]


class Asides:
    """Since when each row of the panes beside is there, by its words alone."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}

    def seen(self, beside: Sequence[Sequence[str]], at: float) -> tuple[tuple[float, ...], ...]:
        """What is shown in them since ``at``; a row without words is as old as the screen."""
        words = [["".join(filter(str.isalpha, row)) for row in rows] for rows in beside]
        every = {each for pane in words for each in pane if each}
        self._since = {each: self._since.get(each, at) for each in every}
        return tuple(tuple(self._since.get(each, -inf) for each in pane) for pane in words)


def column(rows: Sequence[str]) -> Sequence[str]:
    """The rows without a panel that stands at their right from top to bottom."""
    drawn = [*map(cells, rows)]
    edge = _right(drawn, _sides(rows))
    return rows if edge is None else [*_cut(drawn, 0, edge)]


@lru_cache(_KNOWN)
def panes(rows: tuple[str, ...]) -> Panes:
    """How this screen is divided: where a pane at the left has no place to type, it is beside."""
    drawn, sides = [*map(cells, rows)], _sides(rows)
    width, edge = max(map(len, drawn), default=0), _right(drawn, sides)
    inner = _edges(drawn, _BETWEEN, range(_NARROW, width // 2), len(rows))
    inner = [at for at in inner if at not in sides]
    outer = [] if edge is None else _edges(drawn, _EDGE, range(edge, width), _filled(rows))
    ends = [-1, *inner, *outer, width]
    parts = [_cut(drawn, first + 1, end) for first, end in pairwise(ends)]
    typed = next((at for at in range(len(inner) + 1) if low_box(parts[at]) is not None), None)
    if not inner or typed is None:
        whole = rows if edge is None else _cut(drawn, 0, edge)
        return Panes(whole, beside=tuple(parts[len(inner) + 1 :]))
    return Panes(parts[typed], ends[typed] + 1, (*parts[:typed], *parts[typed + 1 :]))


def _sides(rows: Sequence[str]) -> tuple[int, ...]:
    """The columns of the sides of a box in the middle: however tall it is, it divides nothing."""
    over = floating_box(rows)
    width = max(map(len, rows), default=0)
    return (over.left, over.right) if over and over.right <= width - _NARROW else ()


def _right(rows: Sequence[str], sides: tuple[int, ...]) -> int | None:
    """Where a panel at the right begins, which has no such side."""
    width = max(map(len, rows), default=0)
    every = _edges(rows, _EDGE, range(width // 2, width), _filled(rows))
    # A side of a box that begins at the left has nothing right of it.
    every = [at for at in every if at not in sides[1:] and _parts(rows, at)]
    first = next(iter(every), None)
    return None if first is None or first > width - _NARROW else first


def _parts(rows: Sequence[str], at: int) -> bool:
    """Whether something stands right of an edge, and not in one line alone."""
    return sum(bool(row[at + 1 :].strip()) for row in rows if _EDGE.match(row, at - 1)) > 1


def _filled(rows: Sequence[str]) -> int:
    return sum(map(bool, rows))


def _edges(rows: Sequence[str], edge: re.Pattern[str], where: range, of: int) -> list[int]:
    """The columns ``where`` an edge stands in most rows, ``of`` so many."""
    counted = Counter(
        found.end() - 1
        for row in rows
        for found in edge.finditer(row, max(0, where.start - 1))
        if found.end() - 1 in where
    )
    return sorted(at for at, count in counted.items() if count * 10 >= of * _MOST)


def _cut(rows: Sequence[str], first: int, end: int) -> tuple[str, ...]:
    return tuple(part(row, first, end).rstrip() for row in rows)
