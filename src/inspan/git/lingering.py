"""Waits until what is about to go is gone: nobody tells of a process group, or of a lock file.

It knows neither; it is told what to look at.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import anyio

#: Seconds that a git which lives, or was told to end, needs for taking its lock files away.
MOMENT: Final = 2.0
#: Seconds between two looks.
_GLANCE: Final = 0.01


async def outlast(is_there: Callable[[], bool]) -> bool:
    """Return once ``is_there`` says no, or when its moment is over; whether it is gone."""
    with anyio.move_on_after(MOMENT):
        while is_there():  # noqa: ASYNC110 - nobody tells
            await anyio.sleep(_GLANCE)
        return True
    return False
