"""Looks at every process below some, many times a second: what of it could be seen by others."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Final

#: Seconds between two looks.
_EVERY: Final = 0.01


class Watched:
    """Which programs had what in their environment and command line, at any look."""

    def __init__(self) -> None:
        #: The command line of each program that was ever seen → all that was in its environment.
        self.programs: dict[bytes, set[bytes]] = {}

    def look(self, roots: Iterable[int]) -> None:
        for pid in {one for root in roots for one in (root, *below(root))}:
            try:
                before = _read(f"/proc/{pid}/cmdline")
                environ = _read(f"/proc/{pid}/environ")
                after = _read(f"/proc/{pid}/cmdline")
            except OSError:
                continue
            if before == after:  # else it has become another program meanwhile
                self.programs.setdefault(before, set()).update(environ.split(b"\0"))

    def having(self, value: str) -> set[bytes]:
        """The command lines of the programs that had ``value`` in their environment."""
        data = value.encode()
        return {
            command
            for command, environ in self.programs.items()
            if any(data in one for one in environ)
        }

    def naming(self, value: str) -> set[bytes]:
        """The command lines that had ``value`` in them."""
        return {command for command in self.programs if value.encode() in command}


def below(pid: int) -> Iterator[int]:
    """All that descends from it, children of its threads too."""
    try:
        tasks = os.listdir(f"/proc/{pid}/task")  # noqa: PTH208 - as in `_read`
        children = [
            one for task in tasks for one in _read(f"/proc/{pid}/task/{task}/children").split()
        ]
    except OSError:
        return
    for child in map(int, children):
        yield child
        yield from below(child)


def _read(name: str) -> bytes:
    # Some thousand are read a second: with `pathlib` it would be as much work as all that is seen.
    file = os.open(name, os.O_RDONLY)
    try:
        data = bytearray()
        while more := os.read(file, 1 << 16):
            data += more
        return bytes(data)
    finally:
        os.close(file)


@contextmanager
def watching(roots: Callable[[], Iterable[int]]) -> Iterator[Watched]:
    """Look until the block is left."""
    watched, over = Watched(), threading.Event()

    def go_on() -> None:
        while not over.wait(_EVERY):
            watched.look(roots())

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield watched
    finally:
        over.set()
        thread.join()
