"""The ladder by which a cell is interrupted, from asking to killing; each rung is reported.

The host writes the cell's number on the board, then sends SIGINT again and again: the worker
ignores one that is not for the cell that runs. So an interrupt never hits the next cell, and a
signal that got lost in code that swallows it is followed by another.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from inspan.kernel.host.board import Board
from inspan.kernel.host.cell import Cell

#: Seconds that the process has alone before its group gets the signal, too.
_ALONE: Final = 0.02
#: Seconds between two signals.
_AGAIN: Final = 0.05
#: Seconds for a killed process's end to be known.
_DEATH: Final = 6.0


class Rung(StrEnum):
    """What was done, in the order of severity."""

    CANCEL = "cancel"  #: the worker was asked; all that a cell which has not begun needs
    SIGNAL = "signal"  #: SIGINT to the process
    GROUP = "group"  #: SIGINT to its process group
    KILL = "kill"  #: all its processes killed: the namespace is gone
    ENDED = "ended"  #: the cell is over
    WAITS = "waits"  #: the deadline came, and the cell still waits for its turn


@dataclass(frozen=True, slots=True)
class Step:
    """A rung that was reached so many seconds after the interrupt was asked for."""

    rung: Rung
    after: float


class Process(Protocol):
    """What the ladder needs of a worker's process."""

    async def interrupt(self) -> None: ...

    async def interrupt_group(self) -> None: ...

    async def kill(self) -> None: ...


class Ladder:
    """One session's; one cell at a time is on it."""

    def __init__(
        self,
        board: Board,
        process: Process,
        cancel: Callable[[Cell], None],
        look: Callable[[], object],
        report: Callable[[Cell, Step], None] | None,
    ) -> None:
        self.board = board
        self._process = process
        self._cancel = cancel
        #: Find out now whether a cell has begun.
        self.look = look
        self._report = report
        self._turn = asyncio.Lock()

    async def climb(self, cell: Cell, deadline: float) -> tuple[Step, ...]:
        """Return when the cell is over, or when it still waits for its turn at the deadline.

        From now on its oldest output goes where nobody reads it.
        """
        start = asyncio.get_running_loop().time()
        steps: list[Step] = []
        way = _Climb(self, cell, start, steps)
        if not await self._my_turn(deadline):
            # Somebody with more patience is at work.
            await way.last()
            return tuple(steps)
        try:
            if not cell.ended:
                await way.run(deadline)
        finally:
            self.board.want(0)
            self._turn.release()
        return tuple(steps)

    async def _my_turn(self, within: float) -> bool:
        """Whether it came within so many seconds; one that is free is taken at once."""
        if not self._turn.locked():
            return await self._turn.acquire()
        try:
            async with asyncio.timeout(None if within == math.inf else within):
                return await self._turn.acquire()
        except TimeoutError:
            return False

    def reached(self, cell: Cell, step: Step) -> None:
        """Tell whoever wants to know."""
        if self._report is not None:
            self._report(cell, step)

    @property
    def process(self) -> Process:
        """Whose it is."""
        return self._process

    def cancel(self, cell: Cell) -> None:
        """Ask the worker."""
        self._cancel(cell)


class _Climb:
    """One cell's way up."""

    def __init__(self, ladder: Ladder, cell: Cell, start: float, steps: list[Step]) -> None:
        self._ladder = ladder
        self._cell = cell
        self._start = start
        self._steps = steps
        self._seen: set[Rung] = set()
        self._signals = 0

    async def run(self, deadline: float) -> None:
        self._ladder.board.want(self._cell.number)
        # An end that waits behind output which nobody takes would be no end.
        self._cell.inbox.let_drop()
        while not self._cell.ended:
            self._ladder.look()
            left = deadline - self._after()
            if left <= 0:
                await self.last()
                return
            if self._cell.begun:
                await self._signal()
            elif Rung.CANCEL not in self._seen:
                self._reach(Rung.CANCEL)
                self._ladder.cancel(self._cell)
            await self._over(min(left, _ALONE if self._signals == 1 else _AGAIN))
        self._reach(Rung.ENDED)

    async def _signal(self) -> None:
        self._signals += 1
        if self._signals == 1:
            self._reach(Rung.SIGNAL)
            await self._ladder.process.interrupt()
        else:
            self._reach(Rung.GROUP)
            await self._ladder.process.interrupt_group()

    async def last(self) -> None:
        """Kill it, unless it has not begun or is over."""
        self._ladder.look()
        if self._cell.ended:
            return
        if not self._cell.begun:
            self._reach(Rung.WAITS)
            return
        self._reach(Rung.KILL)
        await self._ladder.process.kill()
        await self._over(_DEATH)
        self._reach(Rung.ENDED)

    async def _over(self, within: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._cell.over()

    def _reach(self, rung: Rung) -> None:
        if rung not in self._seen:
            self._seen.add(rung)
            step = Step(rung, self._after())
            self._steps.append(step)
            self._ladder.reached(self._cell, step)

    def _after(self) -> float:
        return asyncio.get_running_loop().time() - self._start
