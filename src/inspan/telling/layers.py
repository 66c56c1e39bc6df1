"""Where the boxes and lines of a graph go: layer by layer, with few lines that cross. Pure.

A box stands right of all that it waits for. A line that passes a layer has a lane in it, so that it
runs beside the boxes there and not through them. The page draws tasks by the same rules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, TypeAlias

from inspan.model.plan import order

WIDTH: Final = 176.0
HEIGHT: Final = 44.0
#: Between two layers, and between two boxes.
ACROSS: Final = 56.0
DOWN: Final = 14.0
EDGE: Final = 16.0
_LANE: Final = 6.0
_SWEEPS: Final = 8
#: Of more lanes than this a drawing is a tangle anyway, and lines go straight.
_LANES_MOST: Final = 20_000


@dataclass(slots=True, eq=False)
class Box:
    """A box, or a lane that has no name, with its left upper corner."""

    name: str
    layer: int
    high: float
    x: float = 0.0
    y: float = 0.0
    place: int = 0
    left: list[Box] = field(default_factory=list)
    right: list[Box] = field(default_factory=list)


#: From which box to which: what a line passes, with both of them.
Ways: TypeAlias = dict[tuple[str, str], list[Box]]


@dataclass(slots=True)
class Drawing:
    """Boxes by name, a path for each line from one to another, and the size of it all."""

    boxes: dict[str, Box]
    lines: list[tuple[str, str, str]]
    width: float
    height: float


def drawing(after: Mapping[str, Sequence[str]]) -> Drawing:
    """Of ``after``: name → what it waits for. Raises CyclicPlan, BadInput."""
    layers, ways = arranged(after)
    _settle(layers)
    boxes = {box.name: box for layer in layers for box in layer if box.name}
    width = max((box.x for box in boxes.values()), default=0.0) + WIDTH + EDGE
    height = max((box.y for box in boxes.values()), default=0.0) + HEIGHT + EDGE
    lines = [(one, other, _path(way)) for (one, other), way in ways.items()]
    return Drawing(boxes, lines, width, height)


def arranged(after: Mapping[str, Sequence[str]]) -> tuple[list[list[Box]], Ways]:
    """The layers, each in its order from above, and what each line passes. Raises as above."""
    depth: dict[str, int] = {}
    for name in order(after):
        depth[name] = 1 + max((depth[one] for one in after[name]), default=-1)
    boxes = {name: Box(name, depth[name], HEIGHT) for name in after}
    ways = _ways(after, boxes)
    layers: list[list[Box]] = [[] for _ in range(1 + max(depth.values(), default=-1))]
    for box in boxes.values():
        layers[box.layer].append(box)
    lanes = {id(lane): lane for way in ways.values() for lane in way if not lane.name}
    for lane in lanes.values():
        layers[lane.layer].append(lane)
    _sort(layers)
    return layers, ways


def _ways(after: Mapping[str, Sequence[str]], boxes: dict[str, Box]) -> Ways:
    """From box to box, through the lanes between them; one lane for all lines of a box."""
    pairs = [(one, name) for name in after for one in dict.fromkeys(after[name])]
    passes = sum(boxes[name].layer - boxes[one].layer - 1 for one, name in pairs)
    lanes: dict[tuple[str, int], Box] = {}
    ways: Ways = {}
    joined: set[tuple[int, int]] = set()
    for one, name in pairs:
        way = [boxes[one]]
        for layer in range(boxes[one].layer + 1, boxes[name].layer):
            if passes > _LANES_MOST:
                break
            way.append(lanes.setdefault((one, layer), Box("", layer, _LANE)))
        way.append(boxes[name])
        for left, right in pairwise(way):
            if (id(left), id(right)) not in joined:
                joined.add((id(left), id(right)))
                left.right.append(right)
                right.left.append(left)
        ways[one, name] = way
    return ways


def _sort(layers: list[list[Box]]) -> None:
    """Put each layer in the order of its neighbours, to and fro."""
    for layer in layers:
        _number(layer)
    for sweep in range(_SWEEPS):
        forth = sweep % 2 == 0
        for layer in layers if forth else reversed(layers):
            # Not in place: the list is empty while it is sorted, and its length is asked for.
            layer[:] = sorted(layer, key=lambda box: _pull(box, layers, forth=forth))
            _number(layer)


def _number(layer: list[Box]) -> None:
    for place, box in enumerate(layer):
        box.place = place


def _pull(box: Box, layers: list[list[Box]], *, forth: bool) -> float:
    """Where its neighbours are, from 0 to 1; its own place where it has none."""
    others = (box.left if forth else box.right) or [box]
    return sum((one.place + 0.5) / len(layers[one.layer]) for one in others) / len(others)


def _settle(layers: list[list[Box]]) -> None:
    heights = [sum(box.high + DOWN for box in layer) for layer in layers]
    most = max(heights, default=0.0)
    for layer, height in zip(layers, heights, strict=True):
        y = EDGE + (most - height) / 2
        for box in layer:
            box.x, box.y = EDGE + box.layer * (WIDTH + ACROSS), y
            y += box.high + DOWN


def _path(way: list[Box]) -> str:
    x, y = way[0].x + WIDTH, way[0].y + HEIGHT / 2
    drawn = [f"M{x:g} {y:g}"]
    for box in way[1:]:
        u, v = box.x - (3 if box.name else 0), box.y + box.high / 2
        bend = min(ACROSS, u - x) / 2
        drawn.append(f"C{x + bend:g} {y:g} {u - bend:g} {v:g} {u:g} {v:g}")
        x, y = box.x + WIDTH, v
        if not box.name:
            drawn.append(f"H{x:g}")
    return "".join(drawn)
