"""Landlock: a process gives up, for itself and all it starts, every file that it does not name.

It cannot be undone and root is bound by it too. It takes hold of the calling thread alone and what
that starts, so there must be no other thread yet. It must never know why a path is granted.
"""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Mapping
from typing import Final

from . import syscalls
from .paths import parents

#: Rights to files by the ABI that brought them: execute to make_sym, refer, truncate, ioctl_dev.
_RIGHTS: Final = ((1, (1 << 13) - 1), (2, 1 << 13), (3, 1 << 14), (5, 1 << 15))
_EXECUTE: Final = 1 << 0
_WRITE_FILE: Final = 1 << 1
_READ_FILE: Final = 1 << 2
_READ_DIR: Final = 1 << 3
_MAKE_DEVICE: Final = 1 << 6 | 1 << 11
_TRUNCATE: Final = 1 << 14
_IOCTL_DEVICE: Final = 1 << 15
#: What a file that is no folder can have.
_OF_FILES: Final = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEVICE

_READ: Final = _EXECUTE | _READ_FILE | _READ_DIR
_DEVICE: Final = _READ_FILE | _WRITE_FILE | _TRUNCATE | _IOCTL_DEVICE
#: ABIs that brought rules for TCP, and the scopes of abstract sockets and signals.
TCP_ABI: Final = 4
_SCOPE_ABI: Final = 6
_BIND_AND_CONNECT: Final = 3
_ABSTRACT_AND_SIGNAL: Final = 3

_VERSION: Final = 1
_PATH_BENEATH: Final = 1


def abi() -> int:
    """The version that the kernel has; 0 for none."""
    if syscalls.machine() is None:
        return 0
    try:
        return syscalls.call(syscalls.LANDLOCK_CREATE_RULESET, None, 0, _VERSION)
    except OSError:
        return 0


def scopes(version: int) -> bool:
    """Whether signals and abstract sockets stop at the border, too."""
    return version >= _SCOPE_ABI


class Rules:
    """What is to be kept; nothing is given up until ``enforce``."""

    def __init__(self, version: int, *, tcp: bool) -> None:
        """``tcp``: TCP stays as it is. Raises OSError."""
        handled = sum(bits for since, bits in _RIGHTS if since <= version)
        network = _BIND_AND_CONNECT if version >= TCP_ABI and not tcp else 0
        scoped = _ABSTRACT_AND_SIGNAL if scopes(version) else 0
        attributes = struct.pack("=QQQ", handled, network, scoped)
        size = 24 if version >= _SCOPE_ABI else 16 if version >= TCP_ABI else 8
        self._rights = {
            "read": _READ & handled,
            "write": handled & ~_MAKE_DEVICE,
            "device": _DEVICE & handled,
        }
        self.descriptor = syscalls.call(syscalls.LANDLOCK_CREATE_RULESET, attributes, size, 0)

    def allow(self, grants: Mapping[str, str]) -> None:
        """Keep these: paths with ``read``, ``write`` or ``device``. Raises OSError.

        A path that is not there any more grants nothing.
        """
        for path, how in grants.items():
            if not any(self._covers(grants.get(folder), how) for folder in parents(path)):
                _allow(self.descriptor, path, self._rights[how])

    def enforce(self) -> None:
        """Give up the rest, for good. Raises OSError."""
        try:
            syscalls.call(syscalls.LANDLOCK_RESTRICT_SELF, self.descriptor, 0)
        finally:
            self.close()

    def close(self) -> None:
        """Let go of them."""
        os.close(self.descriptor)

    def _covers(self, granted: str | None, how: str) -> bool:
        return granted is not None and not self._rights[how] & ~self._rights[granted]


def _allow(rules: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(place).st_mode):
            rights &= _OF_FILES
        rule = struct.pack("=Qi", rights, place)
        syscalls.call(syscalls.LANDLOCK_ADD_RULE, rules, _PATH_BENEATH, rule, 0)
    finally:
        os.close(place)
