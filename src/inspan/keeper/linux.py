"""The system calls that Python has no word for; it must never know what they are used for.

Each one says whether it worked. On another system, or an old kernel, the answer is no.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Final

_PR_SET_NAME: Final = 15
_PR_SET_CHILD_SUBREAPER: Final = 36
_FALLOC_KEEP_SIZE: Final = 0x01
_FALLOC_PUNCH_HOLE: Final = 0x02

_LIBC: Final = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def become_subreaper() -> bool:
    """Let every orphan below this process become its child, so that none is out of sight."""
    if _LIBC is None:
        return False
    return bool(_LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)


def be_called(name: str) -> bool:
    """Let ``ps`` and the like call this process so."""
    if _LIBC is None:
        return False
    return bool(_LIBC.prctl(_PR_SET_NAME, name.encode(), 0, 0, 0) == 0)


def punch(fd: int, offset: int, length: int) -> bool:
    """Give the blocks of a part of a file back to the file system; its size stays."""
    if _LIBC is None:
        return False
    mode = _FALLOC_PUNCH_HOLE | _FALLOC_KEEP_SIZE
    return bool(
        _LIBC.fallocate(fd, mode, ctypes.c_longlong(offset), ctypes.c_longlong(length)) == 0
    )
