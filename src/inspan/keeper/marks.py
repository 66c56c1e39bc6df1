"""What tells a session's processes from all others: two marks that every child inherits.

One is a variable in the environment, which a program may clear. The other is a tag: a number in
the limit on file locks, which Linux has ignored since 2.4, and which goes through ``setsid``,
``env -i`` and exec alike. It must never signal anybody.
"""

from __future__ import annotations

import os
import resource
from typing import Final, NamedTuple

#: In the environment of every child: which session, and which state directory's keeper.
SESSION_MARK: Final = "INSPAN_SESSION"
KEEPER_MARK: Final = "INSPAN_KEEPER"

#: ``RLIMIT_LOCKS``. The soft limit is the tag; the hard one stays as it is.
LIMIT: Final = 10
#: A tag is this, the number of the state directory, and the number of the session.
_TAG: Final = 1 << 61
_BITS: Final = 30
_ENVIRON_MOST: Final = 4 << 20


def tag(mark: str, number: int) -> int:
    """The tag of the session of this number, of the keeper with this mark (hexadecimal)."""
    low = (1 << _BITS) - 1
    return _TAG | (int(mark, 16) & low) << _BITS | number & low


def keeper_of(number: int) -> int:
    """What is the same in the tags of all sessions of a keeper, and in no other's."""
    return number >> _BITS


class Marks(NamedTuple):
    """Which keeper's a process is, and which session's, as its environment tells; else empty.

    Both together: two keepers may have sessions of one name.
    """

    keeper: bytes
    session: bytes


def tag_of(pid: int) -> int:
    """The tag of a process, also of one that waits to be waited for; 0 where it has none."""
    try:
        return max(0, resource.prlimit(pid, LIMIT)[0])
    except PermissionError:
        return _tag_shown(pid)
    except (AttributeError, OSError):
        return 0


def _tag_shown(pid: int) -> int:
    """The same, of a process that changed its user: forty times the work."""
    try:
        with open(f"/proc/{pid}/limits", "rb") as file:  # noqa: PTH123
            _, _, rest = file.read().partition(b"Max file locks")
    except OSError:
        return 0
    word = rest.split(maxsplit=1)[0] if rest else b""
    return int(word) if word.isdigit() else 0


def marks_of(pid: int) -> Marks:
    """The marks that a process was started with."""
    environment = _environment(pid)
    return Marks(*(_variable(environment, name) for name in (KEEPER_MARK, SESSION_MARK)))


def _environment(pid: int) -> bytes:
    """What it was when the process was started, each variable behind a NUL."""
    try:
        fd = os.open(f"/proc/{pid}/environ", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        raw = bytearray(b"\0")
        while len(raw) < _ENVIRON_MOST and (part := os.read(fd, 1 << 16)):
            raw += part
    except OSError:
        return b""
    finally:
        os.close(fd)
    return bytes(raw)


def _variable(environment: bytes, name: str) -> bytes:
    return environment.partition(b"\0" + name.encode() + b"=")[2].partition(b"\0")[0]
