"""A graph in the cells of a terminal: names in columns, and lines from each to what waits for it.

It has the layers of the picture, and each of them in its order (``layers.py``). A line goes right
from its name, up or down in the gutter, and right again. A name has every second row, so that a
line never runs through one; where two lines cross, the upright one lies above the other, and where
they are joined there is a fork. Pure; it knows no colours, and not what is drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from inspan.telling.layers import Box, arranged

#: Columns of a gutter that has no upright line: a gap, two of a line, the arrow, and a gap.
_GUTTER: Final = 5
_UP, _DOWN, _LEFT, _RIGHT = 1, 2, 4, 8
#: By the sides that a line goes on to; a line that begins, begins level.
_SIGNS: Final = dict(enumerate(" ╵╷│─╯╮┤─╰╭├─┴┬┼"))
ARROW: Final = "→"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a name stands, and how many columns it may have."""

    name: str
    layer: int
    x: int
    row: int
    wide: int


class Lines:
    """Some of the lines of a graph; what is seen of them is told by the row."""

    def __init__(self) -> None:
        self._level: dict[int, set[tuple[int, int]]] = {}
        self._upright: dict[int, dict[Box, set[int]]] = {}
        self._tips: dict[int, set[int]] = {}

    def go(self, y: int, begin: int, end: int) -> None:
        """Go right, from one column to another."""
        self._level.setdefault(y, set()).add((begin, end))

    def turn(self, box: Box, x: int, *rows: int) -> None:
        """Go from row to row, in the upright line of a box: it is joined where it turns."""
        self._upright.setdefault(x, {}).setdefault(box, set()).update(rows)

    def arrive(self, y: int, x: int) -> None:
        """End in an arrow."""
        self._tips.setdefault(y, set()).add(x)

    def row(self, y: int, begin: int, end: int) -> dict[int, str]:
        """What is drawn in the cells from one column to another, by column."""
        cells: dict[int, int] = {}
        for first, last in self._level.get(y, ()):
            for x in range(max(first, begin), min(last, end - 1) + 1):
                cells[x] = cells.get(x, 0) | (_LEFT * (x > first)) | (_RIGHT * (x < last))
        for x in range(begin, end):
            for rows in self._upright.get(x, {}).values():
                top, low = min(rows), max(rows)
                if top <= y <= low:
                    level = cells.get(x, 0) if y in rows else 0  # else one is crossed
                    cells[x] = level | (_UP * (y > top)) | (_DOWN * (y < low))
        drawn = {x: _SIGNS[bits] for x, bits in cells.items() if bits}
        return drawn | {x: ARROW for x in self._tips.get(y, ()) if begin <= x < end}


class LineGraph:
    """Of ``after``: name → what it waits for, each name as wide as said. Raises as ``layers``."""

    def __init__(self, after: Mapping[str, Sequence[str]], wide: Mapping[str, int]) -> None:
        layers, self._ways = arranged(after)
        self._rows = _rows(layers)
        #: Where the upright line of a box is, in the gutter on its right.
        self._tracks: dict[Box, int] = {}
        self._begins: list[int] = []
        self.places: dict[str, Place] = {}
        x = 0
        for layer in layers:
            self._begins.append(x)
            room = max((wide[box.name] for box in layer if box.name), default=1)
            for box in layer:
                if box.name:
                    place = Place(box.name, box.layer, x, self._rows[box], wide[box.name])
                    self.places[box.name] = place
            bent = _tracks(layer, self._rows)
            self._tracks |= {box: x + room + 2 + at for box, at in bent.items()}
            x += room + _GUTTER + max(bent.values(), default=-1) + 1
        self.width = max((one.x + one.wide for one in self.places.values()), default=0)
        self.height = 1 + max(self._rows.values(), default=-1)
        self.lines = self._lines(self._ways)

    def lines_of(self, name: str) -> Lines:
        """Those that come to it and that go from it."""
        return self._lines(pair for pair in self._ways if name in pair)

    def beside(self, name: str, step: int) -> str | None:
        """A name on its right, or on its left: one that a line leads to, else the nearest."""
        here = self.places[name]
        from_here, there = (0, 1) if step > 0 else (1, 0)
        found = [pair[there] for pair in self._ways if pair[from_here] == name]
        found = found or [one.name for one in self._column(here.layer + step)]
        return min(found, key=lambda one: self._far(here, self.places[one]), default=None)

    def along(self, name: str, step: int) -> str:
        """The name so many further down in its column, or as many as there are."""
        column = self._column(self.places[name].layer)
        at = column.index(self.places[name]) + step
        return column[max(0, min(at, len(column) - 1))].name

    def _column(self, layer: int) -> list[Place]:
        found = (one for one in self.places.values() if one.layer == layer)
        return sorted(found, key=lambda one: one.row)

    @staticmethod
    def _far(here: Place, there: Place) -> tuple[int, int]:
        return abs(there.layer - here.layer), abs(there.row - here.row)

    def _lines(self, pairs: Iterable[tuple[str, str]]) -> Lines:
        lines = Lines()
        for pair in pairs:
            for left, right in pairwise(self._ways[pair]):
                self._line(lines, left, right)
        return lines

    def _line(self, lines: Lines, left: Box, right: Box) -> None:
        begin, end = self._begins[left.layer], self._begins[right.layer]
        if left.name:
            begin += self.places[left.name].wide + 1
        row, other = self._rows[left], self._rows[right]
        if right.name:
            end -= 2
            lines.arrive(other, end)
        if row == other:
            lines.go(row, begin, end)
        else:
            track = self._tracks[left]
            lines.go(row, begin, track)
            lines.turn(left, track, row, other)
            lines.go(other, track, end)


