"""Starts, round trips, output and memory of one side's sessions, in a process of its own.

python -m tools.bench.code_plain SIDE FOLDER TRIPS
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from tools.bench.code_cells import FLUSHED, LINES, STAMPED, amiss
from tools.bench.code_sides import Session, Side, opened
from tools.bench.processes import confinement, memory, with_descendants

#: Starts of each kind in a round.
STARTS: Final = 3


async def measured(side: Side, trips: int, *, forks: bool) -> dict[str, Any]:
    """Seconds and bytes; a list where a round has several."""
    session, first = await started(side)
    found: dict[str, Any] = {"first": first, "confined": confinement(session.pid, os.getpid())}
    if forks:
        await side.settle()
        found |= await further(side)
    found["trips"] = [await trip(session) for _ in range(trips)]
    found["pss"] = memory(with_descendants(session.pid)).pss
    found["lines"] = await output(session, LINES)
    found["flushed"] = await output(session, FLUSHED)
    found["delays"] = await delays(session)
    return found


async def further(side: Side) -> dict[str, Any]:
    """Of ours: spawned once more, forked, and from a pool."""
    spawned, forked = [], []
    for apart in range(1, STARTS + 1):
        session, seconds = await started(side, apart)
        spawned.append(seconds)
        # The zygote that this one left behind is not to be in the way of the next.
        await side.settle(apart)
        await session.close()
    for _ in range(STARTS * 2):
        session, seconds = await started(side)
        forked.append(seconds)
        pss = memory(with_descendants(session.pid)).pss
        await session.close()
    pooled = await side.pooled(STARTS * 2)
    return {"spawned": spawned, "forked": forked, "pooled": pooled, "forked_pss": pss}


async def started(side: Side, apart: int = 0) -> tuple[Session, float]:
    began = perf_counter()
    session = await side.open(apart)
    await session.run("1+1")
    return session, perf_counter() - began


async def trip(session: Session) -> float:
    began = perf_counter()
    await session.run("1+1")
    return perf_counter() - began


async def output(session: Session, code: str) -> dict[str, float]:
    """Seconds until its first and its last byte are here, and bytes that are amiss."""
    began, first, last, parts = perf_counter(), 0.0, 0.0, []
    async for part in session.printed(code):
        last = perf_counter() - began
        first = first or last
        parts.append(part)
    wrong = amiss(code, b"".join(parts))
    return {"seconds": last, "first": first, "lost": wrong.lost, "displaced": wrong.displaced}


async def delays(session: Session) -> list[float]:
    """Seconds from each print in the cell until it is here."""
    found, rest = [], b""
    async for part in session.printed(STAMPED):
        now = perf_counter()
        *lines, rest = (rest + part).split(b"\n")
        found += [now - float(line) for line in lines]
    return found


async def main(name: str, folder: Path, trips: int) -> dict[str, Any]:
    async with opened(name, folder) as side:
        return await measured(side, trips, forks=name != "ipykernel")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=sys.argv[2]) as here:
        print(json.dumps(asyncio.run(main(sys.argv[1], Path(here), int(sys.argv[3])))))
