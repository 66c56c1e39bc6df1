"""Looks at what sessions show: all the time, or once when somebody asks. It knows no task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import anyio
import anyio.to_thread

from inspan.engine.ports import Clock, Order, Run
from inspan.errors import SessionNotFound
from inspan.keeper.recording import RAW
from inspan.model.activity import Activity, Confidence, Doing, Reading, Source, judge
from inspan.model.task import TerminalSpec
from inspan.providers.keptprompts import KeptPrompts
from inspan.providers.procfacts import of_program
from inspan.providers.ptyrun import PtyRun
from inspan.providers.redaction import Redaction
from inspan.providers.screenrules import GENERIC, rulebooks
from inspan.providers.seeing import Eyes
from inspan.terminal.rules import Rulebook
from inspan.terminal.screen import Backend, backend

#: A rule may want to see that nothing moves; so often a screen is looked at again at most.
_LOOKS: Final = 8


class Screens:
    """What all that are looked at share: an emulator, a clock, and one of them at a time."""

    def __init__(self, clock: Clock) -> None:
        self.clock: Final = clock
        #: Held while one is drawn, so that a hundred of them leave the loop to others in between.
        self._slot = anyio.Lock()
        self._backend: Backend | None = None

    async def watch(
        self,
        inner: Run,
        order: Order,
        folder: Path,
        books: Sequence[Rulebook],
        hidden: Redaction,
        *,
        adopted: bool,
    ) -> PtyRun:
        """``inner``, which is on a terminal and recorded in ``folder``, watched by ``books``."""
        eyes = await self._eyes(folder, order.terminal, books, whole=not adopted)
        silent = self.clock.now() - self._printed_at(folder) if adopted else None
        kept = KeptPrompts(folder)
        first = order.prompt or ""
        return PtyRun(inner, eyes, self._slot, self.clock, hidden, kept, first=first, silent=silent)

    async def glance(self, folder: Path, terminal: TerminalSpec, pid: int) -> Activity:
        """What any program does now, by what its terminal shows, and by its processes.

        Its time is since the epoch.
        """
        now, at = self.clock.now(), self._printed_at(folder)
        readings = [_silent(at)]
        if (certain := of_program(pid, now)) is not None:
            readings.append(certain)
        if terminal.pty:
            try:
                seen = await self._shown(folder, terminal, at, now)
            except SessionNotFound:
                seen = None
            if seen is not None and seen.doing is not Doing.UNKNOWN:
                readings.append(seen)
        found = judge(readings, now)
        return replace(found, since=min(now, readings[-1].at))

    async def _shown(
        self, folder: Path, terminal: TerminalSpec, at: float, now: float
    ) -> Reading | None:
        eyes = await self._eyes(folder, terminal, rulebooks(GENERIC), whole=False)
        try:
            async with self._slot:
                await eyes.see((folder / RAW).stat().st_size, at)
            eyes.look(at)
            for _ in range(_LOOKS):
                if eyes.due > now:
                    break
                eyes.look(max(eyes.due, at))
        except OSError as error:
            raise SessionNotFound(f"there is no recording {folder.name}") from error
        finally:
            eyes.close()
        return eyes.reading

    def _printed_at(self, folder: Path) -> float:
        """When something was recorded last."""
        try:
            return min(self.clock.now(), (folder / RAW).stat().st_mtime)
        except OSError:
            return self.clock.now()

    async def _eyes(
        self, folder: Path, terminal: TerminalSpec, books: Sequence[Rulebook], *, whole: bool
    ) -> Eyes:
        async with self._slot:
            if self._backend is None:
                self._backend = await anyio.to_thread.run_sync(backend)
        return Eyes(
            folder, books, self._backend, cols=terminal.cols, rows=terminal.rows, whole=whole
        )


def _silent(at: float) -> Reading:
    """Nothing says what it does; when it printed last is all that is known."""
    return Reading(
        Doing.UNKNOWN, Source.SILENCE, at, "", "no rule fits what it shows", Confidence.GUESS
    )
