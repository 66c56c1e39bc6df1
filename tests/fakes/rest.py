"""Waiting until all tasks of the loop wait, in a world of fakes that has no threads to wait for."""

from __future__ import annotations

import asyncio

import anyio

#: Turns of the loop to look in, before it is left to those who look ten times a second.
_TURNS = 1000
#: Turns in a row that tell rest: what a callback wakes is no task yet in the first.
_QUIET = 3


async def at_rest() -> None:
    """Return once every other task waits for something that nobody here has done yet.

    It is what `anyio.wait_all_tasks_blocked` waits for too, with a tenth of a second between looks.
    """
    quiet = 0
    for _ in range(_TURNS):
        await asyncio.sleep(0)
        quiet = 0 if _someone_goes_on() else quiet + 1
        if quiet == _QUIET:
            return
    await anyio.wait_all_tasks_blocked()


def _someone_goes_on() -> bool:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    waiters = [task._fut_waiter for task in others]  # type: ignore[attr-defined]
    return any(waiter is None or waiter.done() for waiter in waiters)
