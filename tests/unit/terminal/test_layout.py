import pytest

from inspan.terminal.layout import (
    boxes,
    drawn_buttons,
    floating,
    horizontals,
    list_above,
    paragraph,
    typing_rows,
)

pytestmark = pytest.mark.requirement("B4")

LINE = "─" * 20


@pytest.mark.parametrize(
    "row",
    [
        LINE,
        f"  ╭{LINE}╮",
        "=" * 10,
        "▀" * 8,
        f"╭─ Allow it? {LINE}╮",
        f"{LINE} ask ─",
        "╹▀▀▀▀▀▀▀▀▀".replace("╹", "╰"),
    ],
)
def test_a_line_across_the_screen(row: str) -> None:
    assert horizontals(["text", row]) == [1]


@pytest.mark.parametrize(
    "row", ["", "a - b", "┌────────┬────────┐", "── a ──", "────── a line of text with no end"]
)
def test_what_is_no_line_across_the_screen(row: str) -> None:
    assert horizontals([row]) == []


def test_boxes_lie_between_two_lines_and_not_between_two_boxes() -> None:
    rows = [f"╭{LINE}╮", "│ a", f"╰{LINE}╯", "between", f"┌─ title {LINE}┐", "│ b", f"└{LINE}┘"]
    assert boxes(rows) == [(0, 2), (4, 6)]


@pytest.mark.parametrize(
    ("rows", "cursor", "typed"),
    [
        (["text", LINE, "> ", "", LINE, "status"], (2, 2), range(2, 4)),
        (["text", LINE, "> ", LINE, "status"], (0, 4), range(2, 3)),
        (["text", "  ┃", "  ┃  Ask", "  ┃", "", "status"], (5, 2), range(1, 4)),
        (["text", "❯ say", "status"], (2, 1), range(1, 2)),
        (["text", "❯ ", "status"], (0, 2), range(1, 2)),
        (["text", "> a quote", "more"], (0, 2), None),
        ([LINE, "> said before", LINE, *["answer"] * 6], (0, 8), None),
        (["│ a", *["│ row of a large frame"] * 12], (3, 5), None),
        ([], (0, 0), None),
    ],
)
def test_where_one_types(rows: list[str], cursor: tuple[int, int], typed: range | None) -> None:
    assert typing_rows(rows, cursor) == typed


def test_a_box_that_stands_over_all_else() -> None:
    rows = [
        "text",
        "a  ╭─────────╮ b",
        "   │ Approve │ c",
        "   │         │",
        "   ╰─────────╯",
        "> ",
    ]
    assert floating(rows) == ["Approve"]
    assert floating(rows[:4]) is None, "it has no end"
    assert floating([f"╭{LINE}╮", f"│{' ' * 20}│", f"╰{LINE}╯"]) is None


@pytest.mark.parametrize(
    ("rows", "listed"),
    [
        (["Run it?", "> Yes", "  No", "", LINE], range(1, 3)),
        (["Run it?", "│ ❯ Yes", "│   No", f"╰{LINE}╯", LINE], range(1, 3)),
        (["Run it?", "❯ 1. Yes", "  2. No", "That is line 41.", LINE], None),
        (["> said before", "", LINE], None),
    ],
)
def test_a_list_of_options_is_the_last_thing_above_where_one_types(
    rows: list[str], listed: range | None
) -> None:
    assert list_above([*rows, "> "], range(len(rows), len(rows) + 1)) == listed


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        (["said", "", "Run it? Enter to", "confirm"], range(2, 4)),
        (["Run it? y/n", "", ""], range(1)),
        (["Run it? y/n", *[""] * 4], range(0)),
        (["Run it? Enter to confirm", "> "], range(0)),
        (["```", "touch a", "```", "Run it?"], range(3, 4)),
        (["row"] * 20, range(12, 20)),
        ([], range(0)),
    ],
)
def test_the_paragraph_above_where_one_types(rows: list[str], found: range) -> None:
    assert [*paragraph(rows, len(rows))] == [*found]


def test_a_button_has_an_edge_above_and_below_its_word() -> None:
    edges = f"  {'▔' * 16}", f"  {'▁' * 16}"
    assert drawn_buttons([edges[0], f"  {'提交':^14}", edges[1]]) == [1]
    wide = f"  {'▔' * 60}", f"  {'▁' * 60}"
    assert drawn_buttons([wide[0], "  what is typed", wide[1]]) == []
    assert drawn_buttons([edges[0], "", edges[1]]) == []


def test_one_types_in_a_panel_far_from_the_left_where_the_cursor_is() -> None:
    rows = ["words", "", *["          █"] * 2, "          █   Ask", "          █", ""]
    assert typing_rows(rows, (14, 4)) == range(2, 6)
    assert typing_rows(rows, (3, 4)) is None
