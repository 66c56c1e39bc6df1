"""Finds every process of a session and ends it; it must never know what a session is for.

Four ways, since each alone can be escaped: descent from the root; the process groups and sessions
seen so far; two marks; the cgroup. As the keeper is a subreaper, every orphan becomes its child,
so whatever a session started stays below the keeper. The marks are a variable in the environment,
which a program may clear, and a tag: a number in the limit on file locks, which Linux has ignored
since 2.4 and every process inherits, through ``setsid``, ``env -i`` and exec alike. A process is
named by its id and its start time: an id alone may already belong to somebody else.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import resource
import signal
import time
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

#: In the environment of every child: which session, and which state directory's keeper.
SESSION_MARK: Final = "INSPAN_SESSION"
KEEPER_MARK: Final = "INSPAN_KEEPER"

#: ``RLIMIT_LOCKS``. The soft limit is the tag; the hard one stays as it is.
LIMIT: Final = 10
#: A tag is this, the number of the state directory, and the number of the session.
_TAG: Final = 1 << 61
_BITS: Final = 30

#: So many of the youngest orphans are looked at a time, and so many of the newest processes.
ORPHANS_MOST: Final = 512
_RUSHED: Final = 256

_ENVIRON_MOST: Final = 4 << 20
_DEAD: Final = frozenset("ZXx")


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


class Tree:
    """What is known of the processes of one session."""

    def __init__(self, root: int, marks: Marks, number: int) -> None:
        """``number`` is the tag that the root was started with."""
        self._root = root
        self._tag = number
        self._marks = marks
        self._seen: set[tuple[int, int]] = set()
        self._groups = {root}
        #: False once the root was reaped: then its id means nothing any more.
        self.rooted = True

    def find(
        self, table: Table, *, roots: set[int], cgroup: Iterable[int], alone: bool
    ) -> dict[int, str]:
        """The living processes of this session, each with the way it was found.

        ``roots`` are the living roots of all sessions. ``alone`` says that no other session is
        known, so that every stranger below the keeper is one of ours.
        """
        found: dict[int, str] = {}
        if self.rooted:
            _add(found, table.below([self._root]), "descent")
        known = [p.pid for p in table.processes.values() if p.name in self._seen]
        _add(found, table.below(known), "descent")
        _add(found, (pid for pid in cgroup if pid in table.processes), "cgroup")
        _add(found, table.below(table.carrying(self._tag, self._marks)), "marker")
        self._learn(table, found)
        strangers = [pid for pid in table.children.get(os.getpid(), ()) if pid not in roots]
        owned = [pid for pid in strangers if self._owns(pid, alone=alone)]
        _add(found, table.below(owned), "subreaper")
        found.pop(os.getpid(), None)
        self._learn(table, found)
        return {pid: way for pid, way in found.items() if not table.processes[pid].dead}

    def strike(self, roots: set[int], *, alone: bool) -> set[int]:
        """SIGKILL to the orphans of this session and to their groups; their ids, also of the dead.

        What forks and exits faster than a table can be read is never where the table says. But each
        orphan becomes a child of the keeper at its birth, and a child keeps its id and its group
        until it is waited for: both are signalled without a look. Whatever lives without the root
        is a child of the keeper or below one: none does, at this moment, where the set is empty.
        The youngest come first, and of a great many only they, for they are the ones that live.
        """
        struck = self.orphans(roots, alone=alone)
        spared = {os.getpgrp(), *roots}
        for pid in struck:
            _kill_child(pid, spared)
        return set(struck)

    def orphans(self, roots: set[int], *, alone: bool) -> list[int]:
        """The youngest children of the keeper, also the dead, that are this session's."""
        owned = (
            pid
            for pid in reversed(_children() or ())
            if pid not in roots and self._owns(pid, alone=alone)
        )
        return list(itertools.islice(owned, ORPHANS_MOST))

    def rush(self, roots: set[int]) -> set[int]:
        """SIGKILL to the newest processes of all, where they carry the tag; their ids.

        In a storm those that live have one of the last few numbers. So this needs half a
        millisecond, however many dead there are to be waited for: a keeper that the storm lets on a
        processor now and then for a moment gets as far as that.
        """
        struck: set[int] = set()
        spared = {os.getpgrp(), *roots}
        for pid in newest():
            if self._tagged(pid) and pid not in roots:
                struck.add(pid)
                if not _kill_child(pid, spared):
                    kill_exactly(pid, self._tagged)
        return struck

    def _tagged(self, pid: int) -> bool:
        return tag_of(pid) == self._tag

    def _owns(self, pid: int, *, alone: bool) -> bool:
        """Whether this child of the keeper, which is nobody's root, belongs to the session.

        The tag decides. A number of a group may have become another's, so groups are for those
        who laid the tag aside.
        """
        number = tag_of(pid)
        if keeper_of(number) == keeper_of(self._tag):
            return number == self._tag
        if alone or marks_of(pid) == self._marks:
            return True
        with contextlib.suppress(OSError):
            return os.getpgid(pid) in self._groups or os.getsid(pid) in self._groups
        return False

    def _learn(self, table: Table, found: Iterable[int]) -> None:
        for pid in found:
            process = table.processes[pid]
            self._seen.add(process.name)
            self._groups.update((process.group, process.session))


