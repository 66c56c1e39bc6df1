"""A cgroup for each session, where the system lets us have one; only its own folder is touched.

Version 2 only: ``cgroup.kill`` ends all of a group at once, whatever its processes did to hide.
Where there is none every call does nothing, and ``tree`` does the work alone.
"""

from __future__ import annotations

import _thread  # its wrapper, threading, costs 3 ms at start
import contextlib
import os
import time
from typing import Final

_ROOTS: Final = ("/sys/fs/cgroup/unified", "/sys/fs/cgroup")
#: What a killed process may take to leave its group, in seconds, at a start after a crash.
_LEAVE: Final = 1.0


class Cgroups:
    """The folder of one keeper, below the cgroup it was started in."""

    def __init__(self, mark: str) -> None:
        self._root = _probe("inspan-" + mark)

    def __bool__(self) -> bool:
        return bool(self._root)

    def clear(self) -> None:
        """Kill and remove what an earlier keeper left; bounded in time."""
        if not self._root:
            return
        _write(self._root + "/cgroup.kill", "1")
        until = time.monotonic() + _LEAVE
        while _members(self._root) and time.monotonic() < until:
            time.sleep(0.002)
        _remove(self._root, keep_top=True)

    def join(self, session: str, pid: int) -> None:
        """Put a process, and all it starts from now on, into the group of ``session``.

        It happens a little later: the kernel may take 20 ms for it, which nobody should wait for.
        """
        if not self._root:
            return
        path = f"{self._root}/{session}"
        with contextlib.suppress(OSError):
            os.makedirs(path, exist_ok=True)  # noqa: PTH103
            fd = os.open(path + "/cgroup.procs", os.O_WRONLY | os.O_CLOEXEC)
            _thread.start_new_thread(_write_and_close, (fd, str(pid)))

    def kill(self, session: str) -> bool:
        """Send SIGKILL to all of the group; whether there was one."""
        return bool(self._root) and _write(f"{self._root}/{session}/cgroup.kill", "1")

    def members(self, session: str) -> list[int]:
        """Who is in the group of ``session`` and below."""
        return _members(f"{self._root}/{session}") if self._root else []

    def populated(self, session: str) -> bool:
        """Whether a living process is in the group of ``session`` or below."""
        return bool(self._root) and b"populated 1" in _read(f"{self._root}/{session}/cgroup.events")

    def remove(self, session: str) -> None:
        """Take the empty group away."""
        if self._root:
            _remove(f"{self._root}/{session}", keep_top=False)

    def close(self) -> None:
        """Take the keeper's own folder away; the dead may need a moment to leave it."""
        until = time.monotonic() + _LEAVE
        while self._root and os.path.exists(self._root) and time.monotonic() < until:  # noqa: PTH110
            _remove(self._root, keep_top=False)
            time.sleep(0.001)


def _probe(name: str) -> str:
    """A folder that we may use, with ``cgroup.kill`` in it; empty where there is none."""
    for root in _ROOTS:
        if not os.path.exists(root + "/cgroup.procs"):  # noqa: PTH110
            continue
        for line in _read("/proc/self/cgroup").decode(errors="replace").splitlines():
            if not line.startswith("0::/"):
                continue
            path = root + line[3:].rstrip("/") + "/" + name
            try:
                os.makedirs(path, exist_ok=True)  # noqa: PTH103
            except OSError:
                return ""
            if os.access(path + "/cgroup.kill", os.W_OK):
                return path
            _remove(path, keep_top=False)
    return ""


def _members(path: str) -> list[int]:
    found: list[int] = []
    for folder, _, _ in os.walk(path):
        found += map(int, _read(folder + "/cgroup.procs").split())
    return found


def _remove(path: str, *, keep_top: bool) -> None:
    for folder, _, _ in os.walk(path, topdown=False):
        if not (keep_top and folder == path):
            with contextlib.suppress(OSError):
                os.rmdir(folder)  # noqa: PTH106


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            return file.read()
    except OSError:
        return b""


def _write(path: str, text: str) -> bool:
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    except OSError:
        return False
    return _write_and_close(fd, text)


def _write_and_close(fd: int, text: str) -> bool:
    try:
        os.write(fd, text.encode())
    except OSError:
        return False
    finally:
        os.close(fd)
    return True
