"""The calls of Linux that confinement needs and Python has not, as functions that raise OSError.

It knows numbers and layouts; it must never know what they are called for. On another system, or a
machine whose numbers are not listed, ``available`` is False and nothing here is to be called.
"""

from __future__ import annotations

import ctypes
import functools
import os
import struct
import sys
from typing import Final, NamedTuple

#: Numbers that are the same on every machine.
OPEN_TREE: Final = 428
MOVE_MOUNT: Final = 429
MOUNT_SETATTR: Final = 442
LANDLOCK_CREATE_RULESET: Final = 444
LANDLOCK_ADD_RULE: Final = 445
LANDLOCK_RESTRICT_SELF: Final = 446

#: Of prctl(2).
NO_NEW_PRIVILEGES: Final = 38
SET_SECCOMP: Final = 22
CLEAR_AMBIENT: Final = (47, 4)

_CAPABILITIES_V3: Final = 0x20080522


class Machine(NamedTuple):
    """Numbers that differ from machine to machine."""

    audit: int
    pivot_root: int
    socket: int
    socketpair: int
    add_key: int


#: By the name that uname(2) gives; ``request_key`` and ``keyctl`` follow ``add_key``.
MACHINES: Final = {
    "x86_64": Machine(0xC000003E, 155, 41, 53, 248),
    "aarch64": Machine(0xC00000B7, 41, 198, 199, 217),
    "riscv64": Machine(0xC00000F3, 41, 198, 199, 217),
}


def machine() -> Machine | None:
    """The numbers of this one; ``None`` where they are not known, or pointers have 32 bits."""
    if sys.platform != "linux" or sys.maxsize <= 1 << 32:
        return None
    return MACHINES.get(os.uname().machine)


@functools.cache
def _library() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def prepare() -> None:
    """Have what the calls need; processes that are forked then have it."""
    _library()


def call(number: int, *arguments: int | bytes | None) -> int:
    """Make the system call of this number."""
    given = [
        ctypes.c_long(one) if isinstance(one, int) else ctypes.c_char_p(one) for one in arguments
    ]
    return _checked(_library().syscall(ctypes.c_long(number), *given))


def control(option: int, *arguments: int | bytes) -> int:
    """Call prctl(2)."""
    given = [
        ctypes.c_ulong(one) if isinstance(one, int) else ctypes.c_char_p(one) for one in arguments
    ]
    rest = [ctypes.c_ulong(0)] * (4 - len(given))
    return _checked(_library().prctl(ctypes.c_int(option), *given, *rest))


def unshare(flags: int) -> None:
    """Leave namespaces for new ones; ``os.unshare`` came with Python 3.12."""
    _checked(_library().unshare(ctypes.c_int(flags)))


def mount(source: str, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    """Mount something, or change how something is mounted."""
    words = (None if one is None else os.fsencode(one) for one in (source, target, kind))
    text = None if data is None else data.encode()
    _checked(_library().mount(*words, ctypes.c_ulong(flags), text))


def unmount(target: str, flags: int) -> None:
    """Call umount2(2)."""
    _checked(_library().umount2(os.fsencode(target), ctypes.c_int(flags)))


def drop_capabilities() -> None:
    """Give up every capability; with no_new_privs set, no program gets one back."""
    control(*CLEAR_AMBIENT)
    header = struct.pack("=Ii", _CAPABILITIES_V3, 0)
    _checked(_library().capset(header, bytes(24)))


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
