"""What the bench says of output that did not come as it was printed."""

from __future__ import annotations

from tools.bench.code_cells import FLUSHED, LINES, Amiss, amiss, wanted


def test_all_of_it_in_order_is_right() -> None:
    assert amiss(LINES, wanted(LINES)) == Amiss(0, 0)


def test_what_is_missing_is_lost() -> None:
    whole = wanted(FLUSHED)
    assert amiss(FLUSHED, whole.replace(b"\n17\n18\n", b"\n")) == Amiss(6, 0)
    assert amiss(FLUSHED, b"") == Amiss(len(whole), 0)


def test_what_comes_late_or_twice_is_displaced() -> None:
    whole = wanted(FLUSHED)
    assert amiss(FLUSHED, whole.replace(b"\n17\n18\n", b"\n18\n17\n")) == Amiss(0, 3)
    assert amiss(FLUSHED, whole + b"17\n") == Amiss(0, 3)


def test_a_torn_line_is_both() -> None:
    assert amiss(FLUSHED, wanted(FLUSHED).replace(b"\n17\n", b"\n1\n7\n")) == Amiss(3, 4)
