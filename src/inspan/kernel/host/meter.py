"""Watches the memory of a session's processes from outside, while it works; Linux only.

What the kernel limits it limits for each process, and not memory that processes share. This counts
all of it, and reports once what is over. While the session is idle there is no timer.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from inspan.errors import InspanError, LimitReached

#: Seconds between two looks.
_PAUSE: Final = 0.25
#: Processes of one session that are counted.
_MOST: Final = 500
_PROC: Final = "/proc"


class Meter:
    """Of the process ``pid`` and what descends from it."""

    def __init__(self, pid: int, memory: int, over: Callable[[InspanError], None]) -> None:
        """``memory`` is in bytes; ``over`` is called once."""
        self._pid, self._memory, self._over = pid, memory, over
        self._works = False
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Look from time to time from now on."""
        self._works = True
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_PAUSE, self._tick)

    def rest(self) -> None:
        """It has nothing to do; the timer goes at its next turn, for work may come at once."""
        self._works = False

    def close(self) -> None:
        """Look no more."""
        self._works = False
        if self._timer is not None:
            self._timer.cancel()

    def look(self) -> None:
        """Look now."""
        pids = list(_tree(self._pid))
        if sum(map(_resident, pids)) > self._memory:
            # What a child shares with its parent was counted twice; to be exact takes longer.
            used = sum(map(_own, pids))
            if used > self._memory:
                self.close()
                self._over(
                    LimitReached(
                        f"The session used {used >> 20} MB of memory; its limit is"
                        f" {self._memory >> 20} MB."
                    )
                )

    def _tick(self) -> None:
        self._timer = None
        if self._works:
            self.look()
        if self._works:
            self.start()


def _tree(root: int) -> Iterator[int]:
    waiting, seen = [root], 0
    while waiting and seen < _MOST:
        pid = waiting.pop()
        seen += 1
        yield pid
        try:
            for thread in os.listdir(f"{_PROC}/{pid}/task"):  # noqa: PTH208 - only names are needed
                waiting += map(int, _read(f"{pid}/task/{thread}/children").split())
        except OSError:
            continue


def _resident(pid: int) -> int:
    words = _read(f"{pid}/statm").split()
    return int(words[1]) * os.sysconf("SC_PAGE_SIZE") if words else 0


def _own(pid: int) -> int:
    """Its memory, with its part of what it shares."""
    for line in _read(f"{pid}/smaps_rollup").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return _resident(pid)


def _read(name: str) -> str:
    try:
        return Path(_PROC, name).read_text()
    except OSError:
        return ""
