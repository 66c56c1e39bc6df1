"""One round of no-op tasks through the engine, in a process of its own.

    python -m tools.bench.noop_engine FOLDER TASKS CALLERS SLOTS [KEPT]

``CALLERS`` submit side by side, each waiting for its own commit before it submits again; a task has
ended when its end is on the disk. Into ``KEPT`` goes what every transaction wrote, row by row.
"""

from __future__ import annotations

import json
import pickle
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, cast

import anyio

from inspan.daemon import collect_rarely
from inspan.engine.engine import Engine
from inspan.store.writer import write
from tools.bench.engines import SPEC, CountingStore, engine_of_nothing

#: A statement and the rows that it was run with.
Step = tuple[str, list[Sequence[Any]]]


async def run(folder: Path, tasks: int, callers: int, slots: int, kept: Path | None) -> None:
    collect_rarely()  # as the daemon does
    async with engine_of_nothing(folder, slots) as (engine, store, _):
        store.keep = None if kept is None else []
        began = time.perf_counter()
        async with anyio.create_task_group() as group:
            group.start_soon(_until_ended, engine, tasks)
            for number in range(callers):
                share = tasks // callers + (number < tasks % callers)
                group.start_soon(_submit, engine, share)
        took = time.perf_counter() - began
    if kept is not None:
        kept.write_bytes(pickle.dumps(steps_of(store)))
    print(json.dumps({"seconds": took, "changes": store.changes, "batches": store.batches}))


async def _submit(engine: Engine, tasks: int) -> None:
    for _ in range(tasks):
        await engine.submit(SPEC)


async def _until_ended(engine: Engine, tasks: int) -> None:
    async for event in engine.watch(0):
        if event.kind == "task.errored":
            raise RuntimeError(event)
        if event.kind == "task.completed":
            tasks -= 1
            if not tasks:
                return


class _Recorder:
    """Stands for the connection, and keeps what it is told to do."""

    in_transaction = False
    rowcount = 0

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        self.steps.append((sql, [parameters] if parameters else []))

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> _Recorder:
        self.steps.append((sql, list(rows)))
        self.rowcount = len(self.steps[-1][1])
        return self


def steps_of(store: CountingStore) -> list[list[Step]]:
    """Every transaction of the store, as the statements and rows that the store's writer makes."""
    transactions = []
    for changes in store.keep or ():
        recorder = _Recorder()
        write(cast("sqlite3.Connection", recorder), changes)
        transactions.append(recorder.steps)
    return transactions


def main() -> None:
    folder, tasks, callers, slots, *kept = sys.argv[1:]
    with tempfile.TemporaryDirectory(dir=folder) as here:
        anyio.run(
            run, Path(here), int(tasks), int(callers), int(slots), Path(kept[0]) if kept else None
        )


if __name__ == "__main__":
    main()
