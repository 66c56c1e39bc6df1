"""Waits until the process that started this kernel has ended.

Jupyter names that process in ``JPY_PARENT_PID``. Its own end may leave no trace here: a kernel's
input is closed from the start, and who starts a kernel through a wrapper is not its parent.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

VARIABLE: Final = "JPY_PARENT_PID"
#: Seconds between two looks, where the system does not tell of the end by itself.
_LOOK: Final = 1.0


def named(environ: Mapping[str, str]) -> int | None:
    """The process that started the kernel, where that is told; 1 is nobody who could end."""
    value = environ.get(VARIABLE, "")
    return int(value) if value.isascii() and value.isdigit() and int(value) > 1 else None


async def gone(pid: int) -> None:
    """Return when there is no such process."""
    if not hasattr(os, "pidfd_open"):
        with suppress(ProcessLookupError):
            while True:
                os.kill(pid, 0)
                await asyncio.sleep(_LOOK)
        return
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    try:
        loop.add_reader(handle, ended.set)
        await ended.wait()
    finally:
        loop.remove_reader(handle)
        os.close(handle)
