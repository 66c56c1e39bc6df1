"""kill -9 while a checkpoint of a named session is made, at every moment of it."""

from __future__ import annotations

import random

import pytest

from tests.real.savedkills import kills

pytestmark = [pytest.mark.timeout(600), pytest.mark.requirement("D10")]


@pytest.mark.parametrize("count", [7, pytest.param(100, marks=pytest.mark.soak)])
def test_a_checkpoint_is_the_old_one_or_the_new_one_whoever_is_killed(count: int) -> None:
    kills(count, random.SystemRandom().randrange(1 << 32))
