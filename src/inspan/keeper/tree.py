"""Finds every process of a session and ends it; it must never know what a session is for.

Four ways, since each alone can be escaped: descent from the root; the process groups and sessions
seen so far; the marks; the cgroup. As the keeper is a subreaper, every orphan becomes its child, so
whatever a session started stays below the keeper.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
from collections.abc import Callable, Iterable
from typing import Final

from inspan.keeper.marks import Marks, keeper_of, marks_of, tag_of
from inspan.keeper.processes import Process, Table, children, has_ended, look, newest

#: So many of the youngest orphans are looked at a time.
ORPHANS_MOST: Final = 512


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
            for pid in reversed(children() or ())
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
        ended = has_ended(pid)
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


def _add(found: dict[int, str], pids: Iterable[int], way: str) -> None:
    for pid in pids:
        found.setdefault(pid, way)
