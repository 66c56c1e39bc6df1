"""Where a screen is divided into panes, and since when what stands beside is there."""

from __future__ import annotations

from math import inf

import pytest

from inspan.terminal.asking import asking_beside
from inspan.terminal.layout import floating
from inspan.terminal.panes import Asides, column, panes
from inspan.terminal.sanitize import columns

pytestmark = pytest.mark.requirement("B4")

BOX = ("╭" + "─" * 26 + "╮", "│ Message" + " " * 18 + "│", "╰" + "─" * 26 + "╯")
TALK = (*(f"line {at}" for at in range(9)), *BOX)
TREE = ("Files", "▶ src", *[""] * 10)
ASKS = ("", "Action: shell", "rm -rf build", *[""] * 7, "  ✓ Apply    ✕ Reject", "")


def beside(*parts: tuple[str, ...]) -> tuple[str, ...]:
    rows = zip(
        *([row.ljust(16 if part is TREE else 28) for row in part] for part in parts), strict=True
    )
    return tuple(" │ ".join(row).rstrip() for row in rows)


def test_a_panel_at_the_right_is_beside() -> None:
    found = panes(beside(TALK, ASKS))
    assert (found.rows, found.left) == (TALK, 0)
    assert [row.strip() for row in found.beside[0]] == [row.strip() for row in ASKS]


@pytest.mark.parametrize("parts", [(TREE, TALK), (TREE, TALK, ASKS)])
def test_a_pane_at_the_left_without_a_place_to_type_is_beside(
    parts: tuple[tuple[str, ...], ...],
) -> None:
    found = panes(beside(*parts))
    assert [row.strip() for row in found.rows] == list(TALK)
    assert len(found.beside) == len(parts) - 1
    assert found.cursor((found.left + 3, 10)) == (3, 10)
    assert found.cursor((2, 10)) == (0, 10)


def test_a_table_divides_nothing() -> None:
    rows = (*TALK[:4], "name         │ lines", "a.py         │ 12", *TALK[4:])
    assert panes(rows).rows == rows


def test_a_row_beside_is_as_old_as_its_words() -> None:
    asides = Asides()
    asides.seen([["⠋ Allow it? 9s", ""]], 1.0)
    assert asides.seen([["⠙ Allow it? 8s", "", "Yes"]], 2.0) == ((1.0, -inf, 2.0),)
    asides.seen([], 3.0)
    assert asides.seen([["Allow it?"]], 4.0) == ((4.0,),)


@pytest.mark.parametrize(
    ("rows", "is_new", "asks"),
    [
        (ASKS, True, True),
        (ASKS, False, False),
        (("Which one?", "❯ the first", "  the second", "  the third"), True, True),
        (("Tasks", "[x] read it", "[ ] run the tests"), True, False),
        (("Keys", "ctrl+c stop", "tab complete", "esc close"), True, False),
        (("Changes", "- if ok: continue", "+ if not ok: skip"), True, False),
    ],
)
def test_a_panel_that_came_asks_by_few_signs(
    rows: tuple[str, ...], is_new: bool, asks: bool
) -> None:
    assert bool(asking_beside(rows, [is_new] * len(rows)).rows) is asks


def over_all(behind: str) -> tuple[str, ...]:
    """A dialog that is nearly as tall as the screen, over rows that begin with ``behind``."""
    left = " " * (16 - columns(behind))
    edge = "─" * 60
    inside = (f"{behind}{left}│{f' row {at}':<60}│" for at in range(18))
    return ("a-model · running", f"{' ' * 16}╭{edge}╮", *inside, f"{' ' * 16}╰{edge}╯", "x" * 100)


@pytest.mark.parametrize("behind", ["", "said", "✅ 完了"])
def test_a_tall_dialog_divides_nothing_whatever_is_behind_it(behind: str) -> None:
    rows = over_all(behind)
    assert panes(rows).rows == rows
    assert column(rows) == rows
    assert floating(rows) == [f"row {at}" for at in range(18)]


def test_the_side_of_a_box_that_begins_at_the_left_is_no_edge_of_a_panel() -> None:
    line = "─" * 60
    box = (f"╭{line}╮", *(f"│{'  said':60}│" for _ in range(8)), f"╰{line}╯")
    rows = (*box, "", f"{' ^d Quit':61}▏^p Mode".ljust(90))
    assert column(rows) is rows