# ── rows ──────────────────────────────────────────────────────────────────────


def _rows(layers: Sequence[Sequence[Box]]) -> dict[Box, int]:
    """Each near those that it has lines to; where lines would lie upon each other, between them."""
    places: dict[Box, float] = {box: at for layer in layers for at, box in enumerate(layer)}
    for forth in (True, False, True):
        for layer in layers if forth else reversed(layers):
            wanted = [_wanted(box, places, forth=forth) for box in layer]
            places.update(zip(layer, _apart(wanted), strict=True))
    top = min(places.values(), default=0)
    rows = {box: 2 * int(place - top) for box, place in places.items()}
    odd = 0
    for before, layer in pairwise(layers):
        rows.update((box, rows[box] + odd) for box in layer)
        if len(_order(before, rows)) < len(_bent(before, rows)):
            odd = 1 - odd
            rows.update((box, rows[box] + 2 * odd - 1) for box in layer)
    return rows


def _wanted(box: Box, places: Mapping[Box, float], *, forth: bool) -> float:
    others = (box.left if forth else box.right) or [box]
    return sum(places[one] for one in others) / len(others)


def _apart(wanted: Sequence[float]) -> list[int]:
    """Whole numbers that rise, as near to these as can be."""
    runs: list[tuple[float, int]] = []
    for at, place in enumerate(wanted):
        total, count = place - at, 1
        while runs and runs[-1][0] / runs[-1][1] >= total / count:
            more, many = runs.pop()
            total, count = total + more, count + many
        runs.append((total, count))
    levels = [round(total / count) for total, count in runs for _ in range(count)]
    return [level + at for at, level in enumerate(levels)]


# ── gutters ───────────────────────────────────────────────────────────────────


def _bent(layer: Sequence[Box], rows: Mapping[Box, int]) -> list[Box]:
    """Those whose lines go up or down; first in which order they are placed, if they may."""
    found = [box for box in layer if any(rows[one] != rows[box] for one in box.right)]

    def first(box: Box) -> tuple[bool, int]:
        down = sum(rows[one] - rows[box] for one in box.right) > 0
        return down, -rows[box] if down else rows[box]

    return sorted(found, key=first)


def _blockers(bent: Sequence[Box], rows: Mapping[Box, int]) -> dict[Box, list[Box]]:
    """What has to turn before a line comes along its row."""
    at = {rows[box]: box for box in bent}
    return {
        box: [at[rows[one]] for one in box.right if at.get(rows[one], box) is not box]
        for box in bent
    }


def _order(layer: Sequence[Box], rows: Mapping[Box, int]) -> list[Box]:
    """In which order they turn; those are missing that would each have to be the first."""
    bent = _bent(layer, rows)
    left = {box: set(found) for box, found in _blockers(bent, rows).items()}
    behind: dict[Box, list[Box]] = {box: [] for box in bent}
    for box, found in left.items():
        for one in found:
            behind[one].append(box)
    ready = [box for box in reversed(bent) if not left[box]]
    order = []
    while ready:
        box = ready.pop()
        order.append(box)
        for one in reversed(behind[box]):
            left[one].discard(box)
            if not left[one]:
                ready.append(one)
    return order


def _tracks(layer: Sequence[Box], rows: Mapping[Box, int]) -> dict[Box, int]:
    """In which column of the gutter each goes up or down: as few as can be."""
    order = _order(layer, rows)
    blockers = _blockers(order, rows)
    tracks: dict[Box, int] = {}
    taken: list[list[tuple[int, int]]] = []
    for box in order:
        ends = [rows[box], *(rows[one] for one in box.right)]
        top, low = min(ends), max(ends)
        at = 1 + max((tracks[one] for one in blockers[box]), default=-1)
        while at < len(taken) and any(a <= low and top <= b for a, b in taken[at]):
            at += 1
        taken += [[] for _ in range(at + 1 - len(taken))]
        taken[at].append((top, low))
        tracks[box] = at
    return tracks
