"""Stopping a process: interrupt, then grace, then kill. One function, and nobody else does it."""

from __future__ import annotations

import asyncio
from enum import StrEnum

from inspan.engine.patrol import until
from inspan.engine.ports import Clock, Run
from inspan.model.value import value


class Rung(StrEnum):
    """How far up the ladder it had to go."""

    INTERRUPT = "interrupt"
    TERMINATE = "terminate"
    KILL = "kill"


@value(frozen=True)
class Stopped:
    """Which rung was needed, and how many processes were found afterwards."""

    rung: Rung
    left: int


async def stop(
    run: Run, ended: asyncio.Event, clock: Clock, *, grace: float, force: bool = False
) -> Stopped:
    """Stop ``run`` and everything it started; ``ended`` is set when its end was seen.

    Half of ``grace`` (seconds) is given to the interrupt and half to SIGTERM. Whatever the rung,
    the tree is killed last: a process that left politely may leave others behind.
    """
    rungs = () if force else ((Rung.INTERRUPT, run.interrupt), (Rung.TERMINATE, run.terminate))
    for rung, ask in rungs:
        await ask()
        if await until(ended, clock, clock.monotonic() + grace / 2):
            return Stopped(rung, await run.kill())
    return Stopped(Rung.KILL, await run.kill())
