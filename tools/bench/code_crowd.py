"""Many sessions of one side: started, idle, and answering at once, in a process of its own.

python -m tools.bench.code_crowd SIDE FOLDER SESSIONS MORE TIMES SECONDS
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from tools.bench.code_sides import Session, Side, opened
from tools.bench.processes import memory, ran, with_descendants

#: Sessions that start at the same time.
TOGETHER: Final = 8
#: Seconds until what a start leaves to be done is done: a session of ours gives signs of life in
#: the ten seconds after its last cell, and then every five minutes.
SETTLING: Final = 12.0
#: Seconds that a full pool rests: what a session loads when nothing has come is loaded by then.
RESTING: Final = 2.0


async def measured(side: Side, size: int, more: int, times: int, idle: float) -> dict[str, Any]:
    """Of ``size`` sessions, and of ``more`` where that is more than these; bytes and seconds."""
    one = await side.open()
    await one.run("1+1")
    await side.settle()
    await one.close()
    starts = []
    for number in range(times):
        began = perf_counter()
        sessions = await begun(side.open, size)
        starts.append(perf_counter() - began)
        if number < times - 1:
            await asyncio.gather(*(session.close() for session in sessions))
    await asyncio.sleep(SETTLING)
    found: dict[str, Any] = {"count": size, "starts": starts, "pss": shares(side, sessions)}
    found["cpu"] = await idling(side, sessions, idle)
    sessions += await begun(side.open, more - size)
    began = perf_counter()
    answers = await asyncio.gather(*(session.run("1+1") for session in sessions))
    found["all"] = {
        "count": len(answers),
        "seconds": perf_counter() - began,
        "pss": shares(side, sessions),
    }
    await asyncio.gather(*(session.close() for session in sessions))
    found["stocked"] = [seconds for _ in range(times) async for seconds in stocked(side, size)]
    return found


async def stocked(side: Side, size: int) -> AsyncIterator[float]:
    """Seconds until as many sessions as a full pool has are taken and have given a result."""
    stock = side.stocked(size)
    if stock is None:
        return
    async with stock as take:
        await asyncio.sleep(RESTING)
        began = perf_counter()
        sessions = await begun(take, size)
        yield perf_counter() - began
        await asyncio.gather(*(session.close() for session in sessions))


async def begun(make: Callable[[], Awaitable[Session]], count: int) -> list[Session]:
    """So many, each of which has given a result."""
    gate = asyncio.Semaphore(TOGETHER)

    async def one() -> Session:
        async with gate:
            session = await make()
            await session.run("1+1")
            return session

    return await asyncio.gather(*(one() for _ in range(count)))


def shares(side: Side, sessions: list[Session]) -> dict[str, float]:
    """Bytes of each session with its descendants, and of the helpers, by what they are."""
    each = [memory(with_descendants(session.pid)).pss for session in sessions]
    helpers = {name: memory((pid,)).pss for name, pid in side.helpers().items()}
    return {"each": sum(each) / len(each), "most": max(each), **helpers}


async def idling(side: Side, sessions: list[Session], seconds: float) -> dict[str, float]:
    """The part of one processor that all sessions take together, and each of the helpers."""
    pids = [pid for session in sessions for pid in with_descendants(session.pid)]
    helpers = side.helpers()
    groups = {"sessions": pids, **{name: [pid] for name, pid in helpers.items()}}
    before = {name: sum(map(ran, group)) for name, group in groups.items()}
    await asyncio.sleep(seconds)
    return {name: (sum(map(ran, group)) - before[name]) / seconds for name, group in groups.items()}


async def main(name: str, folder: Path, *words: str) -> dict[str, Any]:
    size, more, times, idle = words
    async with opened(name, folder) as side:
        return await measured(side, int(size), int(more), int(times), float(idle))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=sys.argv[2]) as here:
        print(json.dumps(asyncio.run(main(sys.argv[1], Path(here), *sys.argv[3:]))))
