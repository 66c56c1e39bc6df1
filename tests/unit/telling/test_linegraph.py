"""A graph in cells: what it draws leads from a name to what waits for it, and never elsewhere."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspan.model.goal import GoalPlan
from inspan.telling.linegraph import ARROW, LineGraph
from tests.unit.model.test_goal import plans

pytestmark = pytest.mark.requirement("A3", "E4")

UP, DOWN, LEFT, RIGHT = (0, -1), (0, 1), (-1, 0), (1, 0)
#: By sign: the sides on which a line goes on.
SIDES = {
    "│": {UP, DOWN}, "─": {LEFT, RIGHT}, "╭": {DOWN, RIGHT}, "╮": {DOWN, LEFT},
    "╰": {UP, RIGHT}, "╯": {UP, LEFT}, "├": {UP, DOWN, RIGHT}, "┤": {UP, DOWN, LEFT},
    "┬": {DOWN, LEFT, RIGHT}, "┴": {UP, LEFT, RIGHT}, "┼": {UP, DOWN, LEFT, RIGHT},
}  # fmt: skip


def drawn(after: Mapping[str, Sequence[str]]) -> tuple[LineGraph, list[list[str]]]:
    graph = LineGraph(after, {name: len(name) for name in after})
    rows = []
    for y in range(graph.height):
        cells = graph.lines.row(y, 0, graph.width)
        rows.append([cells.get(x, " ") for x in range(graph.width)])
    for place in graph.places.values():
        under = rows[place.row][place.x : place.x + place.wide]
        assert set(under) == {" "}, f"a line runs through {place.name}"
        rows[place.row][place.x : place.x + place.wide] = place.name
    return graph, rows


def reached(graph: LineGraph, rows: list[list[str]], name: str) -> set[str]:
    """The names that the lines from one lead to, as somebody follows them with a finger."""
    begins = {(place.x - 2, place.row): place.name for place in graph.places.values()}
    place = graph.places[name]
    left = [(place.x + place.wide + 1, place.row, RIGHT)]
    seen, found = set(left), set()
    while left:
        x, y, way = left.pop()
        sign = rows[y][x] if 0 <= y < len(rows) and 0 <= x < graph.width else " "
        if sign == ARROW:
            found.add(begins[x, y])
            continue
        if sign not in SIDES:
            continue
        back = (-way[0], -way[1])
        # Who comes to an upright line from the side, where none is joined, passes below it.
        sides = {way} if back not in SIDES[sign] else SIDES[sign] - {back, LEFT}
        for side in sides:
            step = (x + side[0], y + side[1], side)
            if step not in seen:
                seen.add(step)
                left.append(step)
    return found


def test_a_plan_is_drawn_so_that_it_can_be_read() -> None:
    after = {
        "limits": (), "bucket": (), "middleware": ("limits", "bucket"), "headers": ("middleware",),
        "docs": ("limits",), "bench": ("bucket",), "tests": ("headers", "bench"),
    }  # fmt: skip
    _, rows = drawn(after)
    assert ["".join(row).rstrip() for row in rows] == [
        "limits ──┬─→ docs",
        "         │",
        "        ╭┴─→ middleware ──→ headers ─┬─→ tests",
        "        │                            │",
        "bucket ─┴──→ bench ──────────────────╯",
    ]


def test_lines_that_would_lie_upon_each_other_go_in_rows_of_their_own() -> None:
    _, rows = drawn({"a": (), "b": (), "c": ("a", "b"), "d": ("a", "b")})
    assert ["".join(row).rstrip() for row in rows] == [
        "a ──╮",
        "   ╭┼─→ c",
        "b ─┤│",
        "   ╰┴─→ d",
    ]


@settings(max_examples=20)
@given(plans())
def test_whatever_waits_is_led_to_and_no_line_runs_through_a_name(plan: GoalPlan) -> None:
    after = {step.name: step.after for step in plan.steps}
    graph, rows = drawn(after)
    for name in after:
        assert reached(graph, rows, name) >= {one for one in after if name in after[one]}


@settings(max_examples=60)
@given(st.lists(st.integers(0, 1 << 30), min_size=1, max_size=40), st.randoms())
def test_where_each_waits_for_one_no_line_leads_elsewhere(
    befores: list[int], chance: random.Random
) -> None:
    names = [f"n{number}" for number in range(len(befores))]
    after = {
        name: () if not at or one % 5 == 0 else (names[one % at],)
        for at, (name, one) in enumerate(zip(names, befores, strict=True))
    }
    mixed = list(after)
    chance.shuffle(mixed)
    graph, rows = drawn({name: after[name] for name in mixed})
    for name in after:
        assert reached(graph, rows, name) == {one for one in after if name in after[one]}


def test_the_lines_of_one_name_are_those_that_come_to_it_and_go_from_it() -> None:
    graph, _ = drawn({"a": (), "b": ("a",), "c": ("b",), "d": ("a",)})
    its = graph.lines_of("b")
    tips = {(x, y) for y in range(graph.height) for x in its.row(y, 0, graph.width)}
    told = {name for name, place in graph.places.items() if (place.x - 2, place.row) in tips}
    assert told == {"b", "c"}


def test_a_neighbour_is_one_that_a_line_leads_to_else_the_nearest() -> None:
    graph, _ = drawn({"a": (), "b": ("a",), "c": ("b",), "d": ("a", "c"), "e": ()})
    assert [graph.beside(name, 1) for name in "abcd"] == ["b", "c", "d", None]
    assert [graph.beside(name, -1) for name in "abcd"] == [None, "a", "b", "c"]
    assert graph.beside("e", 1) == "b"
    first, last = sorted("ae", key=lambda name: graph.places[name].row)
    assert graph.along(first, 1) == graph.along(last, 9) == last


def test_a_plan_as_large_as_may_be_is_drawn_a_row_at_a_time() -> None:
    chance = random.Random(7)
    after: dict[str, Sequence[str]] = {"0": ()}
    for number in range(1, 2000):
        after[str(number)] = sorted({str(chance.randrange(number)), str(number // 2)})
    graph = LineGraph(after, dict.fromkeys(after, 12))
    assert len(graph.places) == 2000
    middle = graph.height // 2
    assert any(graph.lines.row(y, 0, 80) for y in range(middle, middle + 24))
