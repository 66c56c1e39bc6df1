"""Which numbers change at rest too."""

import pytest

from inspan.terminal.clocks import Clocks, Counts

pytestmark = pytest.mark.requirement("B4")


def ticks(clocks: Clocks, row: str, first: int, until: int, shift: float = 0.0) -> list[Counts]:
    """What each second counts of a row that names it."""
    return [
        clocks.see(row.format(second - 1), row.format(second), shift + second)
        for second in range(first, until)
    ]


@pytest.mark.parametrize("row", ["open {}s", "⏱ {}s · model", "0:{:02}", "open for {} seconds"])
def test_a_counter_from_before_a_prompt_is_a_clock(row: str) -> None:
    clocks = Clocks()
    assert set(ticks(clocks, row, 1, 5)) == {Counts.UNSURE}
    clocks.typed, clocks.sent = True, 5.0
    assert set(ticks(clocks, row, 6, 9)) == {Counts.REST}


def test_a_counter_that_begins_with_a_prompt_is_of_its_work() -> None:
    clocks = Clocks()
    ticks(clocks, "open {}s", 1, 5)
    clocks.typed, clocks.sent = True, 5.0
    assert set(ticks(clocks, "working {}s", 1, 4, shift=5.2)) == {Counts.WORK}
    clocks.sent = 20.0
    assert set(ticks(clocks, "working {}s", 1, 4, shift=20.2)) == {Counts.WORK}
    both = clocks.see("open 24s · working 4s", "open 25s · working 5s", 25.2)
    assert both is Counts.WORK


def test_what_adds_up_while_it_works_is_no_clock() -> None:
    clocks = Clocks(sent=5.0, typed=True)
    ticks(clocks, "in all {}s", 1, 9, shift=5.0)
    clocks.sent = 30.0
    assert set(ticks(clocks, "in all {}s", 9, 14, shift=22.0)) == {Counts.WORK}
    assert set(ticks(Clocks(sent=9.0, typed=True), "{}s left", 50, 55)) == {Counts.WORK}


def test_a_clock_that_says_what_it_counts_is_known_at_once() -> None:
    assert set(ticks(Clocks(typed=True), "ask · session {}s", 1, 4)) == {Counts.REST}
    assert Clocks().see("session 59s", "session 1m", 60.0) is Counts.REST


def test_a_meter_changes_slowly_before_anybody_typed() -> None:
    clocks = Clocks()
    assert ticks(clocks, "cpu {} % · read 8", 2, 8)[-1] is Counts.REST
    clocks.typed = True
    assert clocks.see("cpu 8 % · read 8", "cpu 31 % · read 8", 9.0) is Counts.REST
    assert clocks.see("cpu 8 % · read 8", "cpu 8 % · read 9", 9.0) is Counts.WORK
    printed = Clocks()
    each = [printed.see(f"line {n}", f"line {n + 1}", n / 8) for n in range(40)]
    assert set(each) == {Counts.WORK}


def test_rows_that_differ_otherwise_are_no_clock() -> None:
    assert Clocks().see("session 9s", "session 10s · working 0s", 9.0) is Counts.WORK
    assert Clocks().see("1 of 2", "1 2 of 2", 9.0) is Counts.WORK
