"""What ``/proc``, and so ``ps``, says of this process: its command line and its environment.

A process that was forked has those of the one it was forked from. By these words a person tells
processes apart, and a keeper finds what belongs to it. Linux has a call by which a process names
other words; elsewhere, and where it is refused, nothing changes. It knows nothing of sessions.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

#: ``PR_SET_MM`` and ``PR_SET_MM_MAP`` of prctl(2).
_SET_MM: Final = 35
_MAP: Final = 14
#: The numbers that proc(5) gives to fields of ``stat``, in the order of ``struct prctl_mm_map``:
#: start_code end_code start_data end_data start_brk, and start_stack, which comes after ``brk``.
_BEFORE: Final = (26, 27, 45, 46, 47)
_STACK: Final = 28
#: ``auxv_size`` is 0 and ``exe_fd`` -1: both stay as they are.
_REST: Final = (0, 0xFFFF_FFFF << 32)

#: The words lie in our memory as long as we live.
_words: list[ctypes.Array[ctypes.c_char]] = []


def show(argv: Sequence[str], env: Mapping[str, str]) -> bool:
    """Have this command line and this environment there; whether that was possible."""
    if sys.platform != "linux":
        return False
    line = _joined(argv)
    words = line + _joined(f"{name}={value}" for name, value in env.items())
    place = ctypes.create_string_buffer(words, len(words))
    start = ctypes.addressof(place)
    middle, end = start + len(line), start + len(words)
    library = ctypes.CDLL(None)
    library.sbrk.restype = ctypes.c_void_p
    with open("/proc/self/stat", "rb") as file:  # noqa: PTH123 - pathlib would cost start-up
        # The name stands in parentheses and may hold anything: fields 1 and 2 end with it.
        fields = file.read().rpartition(b")")[2].split()
    before = [int(fields[number - 3]) for number in (*_BEFORE, _STACK)]
    before.insert(len(_BEFORE), library.sbrk(0))
    layout = (*before, start, middle, middle, end, *_REST)
    table = (ctypes.c_uint64 * len(layout))(*layout)
    where, size = ctypes.c_ulong(ctypes.addressof(table)), ctypes.c_ulong(ctypes.sizeof(table))
    if library.prctl(_SET_MM, _MAP, where, size, 0):
        return False
    _words[:] = [place]
    return True


def _joined(words: Iterable[str]) -> bytes:
    return b"".join(os.fsencode(word) + b"\0" for word in words)
