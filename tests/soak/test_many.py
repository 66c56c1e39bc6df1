"""A hundred sessions three times over, and ten thousand tasks."""

from __future__ import annotations

import pytest

from tests.real.many import agents_leave_nothing, many_tasks_end, rounds_leave_nothing

pytestmark = [
    pytest.mark.soak,
    pytest.mark.timeout(1800),
    pytest.mark.requirement("A4", "B5", "B7"),
]


def test_a_hundred_sessions_leave_nothing_behind() -> None:
    rounds_leave_nothing(count=100, rounds=3)


def test_a_hundred_sessions_of_agents_leave_nothing_behind() -> None:
    agents_leave_nothing(count=100, rounds=2)


def test_ten_thousand_tasks_all_end_and_the_list_answers_meanwhile() -> None:
    many_tasks_end(count=10_000, looks=15)