def send(process: Process, number: int) -> bool:
    """Signal this process and no later one of the same id."""
    try:
        handle = os.pidfd_open(process.pid)
    except (AttributeError, OSError):
        handle = -1
    try:
        now = look(process.pid)
        if now is None or now.started != process.started:
            return False
        if handle < 0:
            os.kill(process.pid, number)
        else:
            signal.pidfd_send_signal(handle, number)
    except OSError:
        return False
    finally:
        if handle >= 0:
            os.close(handle)
    return True


def send_group(group: int, number: int) -> bool:
    """Signal a process group."""
    with contextlib.suppress(OSError):
        os.killpg(group, number)
        return True
    return False


def kill_exactly(pid: int, fits: Callable[[int], bool]) -> None:
    """SIGKILL to one that ``fits``, and to no other that may have got its number since."""
    with contextlib.suppress(AttributeError, OSError):
        handle = os.pidfd_open(pid)
        try:
            if fits(pid):
                signal.pidfd_send_signal(handle, signal.SIGKILL)
        finally:
            os.close(handle)


def _kill_child(pid: int, spared: set[int]) -> bool:
    """SIGKILL to a child that was not waited for, and to its group unless it is among ``spared``.

    A fork does not escape a signal to its group. False where it is no child.
    """
    try:
        ended = _has_ended(pid)
    except OSError:
        return False
    with contextlib.suppress(OSError):
        if not ended:
            os.kill(pid, signal.SIGKILL)
        group = os.getpgid(pid)
        if group not in spared:
            spared.add(group)
            os.killpg(group, signal.SIGKILL)
    return True


def living(pids: Iterable[int]) -> int:
    """How many of these have not ended."""
    return sum(process is not None and not process.dead for process in map(look, pids))


def all_ended(children: Iterable[int]) -> bool:
    """Whether these children, none of which was waited for, only wait for that."""
    return all(map(_has_ended, children))


def _has_ended(child: int) -> bool:
    """Whether it only waits to be waited for; with it all of its threads. Raises OSError."""
    return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def strangers(roots: set[int]) -> bool:
    """Whether this process has children that are nobody's root; true where that is not known."""
    children = _children()
    return children is None or any(pid not in roots for pid in children)


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


def _children() -> list[int] | None:
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
    return range(last, max(0, last - _RUSHED), -1)


def _add(found: dict[int, str], pids: Iterable[int], way: str) -> None:
    for pid in pids:
        found.setdefault(pid, way)


def everybody() -> list[int]:
    """All processes that are shown."""
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208
    except OSError:
        return []
