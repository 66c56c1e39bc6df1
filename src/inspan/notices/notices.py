"""Tells people of tasks that need them: a guest that listens by Control and never holds it up.

One reader of events hands each to the tellers of all targets, who note what is to be told and go
their own ways. A target that fails is told of in the log and in ``warnings``; no task and no other
target notices.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Final

import anyio
import anyio.lowlevel
import anyio.to_thread
from anyio.abc import TaskStatus

from inspan.control import EventQuery, Tasks
from inspan.errors import FellBehind, InspanError
from inspan.model.event import Event
from inspan.model.notice import Target
from inspan.notices import marks
from inspan.notices.marks import Mark
from inspan.notices.reaching import Clock, Way
from inspan.notices.teller import Teller

log = logging.getLogger(__name__)

#: Seconds between two writings of how far all targets are, where nothing is told.
_NOTED_EVERY: Final = 30.0
#: What happened longer ago than so many seconds, while nobody listened, is not told any more.
STALE: Final = 86400.0
#: Seconds until events are asked for again that could not be read.
_AGAIN: Final = 5.0
#: After so many events in a row everybody else has a turn.
_AT_ONCE: Final = 100


class Notices:
    """For all targets of one daemon."""

    def __init__(
        self,
        targets: Sequence[Target],
        way_of: Callable[[Target], Way],
        path: Path,
        clock: Clock,
    ) -> None:
        """``path``: where it is written how far each target has been told."""
        self._path = path
        self._clock = clock
        self._seq = 0
        self._written: dict[str, Mark] = {}
        self._writing = anyio.Lock()
        self._begun = anyio.Event()
        self._tellers = {
            target.name: Teller(target, partial(way_of, target), clock, self._reached, self._note)
            for target in targets
        }

    def warnings(self) -> Iterator[str]:
        """Who could not be told, and why."""
        for name, teller in self._tellers.items():
            if teller.mark.trouble:
                yield f"notify: {name} was not told: {teller.mark.trouble}"

    async def run(
        self, control: Tasks, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED
    ) -> None:
        """Tell, until cancelled. What happens once it has started is not missed."""
        since = await self._begin(control)
        try:
            async with anyio.create_task_group() as group:
                for teller in self._tellers.values():
                    group.start_soon(teller.tell, control)
                group.start_soon(self._note_at_times)
                # Whoever waits for this goes on when the first event is waited for.
                task_status.started()
                await self._read(control, since)
        finally:
            with anyio.CancelScope(shield=True):
                await self._settle()

    async def _begin(self, control: Tasks) -> int | None:
        """Where to read from; ``None`` for from now on, where nobody knows what was told."""
        known = await anyio.to_thread.run_sync(marks.read, self._path)
        own = [mark.seq for name, mark in known.items() if name in self._tellers]
        reached = [seq for seq in own if seq >= 0]
        goes_on = bool(reached) and await self._fresh(control, min(reached))
        # A target that is new has been told what the others were.
        new = Mark(seq=max(reached, default=-1))
        for name, teller in self._tellers.items():
            mark = known.get(name, new)
            teller.begin(mark if goes_on else mark.at(-1))
        if not goes_on:
            return None
        self._seq = min(reached)
        return self._seq

    async def _fresh(self, control: Tasks, seq: int) -> bool:
        """Whether to go on from there: this is the database that was read, and not long ago."""
        try:
            page = await control.history(EventQuery(since=max(0, seq - 1), limit=1))
        except InspanError as error:
            log.warning("events: %s", error, extra={"action": "notify"})
            return False
        return bool(page) and self._clock.now() - page[0].at < STALE

    async def _read(self, control: Tasks, since: int | None) -> None:
        while True:
            try:
                async with aclosing(control.watch(since)) as events:
                    async for event in events:
                        since = self._seq = event.seq
                        self._hear(event)
                        if event.seq % _AT_ONCE == 0:
                            await anyio.lowlevel.checkpoint()
            except FellBehind as error:
                log.debug("%s", error)
            except Exception:
                log.exception("events", extra={"action": "notify"})
                await self._clock.sleep(_AGAIN)

    def _hear(self, event: Event) -> None:
        if not self._begun.is_set():
            for teller in self._tellers.values():
                teller.came_to(event)
            self._begun.set()
        for teller in self._tellers.values():
            teller.hear(event)

    def _reached(self) -> int:
        return self._seq

    async def _note_at_times(self) -> None:
        await self._begun.wait()
        while True:
            await self._settle()
            await self._clock.sleep(_NOTED_EVERY)

    async def _settle(self) -> None:
        if self._seq:
            for teller in self._tellers.values():
                teller.settle()
            await self._note()

    async def _note(self) -> None:
        """Write down how far all targets are; a full disk is no reason to tell nobody."""
        async with self._writing:
            now = {name: teller.mark for name, teller in self._tellers.items()}
            if now == self._written:
                return
            try:
                await anyio.to_thread.run_sync(marks.write, self._path, now)
            except OSError as error:
                log.warning("not written down: %s", error, extra={"action": "notify"})
            else:
                self._written = now
