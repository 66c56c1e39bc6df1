"""What a durable step costs: beside the same work alone, and beside a bare write and fsync."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path
from time import perf_counter

from inspan import DurableContext, durable
from inspan.durability import DurableFunction, Runtime
from inspan.store.connection import Synchronous
from tools.bench.measure import Found, Row, Series, digits, file_system

#: What a commit of one small row writes: two pages of the write-ahead log.
WRITTEN = b"x" * 2 * 4120
MEMORY = Path("/dev/shm")


async def nap() -> None:
    await asyncio.sleep(0.02)


async def nothing() -> None:
    """A step that does nothing."""


@durable
async def naps(ctx: DurableContext, steps: int) -> None:
    for _ in range(steps):
        await ctx.step("nap", nap)


@durable
async def empty(ctx: DurableContext, steps: int) -> None:
    for _ in range(steps):
        await ctx.step("nothing", nothing)


@durable
async def wide(ctx: DurableContext, steps: int) -> None:
    await ctx.gather(*(ctx.step("nothing", nothing) for _ in range(steps)))


def run(folder: Path, *, quick: bool) -> Found:
    return asyncio.run(measured(folder, rounds=3 if quick else 15))


async def measured(folder: Path, rounds: int) -> Found:
    async with AsyncExitStack() as stack:
        full = await Place.opened(stack, folder, "FULL")
        normal = await Place.opened(stack, folder, "NORMAL")
        rows = await steps_of_20_ms([full, normal], rounds)
        if MEMORY.is_dir():
            memory = await Place.opened(stack, MEMORY, "FULL")
            rows += await steps_of_20_ms([memory], rounds)
            rows += [await cost("an empty step", memory, empty, rounds)]
        rows += [
            await cost("an empty step", full, empty, rounds),
            await cost("an empty step", normal, empty, rounds),
            await cost("an empty step among 500 at once", full, wide, rounds),
        ]
    return Found(
        rows=tuple(rows),
        notes=(
            "A step is one row in one transaction, on the disk before the function goes on. The"
            " peer of a 20 ms step is the same sleep and nothing; `write and fsync` beside it is"
            f" the sleep and {len(WRITTEN)} bytes, written to a file in the same folder and synced"
            " in a thread.",
            "`FULL` and `NORMAL` are SQLite's `synchronous`, with a write-ahead log. FULL, the"
            " default: what is stored outlives a loss of power; NORMAL: the process.",
        ),
    )


class Place:
    """A runtime over a folder, and a plain file in it."""

    def __init__(self, runtime: Runtime, file: int, called: str) -> None:
        #: Which file system, and how durable.
        self.called = called
        self._runtime = runtime
        self._file = file
        self._number = count()

    @classmethod
    async def opened(cls, stack: AsyncExitStack, folder: Path, synchronous: Synchronous) -> Place:
        here = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=folder)))
        runtime = await stack.enter_async_context(durable.open(here, synchronous=synchronous))
        file = os.open(here / "plain", os.O_WRONLY | os.O_CREAT)
        stack.callback(os.close, file)
        place = cls(runtime, file, f"{file_system(here)}, {synchronous}")
        await place.seconds(empty, 20)
        return place

    async def seconds(self, function: DurableFunction[..., None], steps: int) -> float:
        """For each step of a run."""
        return await timed(
            lambda: self._runtime.run(function, steps, id=f"r{next(self._number)}"), steps
        )

    async def write(self) -> None:
        def write() -> None:
            os.write(self._file, WRITTEN)
            os.fsync(self._file)

        await nap()
        await asyncio.to_thread(write)


async def timed(work: Callable[[], Awaitable[None]], parts: int) -> float:
    began = perf_counter()
    await work()
    return (perf_counter() - began) / parts


async def times(work: Callable[[], Awaitable[None]], steps: int) -> None:
    for _ in range(steps):
        await work()


async def steps_of_20_ms(places: list[Place], rounds: int) -> list[Row]:
    steps, bare, synced = 25, list[float](), list[float]()
    ours: dict[str, list[float]] = {place.called: [] for place in places}
    for _ in range(rounds):
        bare.append(await timed(lambda: times(nap, steps), steps))
        for place in places:
            ours[place.called].append(await place.seconds(naps, steps))
        synced.append(await timed(lambda: times(places[0].write, steps), steps))
    peer = Series.of(bare)
    floor = Series.of(synced).minus(peer)
    rows = []
    for name, found in ours.items():
        series = Series.of(found)
        more = series.minus(peer)
        part = 100 * more.median / peer.median
        rows.append(
            Row(
                what=f"a step of 20 ms − 20 ms, {name}",
                ours=series.text(" ms", 1e3),
                peer=peer.text(" ms", 1e3),
                ratio=f"+{digits(part)} % ({more.text(' ms', 1e3)};"
                f" write and fsync: {floor.text(' ms', 1e3)})",
                goal="< 5 %",
                met=part < 5,
            )
        )
    return rows


async def cost(what: str, place: Place, function: DurableFunction[..., None], rounds: int) -> Row:
    series = Series.of([await place.seconds(function, 500) for _ in range(rounds)])
    return Row(what=f"{what}, {place.called}", ours=series.text(" µs", 1e6))
