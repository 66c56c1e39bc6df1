"""From a durable submit to the call that starts the work, beside the disk's own fsync."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

import anyio

from inspan.model.ids import session_id
from tools.bench.engines import SPEC, engine_of_nothing
from tools.bench.measure import Found, Row, Series, digits, in_a_child

#: What is allowed beside two fsyncs, in seconds.
ALLOWED = 0.003
PAGE = b"x" * 4096


def run(folder: Path, *, quick: bool) -> Found:
    tries = 100 if quick else 1000
    raw: dict[str, Any] = in_a_child("submit_to_start", folder, tries)
    starts, stored, syncs = (Series.of(raw[name]) for name in ("starts", "stored", "syncs"))
    goal = 2 * syncs.median + ALLOWED
    return Found(
        rows=(
            Row(
                what="submit → the provider is asked to start it, p50",
                ours=f"{digits(starts.median * 1e3)} ms",
                peer=f"fsync {digits(syncs.median * 1e3)} ms",
                ratio=f"{digits(starts.median / syncs.median)}×",
                goal=f"≤ 2 fsyncs + 3 ms = {digits(goal * 1e3)} ms",
                met=starts.median <= goal,
            ),
            Row(
                what="the same, p99",
                ours=f"{digits(starts.share(0.99) * 1e3)} ms",
                peer=f"fsync {digits(syncs.share(0.99) * 1e3)} ms",
            ),
            Row(
                what="submit returns: the task is on the disk, p50",
                ours=f"{digits(stored.median * 1e3)} ms",
                peer=f"fsync {digits(syncs.median * 1e3)} ms",
            ),
        ),
        notes=(
            f"{tries} tasks, one at a time, each followed by one write of 4 KiB with fsync into a"
            " file beside the database. The provider does nothing.",
        ),
    )


async def one_by_one(folder: Path, tries: int) -> dict[str, list[float]]:
    """Tasks and fsyncs in turn; seconds."""
    starts, stored, syncs = [], [], []
    file = os.open(folder / "page", os.O_WRONLY | os.O_CREAT, 0o600)
    async with engine_of_nothing(folder, slots=1) as (engine, _, provider):
        for number in range(tries + 20):
            began = perf_counter()
            task = await engine.submit(SPEC)
            returned = perf_counter()
            async for event in engine.watch(task.seq, task=task.id):
                if event.kind == "task.completed":
                    break
            synced_from = perf_counter()
            os.pwrite(file, PAGE, number * len(PAGE))
            os.fsync(file)
            if number >= 20:  # the first ones warm up
                syncs.append(perf_counter() - synced_from)
                starts.append(provider.opened[session_id(task.id, 1)] - began)
                stored.append(returned - began)
    os.close(file)
    return {"starts": starts, "stored": stored, "syncs": syncs}


def main() -> None:
    """A run in a process of its own: ``FOLDER TRIES``."""
    folder, tries = sys.argv[1:]
    with tempfile.TemporaryDirectory(dir=folder) as here:
        print(json.dumps(anyio.run(one_by_one, Path(here), int(tries))))


if __name__ == "__main__":
    main()
