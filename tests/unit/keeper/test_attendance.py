"""Who answers what: each query is answered by the keeper or left to a terminal, never both."""

from __future__ import annotations

from inspan.keeper.attendance import Attendance

HERE, THERE = object(), object()


def _made() -> tuple[Attendance, list[bytes]]:
    answered: list[bytes] = []
    return Attendance(answered.append), answered


def test_what_is_asked_while_somebody_attends_is_theirs() -> None:
    attendance, answered = _made()
    attendance.asked(4, b"a")
    assert attendance.begin(HERE, 10) == 10
    attendance.asked(14, b"b")
    attendance.begin(THERE, 20)
    attendance.end(HERE, 20)
    attendance.asked(24, b"c")
    attendance.end(THERE, 30)
    attendance.asked(34, b"d")
    assert answered == [b"a", b"d"]


def test_what_was_not_shown_to_whoever_leaves_is_answered_then() -> None:
    attendance, answered = _made()
    attendance.begin(HERE, 0)
    attendance.asked(4, b"shown")
    attendance.asked(8, b"not shown")
    attendance.end(HERE, 4)
    attendance.end(HERE, 4)
    assert answered == [b"not shown"]


def test_who_was_lost_and_comes_back_is_owed_what_it_was_not_shown() -> None:
    attendance, answered = _made()
    attendance.begin(HERE, 0)
    attendance.asked(4, b"shown")
    attendance.asked(8, b"lost")
    attendance.end(HERE)
    attendance.asked(12, b"alone")
    assert attendance.begin(THERE, 20, shown=4) == 20
    attendance.asked(24, b"theirs")
    assert answered == [b"alone", b"lost"]
    # Once more, and nothing is answered twice.
    attendance.end(THERE)
    assert attendance.begin(HERE, 30, shown=24) == 30
    assert answered == [b"alone", b"lost"]


def test_without_a_break_it_answers_all_that_it_was_not_shown() -> None:
    attendance, answered = _made()
    attendance.reserve(HERE)
    attendance.asked(4, b"a")
    assert attendance.begin(HERE, 6, shown=0) == 0
    attendance.lapse(HERE)
    attendance.asked(8, b"b")
    assert attendance.begin(THERE, 20, shown=8) == 8
    assert answered == []


def test_somebody_new_is_owed_nothing() -> None:
    attendance, answered = _made()
    attendance.begin(HERE, 0)
    attendance.asked(4, b"a")
    attendance.end(HERE)
    assert attendance.begin(THERE, 6) == 6
    attendance.end(THERE, 0)
    assert answered == []


def test_nobody_is_waited_for_in_vain() -> None:
    attendance, answered = _made()
    attendance.reserve(HERE)
    attendance.asked(4, b"a")
    attendance.lapse(HERE)
    attendance.asked(8, b"b")
    assert answered == [b"a", b"b"]
    assert attendance.begin(HERE, 10, shown=0) == 10
    assert answered == [b"a", b"b"]


def test_what_is_owed_is_bounded() -> None:
    attendance, answered = _made()
    attendance.begin(HERE, 0)
    for offset in range(1, 100_000):
        attendance.asked(offset, b"x")
    attendance.end(HERE, 0)
    assert 0 < len(answered) < 1000
