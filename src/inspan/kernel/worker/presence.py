"""What ``/proc``, and so ``ps``, says of this process: its command line and its environment.

A process that was forked has those of the one it was forked from. By these words a person tells
processes apart, and a keeper finds what belongs to it. Linux has a call by which a process names
other words; elsewhere, and where it is refused, nothing changes. It knows nothing of sessions.
"""

from __future__ import annotations

import ctypes
import functools
import os
import struct
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from . import clib

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
_words: list[bytes] = []


def prepare() -> None:
    """Look up what ``show`` needs to know; processes that are forked then know it."""
    if sys.platform == "linux":
        _library()
        _layout()


def show(argv: Sequence[str], env: Mapping[str, str]) -> bool:
    """Have this command line and this environment there; whether that was possible."""
    if sys.platform != "linux":
        return False
    line = _joined(argv)
    words = line + _joined(f"{name}={value}" for name, value in env.items())
    start = ctypes.cast(ctypes.c_char_p(words), ctypes.c_void_p).value or 0
    middle, end = start + len(line), start + len(words)
    library = _library()
    before = _layout()
    layout = (*before[:-1], library.sbrk(0), before[-1], start, middle, middle, end, *_REST)
    table = struct.pack(f"={len(layout)}Q", *layout)
    size = ctypes.c_ulong(len(table))
    if library.prctl(_SET_MM, _MAP, ctypes.c_char_p(table), size, ctypes.c_ulong(0)):
        return False
    _words[:] = [words]
    return True


@functools.cache
def _library() -> ctypes.CDLL:
    library = clib.library()
    library.sbrk.restype = ctypes.c_void_p
    return library


@functools.cache
def _layout() -> tuple[int, ...]:
    """Where our code, data and stack are; it is the same in whatever is forked from us."""
    with open("/proc/self/stat", "rb") as file:  # noqa: PTH123 - pathlib would cost start-up
        # The name stands in parentheses and may hold anything: fields 1 and 2 end with it.
        fields = file.read().rpartition(b")")[2].split()
    return tuple(int(fields[number - 3]) for number in (*_BEFORE, _STACK))


def _joined(words: Iterable[str]) -> bytes:
    return b"".join(os.fsencode(word) + b"\0" for word in words)
