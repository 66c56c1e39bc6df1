"""A program with one durable function that kills itself, with SIGKILL, where it is told to.

    python -m tests.real.deaths FOLDER [POINT]

Each thing that it does is a line in FOLDER/log. POINT is such a line: when it is written, the
process dies. Without it the run goes on to its end, and its value is printed as JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import anyio

from inspan import DurableContext, durable
from inspan.durability import Runtime

FOLDER = Path(sys.argv[1]) if len(sys.argv) > 1 else Path()
POINT = sys.argv[2] if len(sys.argv) > 2 else ""
PAUSE = 0.3


def log(line: str) -> None:
    """Write it, and die where it is the one."""
    with (FOLDER / "log").open("a") as file:
        file.write(f"{line}\n")
    if line == POINT:
        os.kill(os.getpid(), signal.SIGKILL)


async def work(name: str, value: Any) -> Any:
    """A step: it begins, and it has done its work."""
    log(f"begin {name}")
    await asyncio.sleep(0)
    log(f"done {name}")
    return value


async def fail(name: str) -> None:
    """A step that does not succeed."""
    log(f"begin {name}")
    raise ValueError(name)


@durable
async def inner(ctx: DurableContext, number: int) -> int:
    """A part with a step of its own."""
    return int(await ctx.step("inside", work, f"inside {number}", number))


@durable
async def journey(ctx: DurableContext, start: int) -> list[Any]:
    """One of everything."""
    log("before one")
    found: list[Any] = [await ctx.step("one", work, "one", start), ctx.random()]
    log("after one")
    try:
        await ctx.step("bad", fail, "bad", retries=1)
    except Exception as error:  # noqa: BLE001 - its words are the result
        found.append(str(error))
    log("after bad")
    await ctx.sleep(PAUSE)
    log("after sleep")
    found += await ctx.gather(*(ctx.step(f"wide {n}", work, f"wide {n}", n) for n in range(3)))
    log("after wide")
    found += await ctx.gather(*(ctx.step(f"inner {n}", inner, n) for n in range(2)))
    log("after inner")
    found.append(await ctx.promise("approval"))
    log("after approval")
    found.append(await ctx.step("two", work, "two", {"last": True}))
    log("after two")
    return found


async def tell_when_pending(runtime: Runtime) -> None:
    """Log when the run sleeps and when it waits for somebody: there it can be killed, too."""
    told = set[str]()
    while True:
        for promise in runtime.promises.pending():
            line = "asleep" if promise.param == ["sleep"] else f"pending {promise.id}"
            if line not in told:
                told.add(line)
                log(line)
        await anyio.sleep(0.005)


async def main() -> None:
    """Go on with the run, or begin it."""
    async with durable.open(FOLDER, journey) as runtime, anyio.create_task_group() as group:
        group.start_soon(tell_when_pending, runtime)
        print(json.dumps(await runtime.run(journey, 7, id="r")))
        group.cancel_scope.cancel()


if __name__ == "__main__":
    asyncio.run(main())
