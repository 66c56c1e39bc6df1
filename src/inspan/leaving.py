"""How a process of ours comes to leave: told so by a signal, or for an error out of its event loop.

It knows nothing of what the process does, and ends nothing by itself.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import TypeVar

import anyio

E = TypeVar("E", bound=Exception)


async def on_signal(leave: Callable[[signal.Signals], object]) -> None:
    """Call ``leave`` whenever SIGINT or SIGTERM comes, until cancelled."""
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for number in signals:
            leave(number)


def first(group: BaseExceptionGroup[E]) -> E:
    """The first error of ``group``, however deep it lies."""
    error = group.exceptions[0]
    return first(error) if isinstance(error, BaseExceptionGroup) else error
