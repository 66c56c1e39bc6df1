"""A hole in place of a file's beginning: its blocks are the disk's again. It knows no output."""

from __future__ import annotations

import ctypes
import functools
import sys
from collections.abc import Callable
from typing import Any, Final

#: ``FALLOC_FL_KEEP_SIZE`` and ``FALLOC_FL_PUNCH_HOLE`` of fallocate(2).
_HOLE: Final = 1 | 2


def free(fd: int, until: int) -> None:
    """Give back what lies before ``until``; nothing happens where the system cannot do that.

    The file keeps its length; zeros are read there.
    """
    fallocate = _fallocate()
    if fallocate is not None:
        fallocate(fd, _HOLE, ctypes.c_int64(0), ctypes.c_int64(until))


@functools.cache
def _fallocate() -> Callable[..., Any] | None:
    if sys.platform != "linux":
        return None
    library = ctypes.CDLL(None)
    # The one whose offsets have 64 bits everywhere, where there are two of them.
    found: Callable[..., Any] | None = getattr(library, "fallocate64", None)
    return found or getattr(library, "fallocate", None)
