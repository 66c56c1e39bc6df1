"""What only the C library can do: its buffer for descriptor 1, and a death bound to a parent's.

Python does not know that buffer. In a file C code's output would wait until four kilobytes are
full; by lines it is there at once.
"""

from __future__ import annotations

import ctypes
import functools
import os
import sys
from typing import Final

from . import signals

_STDOUT: Final = "__stdoutp" if sys.platform == "darwin" else "stdout"
#: ``_IOLBF`` of glibc, musl and macOS.
_BY_LINES: Final = 1


#: ``PR_SET_PDEATHSIG`` of prctl(2).
_PARENT_DEATH: Final = 1


@functools.cache
def library() -> ctypes.CDLL:
    """The C library. Raises OSError where there is none to be loaded."""
    return ctypes.CDLL(None)


def die_with_parent() -> None:
    """Be killed when the thread that started this process ends, whatever code runs then; Linux."""
    if sys.platform == "linux":
        parent = os.getppid()
        library().prctl(_PARENT_DEATH, signals.KILL, 0, 0, 0)
        if os.getppid() != parent:
            os.kill(os.getpid(), signals.KILL)


@functools.cache
def _stdout() -> tuple[ctypes.CDLL, ctypes.c_void_p] | None:
    try:
        return library(), ctypes.c_void_p.in_dll(library(), _STDOUT)
    except (OSError, ValueError):
        return None


def by_lines() -> None:
    """Let C code's output leave with each line. To be called before C code has printed."""
    if found := _stdout():
        found[0].setvbuf(found[1], None, _BY_LINES, ctypes.c_size_t(0))


def flush() -> None:
    """Write out what C code printed and did not end with a line's end."""
    if found := _stdout():
        found[0].fflush(found[1])
