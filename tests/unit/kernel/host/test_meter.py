"""What a session's processes use, where there is none any more."""

from __future__ import annotations

import os

import pytest

from inspan.errors import InspanError, LimitReached
from inspan.kernel.host.meter import Meter

#: More than any system gives (``PID_MAX_LIMIT`` is 2^22).
NOBODY = 1 << 23


def over(pid: int, memory: int) -> list[InspanError]:
    told: list[InspanError] = []
    Meter(pid, memory, told.append).look()
    return told


def test_a_process_that_is_gone_uses_nothing() -> None:
    assert over(NOBODY, 0) == []


@pytest.mark.skipif(not os.path.exists("/proc/self/smaps_rollup"), reason="Linux only")  # noqa: PTH110
def test_what_is_over_is_told_with_what_may_be() -> None:
    [error] = over(os.getpid(), 1 << 20)
    assert isinstance(error, LimitReached)
    assert "its limit is 1 MB" in error.message
