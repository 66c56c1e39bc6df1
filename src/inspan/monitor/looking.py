"""What processes use, from two looks at what they have used, and the room that is left on disks.

It knows names and numbers only.
"""

from __future__ import annotations

import heapq
from typing import Final

import anyio

from inspan.engine.ports import Clock
from inspan.model.ids import CODE_RUN, task_of
from inspan.model.metrics import Disk, Drawn, ProcessUse, SessionUse
from inspan.monitor.ports import Processes
from inspan.monitor.tally import Together

#: Seconds between two looks that somebody asked for, and where nobody asks.
AT_LEAST: Final = 1.0
AT_MOST: Final = 10.0
#: So many sessions are told of, those with the most memory.
SESSIONS_MOST: Final = 100


class Looking:
    """The newest look, and the one before it."""

    def __init__(self, processes: Processes, clock: Clock) -> None:
        self._processes = processes
        self._clock = clock
        self._lock = anyio.Lock(fast_acquire=True)
        self._looked: float | None = None
        self._before: dict[str, Drawn] = {}
        self.own: dict[str, ProcessUse] = {}
        self.disks: dict[str, Disk] = {}
        self.sessions: tuple[SessionUse, ...] = ()
        self.together = Together()
        self.cpu_seconds: dict[str, float] = {}

    async def look(self, age: float = AT_LEAST) -> None:
        """Look, unless somebody did so less than ``age`` seconds ago."""
        async with self._lock:
            now = self._clock.monotonic()
            if self._looked is not None and now - self._looked < age:
                return
            own = await self._processes.own()
            living = await self._processes.sessions()
            self.disks = await self._processes.disks()
            passed = 0.0 if self._looked is None else now - self._looked
            before, self._before = self._before, {**own, **living}
            self._looked = now
        self.cpu_seconds = {name: drawn.cpu_seconds for name, drawn in own.items()}
        self.own = {
            name: ProcessUse(drawn.pid, drawn.rss_bytes, _cpu(drawn, before.get(name), passed))
            for name, drawn in own.items()
        }
        cpu = {name: _cpu(drawn, before.get(name), passed) for name, drawn in living.items()}
        memory = sum(drawn.rss_bytes for drawn in living.values())
        self.together = Together(len(living), memory, sum(cpu.values()))
        largest = heapq.nlargest(SESSIONS_MOST, living, key=lambda name: living[name].rss_bytes)
        self.sessions = tuple(
            SessionUse(
                session=name,
                owner=_owner(name),
                processes=living[name].processes,
                rss_bytes=living[name].rss_bytes,
                cpu=cpu[name],
            )
            for name in largest
        )


def _owner(session: str) -> str:
    return task_of(session.partition("-")[2] if CODE_RUN.fullmatch(session) else session)


def _cpu(now: Drawn, before: Drawn | None, passed: float) -> float:
    """Processors in use between two looks; of one that was not there it is not known yet.

    What a process used goes with it when it ends and nobody waited for it: less than before is
    none.
    """
    if before is None or before.pid != now.pid or passed <= 0:
        return 0.0
    return max(0.0, now.cpu_seconds - before.cpu_seconds) / passed
