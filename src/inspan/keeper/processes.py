"""The processes of this system, as it shows them; it must never know what a session is.

A process is named by its id and its start time: an id alone may already belong to somebody else.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from typing import Final, NamedTuple

from inspan.keeper.marks import Marks, marks_of, tag_of

#: So many of the newest processes are looked at.
_NEWEST: Final = 256
_DEAD: Final = frozenset("ZXx")


class Process(NamedTuple):
    """A line of the process table."""

    pid: int
    parent: int
    group: int
    session: int
    started: int
    state: str

    @property
    def name(self) -> tuple[int, int]:
        """What no other process has, before or after."""
        return self.pid, self.started

    @property
    def dead(self) -> bool:
        """Whether it only waits to be waited for."""
        return self.state in _DEAD


class Table:
    """The process table at one moment. Empty where there is no ``/proc``."""

    def __init__(self) -> None:
        self.at = time.monotonic()
        self.processes: dict[int, Process] = {}
        self.children: dict[int, list[int]] = {}
        self._carried: dict[int | Marks, list[int]] = {}
        self._looked = False
        for pid in everybody():
            process = look(pid)
            if process is not None:
                self.processes[pid] = process
                self.children.setdefault(process.parent, []).append(pid)

    def carrying(self, number: int, marks: Marks) -> list[int]:
        """Who has this tag, or these marks; all are looked at once."""
        if not self._looked:
            self._looked = True
            for pid in self.processes:
                self._carried.setdefault(tag_of(pid), []).append(pid)
                self._carried.setdefault(marks_of(pid), []).append(pid)
        return [*self._carried.get(number, ()), *self._carried.get(marks, ())]

    def below(self, pids: Iterable[int]) -> set[int]:
        """These and all that descends from them."""
        found: set[int] = set()
        left = [pid for pid in pids if pid in self.processes]
        while left:
            pid = left.pop()
            if pid not in found:
                found.add(pid)
                left += self.children.get(pid, ())
        return found


def look(pid: int) -> Process | None:
    """The line of one process; ``None`` where it is gone."""
    try:
        fd = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        # The name stands in parentheses and may hold anything, so the fields count from its end.
        part = os.read(fd, 4096).rpartition(b")")[2].split()
    except OSError:
        return None
    finally:
        os.close(fd)
    if len(part) < 20:
        return None
    return Process(pid, int(part[1]), int(part[2]), int(part[3]), int(part[19]), part[0].decode())


def lives(pid: int) -> bool:
    """Whether there is a process of this id that has not ended, as far as can be told."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    process = look(pid)
    return process is None or not process.dead


def living(pids: Iterable[int]) -> int:
    """How many of these have not ended."""
    return sum(process is not None and not process.dead for process in map(look, pids))


def all_ended(children: Iterable[int]) -> bool:
    """Whether these children, none of which was waited for, only wait for that."""
    return all(map(has_ended, children))


def has_ended(child: int) -> bool:
    """Whether it only waits to be waited for; with it all of its threads. Raises OSError."""
    return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def strangers(roots: set[int]) -> bool:
    """Whether this process has children that are nobody's root; true where that is not known."""
    ours = children()
    return ours is None or any(pid not in roots for pid in ours)


def children() -> list[int] | None:
    """The children of this process, the last that came at the end; ``None`` if nobody can tell."""
    try:
        with open(f"/proc/self/task/{os.getpid()}/children", "rb") as file:  # noqa: PTH123
            return [int(pid) for pid in file.read().split()]
    except OSError:
        return None


def newest() -> range:
    """The numbers that processes were given last, the last one first; none if nobody can tell."""
    try:
        with open("/proc/loadavg", "rb") as file:  # noqa: PTH123
            last = int(file.read().split()[4])
    except (OSError, ValueError, IndexError):
        last = 0
    return range(last, max(0, last - _NEWEST), -1)


def everybody() -> list[int]:
    """All processes that are shown."""
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208
    except OSError:
        return []
