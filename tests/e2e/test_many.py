"""Sessions and tasks by the dozen; tests/soak has them by the hundred and the ten thousand."""

from __future__ import annotations

import pytest

from tests.real.many import many_tasks_end, rounds_leave_nothing

pytestmark = [pytest.mark.timeout(180), pytest.mark.requirement("A4", "B5", "B7")]


def test_sessions_leave_nothing_behind() -> None:
    rounds_leave_nothing(count=15, rounds=3)


def test_tasks_in_numbers_all_end_and_the_list_answers_meanwhile() -> None:
    many_tasks_end(count=200, looks=3)
