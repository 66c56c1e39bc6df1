"""A filter of system calls for what no other part of confinement reaches: kinds of sockets.

Network namespaces do not cover every family of sockets (vsock reaches the host of a virtual
machine), and without a view of its own a session could speak to any Unix socket by path. io_uring
goes past such filters, and keys of the kernel belong to the user, so both are refused, too.
"""

from __future__ import annotations

import ctypes
import errno
import struct
from typing import Final

from . import syscalls

_UNIX: Final = 1
_INTERNET: Final = (2, 10)
_NETLINK: Final = 16
_DATAGRAM: Final = 2
_TYPES: Final = 0xF

#: Calls of io_uring follow one another; the bit is of x32, whose calls have other numbers.
_IO_URING: Final = (425, 426, 427)
_X32: Final = 0x40000000

_LOAD: Final = 0x20
_EQUAL: Final = 0x15
_AT_LEAST: Final = 0x35
_AND: Final = 0x54
_RETURN: Final = 0x06
_ALLOW: Final = 0x7FFF0000
_REFUSE: Final = 0x00050000

#: Offsets in ``struct seccomp_data``; of arguments their lower halves, all machines listed being
#: little-endian.
_NUMBER: Final = 0
_MACHINE: Final = 4
_FIRST: Final = 16
_SECOND: Final = 24


def restrict(*, internet: bool, unix: bool) -> None:
    """Refuse what is not granted, for good. Needs no_new_privs, and a machine that is known.

    Raises OSError where the kernel has no filters.

    ``internet``: IPv4, IPv6 and netlink are allowed, for they end in a namespace or are granted.
    ``unix``: Unix sockets that find others by path are allowed, for there are none to be found.
    """
    code = program(internet=internet, unix=unix)
    buffer = ctypes.create_string_buffer(code, len(code))
    words = struct.pack("=HxxxxxxQ", len(code) // 8, ctypes.addressof(buffer))
    syscalls.control(syscalls.SET_SECCOMP, 2, words)


def program(*, internet: bool, unix: bool) -> bytes:
    """The filter itself, for this machine."""
    machine = syscalls.machine()
    assert machine is not None
    families = [_UNIX] if unix else []
    families += [*_INTERNET, _NETLINK] if internet else []
    denied = _refuse(errno.EPERM)
    lines = [
        _line(_LOAD, _MACHINE),
        _line(_EQUAL, machine.audit, 1, 0),
        denied,
        _line(_LOAD, _NUMBER),
        _line(_AT_LEAST, _X32, 0, 1),
        denied,
    ]
    for number in _IO_URING:
        # As on a kernel without it: who can do without, does.
        lines += [_line(_EQUAL, number, 0, 1), _refuse(errno.ENOSYS)]
    for number in range(machine.add_key, machine.add_key + 3):
        lines += [_line(_EQUAL, number, 0, 1), denied]
    lines += _socket(machine.socket, families)
    if not unix:
        lines += _pair(machine.socketpair)
    return b"".join([*lines, _line(_RETURN, _ALLOW)])


def _socket(number: int, families: list[int]) -> list[bytes]:
    body = [_line(_LOAD, _FIRST)]
    for family in families:
        body += [_line(_EQUAL, family, 0, 1), _line(_RETURN, _ALLOW)]
    body.append(_refuse(errno.EACCES))
    return [_line(_EQUAL, number, 0, len(body)), *body]


def _pair(number: int) -> list[bytes]:
    """Two sockets of datagrams, once made, can send to any other that has a path."""
    body = [
        _line(_LOAD, _SECOND),
        _line(_AND, _TYPES),
        _line(_EQUAL, _DATAGRAM, 0, 1),
        _refuse(errno.EACCES),
        _line(_RETURN, _ALLOW),
    ]
    return [_line(_EQUAL, number, 0, len(body)), *body]


def _refuse(number: int) -> bytes:
    return _line(_RETURN, _REFUSE | number)


def _line(code: int, value: int, then: int = 0, otherwise: int = 0) -> bytes:
    return struct.pack("=HBBI", code, then, otherwise, value)
