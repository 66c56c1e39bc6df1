"""How fast the store is: no-op tasks a second through it, beside a bare loop on the same rows.

    PYTHONPATH=. python tools/bench_store.py [FOLDER] [TASKS] [IN_FLIGHT] [ROUNDS]

Both have the same schema, file system and durability. The store is given values by ``IN_FLIGHT``
callers, of which each waits for every one of the five commits of a task. The bare loop has its
rows ready-made and waits for nobody: once it commits the whole lives of ``IN_FLIGHT`` tasks at a
time, which no engine could, and once in the five steps that the store is given.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from inspan.engine.ports import Change
from inspan.model.event import AttemptStarted, Exited
from inspan.store import rows
from inspan.store.connection import connect, transaction
from inspan.store.migrate import migrate
from inspan.store.sqlite import SqliteStore
from inspan.store.statements import statement
from tests.fakes.lives import SPEC, Author

Step: TypeAlias = list[tuple[str, rows.Row]]

#: The environment that the allow-list lets through is about this long.
ENV = {f"NAME_{number}": "x" * 60 for number in range(20)}


def main() -> None:
    folder, *given = sys.argv[1:] or ["."]
    tasks, in_flight, rounds = (*map(int, given), *(10_000, 256, 3)[len(given) :])
    print(f"SQLite {sqlite3.sqlite_version}, {tasks} tasks, {in_flight} at once, in {folder}")
    for _ in range(rounds):
        lives = list(written(tasks))
        with tempfile.TemporaryDirectory(dir=folder) as name:
            here = Path(name)
            whole = tasks / bare_loop(here / "whole.db", grouped(lives, in_flight, whole=True))
            steps = tasks / bare_loop(here / "steps.db", grouped(lives, in_flight, whole=False))
            seconds, batches = asyncio.run(through_store(here / "ours.db", lives, in_flight))
            alone = asyncio.run(one_by_one(here / "alone.db", lives[:200]))
            ours = tasks / seconds
            print(
                f"bare {whole:.0f}/s, in five steps {steps:.0f}/s; store {ours:.0f}/s: "
                f"{ours / whole:.2f}x, {ours / steps:.2f}x; {tasks * 5 / batches:.0f} changes a "
                f"batch; alone {alone:.2f} ms a commit, fsync {fsync(here / 'f'):.2f} ms (medians)"
            )


def written(tasks: int) -> Iterator[list[Change]]:
    author = Author()
    for _ in range(tasks):
        yield list(author.no_op(replace(SPEC, env=ENV)))


def grouped(lives: list[list[Change]], in_flight: int, *, whole: bool) -> list[Step]:
    """The rows of each transaction."""
    ready = [[rows_of(change) for change in life] for life in lives]
    found: list[Step] = []
    for start in range(0, len(ready), in_flight):
        group = ready[start : start + in_flight]
        if whole:
            found.append([row for life in group for step in life for row in step])
        else:
            found += [[row for step in same for row in step] for same in zip(*group, strict=True)]
    return found


def rows_of(change: Change) -> Step:
    (task,) = change.tasks
    if change.created:
        found = [(statement("insert_task"), rows.task_row(task, None, None))]
    else:
        found = [(statement("update_task"), rows.task_update(task))]
    for event in change.events:
        fact = event.fact
        found.append((statement("insert_event"), rows.event_row(event)))
        if isinstance(fact, AttemptStarted):
            attempt = (event.task, fact.attempt, fact.session, fact.keeper, event.at)
            found.append((statement("insert_attempt"), attempt))
        if isinstance(fact, Exited):
            end = (event.at, fact.exit.code, fact.exit.signal, event.task, fact.attempt)
            found.append((statement("end_attempt"), end))
    return found


def bare_loop(path: Path, transactions: list[Step]) -> float:
    """Seconds that it took."""
    with closing(connect(path)) as connection:
        migrate(connection, path)
        began = time.perf_counter()
        for ready in transactions:
            with transaction(connection):
                for sql, row in ready:
                    connection.execute(sql, row)
        return time.perf_counter() - began


async def through_store(path: Path, lives: list[list[Change]], in_flight: int) -> tuple[float, int]:
    """Seconds that it took, and how many batches the changes went in."""
    store = await SqliteStore.open(path)
    batches = 0

    def count(_: object) -> None:
        nonlocal batches
        batches += 1

    store.on_commit = count
    waiting = iter(lives)

    async def caller() -> None:
        for life in waiting:
            for change in life:
                await store.commit(change)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(in_flight):
            group.create_task(caller())
    took = time.perf_counter() - began
    await store.close()
    return took, batches


async def one_by_one(path: Path, lives: list[list[Change]]) -> float:
    """The median of one commit with nothing else under way, in milliseconds."""
    store = await SqliteStore.open(path)
    took = []
    for life in lives:
        for change in life:
            began = time.perf_counter()
            await store.commit(change)
            took.append(time.perf_counter() - began)
    await store.close()
    return middle(took)


def fsync(path: Path) -> float:
    """The median of appending and syncing 4 KiB, in milliseconds."""
    took = []
    with path.open("wb", buffering=0) as file:
        for _ in range(200):
            file.write(bytes(4096))
            began = time.perf_counter()
            os.fsync(file.fileno())
            took.append(time.perf_counter() - began)
    return middle(took)


def middle(seconds: Sequence[float]) -> float:
    return statistics.median(seconds) * 1000


if __name__ == "__main__":
    main()
