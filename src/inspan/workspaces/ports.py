"""Leases of ports: each workspace has a range of its own, which no other one has.

A lease is a file named by its first port, so it outlives whoever made it; it ends with its
workspace. That nobody else listens there is looked up when it is made.
"""

from __future__ import annotations

import errno
import json
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Final

from inspan.errors import WorkspaceFailed
from inspan.model.ids import TASK_ID
from inspan.workspaces.taskfile import failed

#: From here up to where systems begin to give out ports by themselves.
FIRST: Final = 20_000
LAST: Final = 32_767
_FOLDER: Final = "ports"


class Leases:
    """The leases under one folder of workspaces."""

    def __init__(self, root: Path, first: int = FIRST, last: int = LAST) -> None:
        self._folder = root / _FOLDER
        self._first, self._last = first, last
        self._lock = Lock()

    def take(self, task: str, count: int, lives: Callable[[str], bool]) -> tuple[int, int]:
        """The first port and how many: those that ``task`` has, or new ones.

        ``lives`` tells whether a task still has a workspace: leases of others are over. Raises
        WorkspaceFailed, DiskFull.
        """
        with self._lock:
            held = self._held()
            for first, (whose, size) in list(held.items()):
                if whose == task:
                    return first, size
                if not lives(whose):
                    self._end(first)
                    del held[first]
            first = self._free(held, count)
            self._begin(first, task, count)
            return first, count

    def release(self, task: str) -> None:
        """Its workspace is gone."""
        with self._lock:
            for first, (whose, _) in self._held().items():
                if whose == task:
                    self._end(first)

    def _free(self, held: dict[int, tuple[str, int]], count: int) -> int:
        taken = {port for first, (_, size) in held.items() for port in range(first, first + size)}
        first = self._first
        while first + count - 1 <= self._last:
            ports = range(first, first + count)
            in_use = next((port for port in reversed(ports) if port in taken), None)
            if in_use is None:
                in_use = next((port for port in reversed(ports) if not _nobody_listens(port)), None)
            if in_use is None:
                return first
            first = in_use + 1
        raise WorkspaceFailed(
            f"no {count} ports in a row are free from {self._first} to {self._last}",
            hint="`inspan workspace ls` lists who may have them; `workspaces: {ports: 0}` in the"
            " settings does without.",
        )

    def _held(self) -> dict[int, tuple[str, int]]:
        held = {}
        with suppress(FileNotFoundError, NotADirectoryError):
            for path in self._folder.iterdir():
                with suppress(OSError, ValueError, KeyError, TypeError):
                    known = json.loads(path.read_text())
                    if path.name.isdecimal() and TASK_ID.fullmatch(known["task"]):
                        held[int(path.name)] = (known["task"], int(known["count"]))
        return held

    def _begin(self, first: int, task: str, count: int) -> None:
        part = self._folder / f"{first}.part"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            part.write_text(json.dumps({"task": task, "count": count}))
            part.replace(self._folder / str(first))
        except OSError as error:
            raise failed(f"{part} could not be written", error) from error

    def _end(self, first: int) -> None:
        (self._folder / str(first)).unlink(missing_ok=True)


def _nobody_listens(port: int) -> bool:
    """True where a server could listen there now, on every address that this machine has."""
    for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):  # noqa: S104 - it never listens
        try:
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                if family == socket.AF_INET6:
                    probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                probe.bind((address, port))
        except OSError as error:
            # A machine may do without one of the two.
            if error.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.ENOPROTOOPT):
                return False
    return True
