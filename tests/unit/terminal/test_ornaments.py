"""What moves for its own sake."""

import pytest

from inspan.terminal.ornaments import Ornaments

pytestmark = pytest.mark.requirement("B4")

SIGNS = "◐◓◑◒"


def turned(ornaments: Ornaments, text: str, first: float, until: float) -> list[bool]:
    """Whether each picture of one row was taken for an ornament, four a second."""
    found = []
    for step in range(int(first * 4), int(until * 4)):
        was, row = (text.format(SIGNS[(step + shift) % 4]) for shift in (0, 1))
        found.append(bool(ornaments.see([(3, was, row)], step / 4)))
    return found


def test_what_moved_since_before_anybody_typed_is_an_ornament() -> None:
    ornaments = Ornaments()
    assert not any(turned(ornaments, "{} a name", 0, 5))
    ornaments.typed(5.0)
    assert all(turned(ornaments, "{} a name", 5, 9))
    assert not any(turned(ornaments, "{} thinking", 9, 12))
    assert all(turned(ornaments, "{} a name", 12, 14))


@pytest.mark.parametrize(("first", "until", "typed"), [(0, 2, 2.0), (0, 9, 12.0)])
def test_what_was_short_or_had_stopped_is_none(first: float, until: float, typed: float) -> None:
    ornaments = Ornaments()
    turned(ornaments, "{} a name", first, until)
    ornaments.typed(typed)
    assert not any(turned(ornaments, "{} a name", typed, typed + 4))


def test_what_stops_is_one_no_more() -> None:
    ornaments = Ornaments()
    turned(ornaments, "{} starts", 0, 5)
    ornaments.typed(5.0)
    assert all(turned(ornaments, "{} starts", 5, 6))
    assert not any(turned(ornaments, "{} starts", 20, 24))


def test_rows_that_were_never_shown_so_are_of_work() -> None:
    ornaments = Ornaments()
    turned(ornaments, "{} a name", 0, 5)
    ornaments.typed(5.0)
    changes = [(3, "◐ a name", "◓ a name"), (9, "the answ", "the answer")]
    assert ornaments.see(changes, 5.25) == {3}
