"""Ends what a keeper that died left behind, until none of it is seen any more.

Its orphans have gone to another parent, so that nothing is left can only be seen, not proven: by a
look for which nothing of it lived, and then by the newest processes, of which none was its. What
hid from the look, behind it, has become one of those. It must never know of sessions, only of the
marks that all of a keeper's processes carry.
"""

from __future__ import annotations

import os
import signal
import time
from typing import Final

from inspan.keeper import processes, tree
from inspan.keeper.marks import keeper_of, marks_of, tag, tag_of

#: After a look that found nothing new it waits so long, each time twice as long, up to the most.
_FIRST: Final = 0.002
_PAUSE_MOST: Final = 0.1
#: So many rounds in a row must find nothing, so that a look is followed by the newest.
_CALM: Final = 2


def clear(mark: str, until: float) -> int:
    """SIGKILL to all that carries ``mark``; how many there were.

    It gives up at the moment ``until``, in monotonic seconds: what is left hangs in the kernel.
    """
    remains = Remains(mark)
    killed, calm, pause = 0, 0, _FIRST
    while calm < _CALM and time.monotonic() < until:
        new = remains.rush() or remains.look()
        killed += new
        if new:
            calm = 0
        elif remains.calm:
            calm += 1
        else:
            calm = 0
            time.sleep(pause)
            pause = min(pause * 2, _PAUSE_MOST)
    return killed


class Remains:
    """What of a keeper's has been met so far."""

    def __init__(self, mark: str) -> None:
        self._mark = mark.encode()
        self._keeper = keeper_of(tag(mark, 0))
        self._met: set[tuple[int, int]] = set()
        self._rushed: set[int] = set()
        self._spared = {os.getpid(), *_ancestors()}
        #: Whether the last look saw nothing of it that lives.
        self.calm = False

    def rush(self) -> int:
        """Kill those among the newest processes; how many had not been met. See ``Tree.rush``."""
        struck = {pid for pid in processes.newest() if self._tagged(pid)} - self._spared
        for pid in struck:
            tree.kill_exactly(pid, self._tagged)
        new = struck - self._rushed
        self._rushed = struck
        return len(new)

    def look(self) -> int:
        """Kill all that are seen; how many had not been met."""
        self.calm = True
        return sum(map(self._end, sorted(processes.everybody(), reverse=True)))

    def _end(self, pid: int) -> bool:
        """Whether it is one of them, lives, and was not met before; then it is killed."""
        if pid in self._spared:
            return False
        if not self._tagged(pid) and marks_of(pid).keeper != self._mark:
            return False
        process = processes.look(pid)
        if process is None or process.dead:
            return False
        met = process.name in self._met
        self._met.add(process.name)
        self.calm = False
        return tree.send(process, signal.SIGKILL) and not met

    def _tagged(self, pid: int) -> bool:
        return keeper_of(tag_of(pid)) == self._keeper


def _ancestors() -> set[int]:
    """Who started this process, and so on: it may have been in a session of the keeper's."""
    found: set[int] = set()
    pid = os.getppid()
    while pid and pid not in found:
        found.add(pid)
        process = processes.look(pid)
        pid = 0 if process is None else process.parent
    return found
