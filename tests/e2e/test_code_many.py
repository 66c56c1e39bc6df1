"""Named code sessions by the dozen, or by the hundred: all alive at once, and one by one."""

from __future__ import annotations

import pytest

from tests.real.manycodes import many

pytestmark = [pytest.mark.timeout(600), pytest.mark.requirement("C8", "D1", "D11")]
HUNDRED = pytest.param(100, marks=pytest.mark.soak)


@pytest.mark.parametrize("count", [12, HUNDRED])
def test_sessions_are_alive_and_answer_at_once_and_leave_nothing(count: int) -> None:
    with many() as sessions:
        for turn in range(2):
            sessions.at_once(count, turn)


@pytest.mark.parametrize("count", [12, HUNDRED])
def test_sessions_one_by_one_leave_nothing(count: int) -> None:
    with many() as sessions:
        for turn in range(3):
            sessions.in_turn(count, turn)
