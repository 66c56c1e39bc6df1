"""Our code session, driven by its host, in a process of its own.

python -m tools.bench.code_ours FOLDER TRIPS
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from itertools import count
from pathlib import Path
from time import perf_counter
from typing import Any

from inspan.kernel import protocol as p
from inspan.kernel.host.cell import Output
from inspan.kernel.host.launch import Order
from inspan.kernel.host.pool import Pool
from inspan.kernel.host.session import KernelSession
from tools.bench.code_cells import FLUSHED, LINES, wanted
from tools.bench.processes import memory
from tools.bench.pty_keeper import keeper

ENV = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}


async def measured(folder: Path, trips: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as runtime:
        async with keeper(folder) as (client, _), asyncio.TaskGroup() as group:
            numbers = count()

            async def make() -> KernelSession:
                name = f"code-{next(numbers)}"
                order = Order(
                    session=name,
                    folder=folder / name,
                    runtime=Path(runtime),
                    cwd=folder,
                    env=ENV,
                )
                return await KernelSession.open(group, client, order)

            began = perf_counter()
            session = await make()
            await value(session)
            found: dict[str, Any] = {"start": perf_counter() - began}
            found["trips"] = [await trip(session) for _ in range(trips)]
            found["pss"] = memory(
                [int((await value(session, "import os; os.getpid()")).repr or 0)]
            ).pss
            found["lines"] = await printed(session, LINES)
            found["flushed"] = await printed(session, FLUSHED)
            pool = Pool(1, make)
            pool.start(group)
            warmed = await pool.take()
            await warmed.close()
            began = perf_counter()
            warm = await pool.take()
            await value(warm)
            found["warm"] = perf_counter() - began
            await pool.close()
            await warm.close()
            await session.close()
            return found


async def value(session: KernelSession, code: str = "1+1") -> p.Result:
    end = await (await session.execute(code)).outcome()
    assert isinstance(end, p.Result), end
    return end


async def trip(session: KernelSession) -> float:
    began = perf_counter()
    await value(session)
    return perf_counter() - began


async def printed(session: KernelSession, code: str) -> float:
    began = perf_counter()
    cell = await session.execute(code)
    parts = [item.data async for item in cell if isinstance(item, Output)]
    took = perf_counter() - began
    if b"".join(parts).decode() != wanted(code):
        raise RuntimeError("output was lost or came in another order")
    return took


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=sys.argv[1]) as here:
        print(json.dumps(asyncio.run(measured(Path(here), int(sys.argv[2])))))
