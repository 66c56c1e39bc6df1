"""What the system tells of a session's processes, where it is certain: a look at ``/proc``.

It is modest, because that a process lives tells little: an agent that waits for its model sleeps,
and so does one at its prompt; a server of its own may use a processor for days. Where there is no
``/proc`` nothing is told. It reads no clock but that by which the system dates its processes.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Final, NamedTuple

from inspan.model.activity import STOPPED, Confidence, Doing, Reading, Source
from inspan.terminal.sanitize import one_line

#: Seconds for which a command counts that uses no processor: it may wait for the network.
_YOUNG: Final = 30.0
#: So many processes of a session are looked at, and none beyond.
_MOST: Final = 512
_NAME_MOST: Final = 40
_DEAD: Final = "ZXx"
_HALTED: Final = "T"
_TICKS: Final = os.sysconf("SC_CLK_TCK")
#: The number of ``read`` among the calls of the system; on other machines it is not known.
_READ: Final = {"x86_64": "0", "aarch64": "63"}


class Process(NamedTuple):
    """One of them."""

    pid: int
    name: str
    state: str
    group: int
    #: The group that has its terminal; -1 where it has none.
    foreground: int
    #: Ticks of the processor, also of its children that have ended.
    used: int
    started: int

    @property
    def key(self) -> tuple[int, int]:
        """An id alone may be another's by now."""
        return self.pid, self.started


class Tree(NamedTuple):
    """A process and all below it; the first is the root."""

    processes: tuple[Process, ...]
    parents: dict[int, int]

    def below(self, pid: int) -> Iterator[Process]:
        """``pid`` and what descends from it."""
        found = {pid}
        for process in self.processes:  # parents come before their children
            if process.pid in found or self.parents.get(process.pid) in found:
                found.add(process.pid)
                yield process


def tree(root: int) -> Tree | None:
    """All that live of it; ``None`` where it is gone, or nobody can tell."""
    first = _look(root)
    if first is None:
        return None
    found, parents, left = [first], dict[int, int](), [root]
    while left and len(found) < _MOST:
        parent = left.pop(0)
        for pid in _children(parent):
            process = _look(pid)
            if process is not None and pid not in parents:
                parents[pid] = parent
                found.append(process)
                left.append(pid)
    return Tree(tuple(process for process in found if process.state not in _DEAD), parents)


class Commands:
    """The commands that an agent runs: what leads a group of its own below it, as tools do.

    What lives while the agent rests or asks is none: a server of a protocol, of a language, or what
    it left running. Neither is what has used no processor since the last look, and is not young.
    """

    def __init__(self, root: int) -> None:
        self._root = root
        self._helpers: set[tuple[int, int]] = set()
        self._used: dict[tuple[int, int], int] = {}

    def look(self, at: float, *, rests: bool) -> Reading | None:
        """What is certain at ``at``; ``rests``: it is known to be idle, or to ask."""
        seen = tree(self._root)
        if seen is None or not seen.processes:
            return None
        if (stopped := _stopped(seen, at)) is not None:
            return stopped
        led = [p for p in seen.processes if p.pid == p.group != seen.processes[0].group]
        if rests:
            self._helpers = {process.key for process in led}
        before, self._used = self._used, {}
        for process in led:
            self._used[process.key] = sum(one.used for one in seen.below(process.pid))
        for process in led:
            used = self._used[process.key]
            runs = _age(process) < _YOUNG or used > before.get(process.key, used)
            if runs and process.key not in self._helpers:
                return _reading(Doing.WORKING, at, "command", f"it runs {process.name}")
        return None


def of_program(root: int, at: float) -> Reading | None:
    """What is certain of any program: that it is stopped, computes, or reads its terminal."""
    seen = tree(root)
    if seen is None or not seen.processes:
        return None
    if (stopped := _stopped(seen, at)) is not None:
        return stopped
    busy = next((process for process in seen.processes if process.state in "RD"), None)
    if busy is not None:
        return _reading(Doing.WORKING, at, "computes", f"{busy.name} uses a processor or a disk")
    ahead = seen.processes[0].foreground
    for process in seen.processes:
        if process.group == ahead and _reads(process.pid):
            words = f"{process.name} waits for a line of its terminal"
            return _reading(Doing.IDLE, at, "reads", words)
    return None


def rests(root: int) -> bool | None:
    """Whether neither it nor what is in its group runs, or would if it had a processor.

    ``None`` where it was stopped: then it can do nothing. True where nobody can tell.
    """
    seen = tree(root)
    if seen is None or not seen.processes:
        return True
    if _stopped(seen, 0.0) is not None:
        return None
    group = seen.processes[0].group
    return not any(_runs(process.pid) for process in seen.processes if process.group == group)


def is_stopped(reading: Reading | None) -> bool:
    """True where it says that it was stopped."""
    return reading is not None and reading.rule == STOPPED


def halted(root: int) -> str:
    """That it was stopped by a signal, in words; empty where it was not. One small file is read."""
    first = _look(root)
    seen = tree(root) if first is not None and first.state == _HALTED else None
    stopped = None if seen is None else _stopped(seen, 0.0)
    return "" if stopped is None else stopped.evidence


def _stopped(seen: Tree, at: float) -> Reading | None:
    root = seen.processes[0]
    if any(process.state != _HALTED for process in seen.processes if process.group == root.group):
        return None
    words = f"{root.name} was stopped by a signal; `kill -CONT {root.pid}` lets it go on"
    return _reading(Doing.UNKNOWN, at, STOPPED, words)


def _reading(doing: Doing, at: float, rule: str, words: str) -> Reading:
    return Reading(doing, Source.PROCESS, at, rule, words, Confidence.CERTAIN)


def _age(process: Process) -> float:
    """Seconds since it began."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) - process.started / _TICKS


def _reads(pid: int) -> bool:
    """True where it is in a ``read`` of a terminal."""
    try:
        with open(f"/proc/{pid}/syscall", encoding="ascii") as file:  # noqa: PTH123
            call = file.read().split()
        if len(call) < 2 or call[0] != _READ.get(os.uname().machine):
            return False
        target = os.readlink(f"/proc/{pid}/fd/{int(call[1], 16)}")  # noqa: PTH115
    except (OSError, ValueError):
        return False
    return target.startswith(("/dev/pts/", "/dev/tty"))


def _runs(pid: int) -> bool:
    """Whether a thread of it runs, waits for a processor, or for a disk."""
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208
            with (
                suppress(OSError),
                open(f"/proc/{pid}/task/{thread}/stat", "rb") as file,  # noqa: PTH123
            ):
                if file.read(4096).rpartition(b")")[2].split()[:1] in ([b"R"], [b"D"]):
                    return True
    return False


def _children(pid: int) -> Iterator[int]:
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208
            with (
                suppress(OSError),
                open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as file,  # noqa: PTH123
            ):
                yield from map(int, file.read().split())


def _look(pid: int) -> Process | None:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123
            head, _, rest = file.read(4096).rpartition(b")")
    except OSError:
        return None
    # The name stands in parentheses and may hold anything, so the fields count from its end.
    part = rest.split()
    if len(part) < 20:
        return None
    name = one_line(head.partition(b"(")[2].decode(errors="replace"), _NAME_MOST)
    used = sum(int(ticks) for ticks in part[11:15])
    return Process(
        pid, name, part[0].decode(), int(part[2]), int(part[5]), used, started=int(part[19])
    )
