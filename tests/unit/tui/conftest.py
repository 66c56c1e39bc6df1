"""Every test of the cockpit has the loop that the cockpit has."""

from __future__ import annotations

import asyncio
import sys

import pytest


def _loop_of_textual() -> asyncio.AbstractEventLoop:
    """As ``App.run`` sets it: the first step of a task is taken at once. A pilot does not."""
    loop = asyncio.new_event_loop()
    if sys.version_info >= (3, 12):
        loop.set_task_factory(asyncio.eager_task_factory)
    return loop


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    return "asyncio", {"loop_factory": _loop_of_textual}
