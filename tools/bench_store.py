"""How fast the store is: no-op tasks a second through it, beside a bare loop on the same rows.

    python tools/bench_store.py [FOLDER] [TASKS] [IN_FLIGHT] [ROUNDS]

The bare loop has its rows ready-made and commits those of ``IN_FLIGHT`` tasks at once, with the
same schema, file system and durability. The store is given values, by ``IN_FLIGHT`` callers of
which each waits for every one of the five commits of a task.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from inspan.engine.ports import Change
from inspan.model.event import AttemptStarted, Exited
from inspan.store import rows
from inspan.store.connection import connect, transaction
from inspan.store.migrate import migrate
from inspan.store.sqlite import SqliteStore
from inspan.store.statements import statement
from tests.fakes.lives import SPEC, Author

#: The environment that the allow-list lets through is about this long.
ENV = {f"NAME_{number}": "x" * 60 for number in range(20)}


def main() -> None:
    folder, *given = sys.argv[1:] or ["."]
    tasks, in_flight, rounds = (*map(int, given), *(10_000, 256, 3)[len(given) :])
    print(f"SQLite {sqlite3.sqlite_version}, {tasks} tasks, {in_flight} at once, in {folder}")
    for _ in range(rounds):
        lives = list(written(tasks))
        with tempfile.TemporaryDirectory(dir=folder) as here:
            bare = tasks / bare_loop(Path(here) / "bare.db", lives, in_flight)
            seconds, batches = asyncio.run(through_store(Path(here) / "ours.db", lives, in_flight))
            ours = tasks / seconds
            print(
                f"bare {bare:7.0f}/s   store {ours:7.0f}/s   {ours / bare:.2f}x"
                f"   {tasks * 5 / batches:.0f} changes a batch"
            )


def written(tasks: int) -> Iterator[list[Change]]:
    author = Author()
    for _ in range(tasks):
        yield list(author.no_op(replace(SPEC, env=ENV)))


def bare_loop(path: Path, lives: list[list[Change]], in_flight: int) -> float:
    ready = [rows_of(life) for life in lives]
    with closing(connect(path)) as connection:
        migrate(connection, path)
        began = time.perf_counter()
        for start in range(0, len(ready), in_flight):
            with transaction(connection):
                for life in ready[start : start + in_flight]:
                    for sql, row in life:
                        connection.execute(sql, row)
        return time.perf_counter() - began


def rows_of(life: list[Change]) -> list[tuple[str, rows.Row]]:
    found: list[tuple[str, rows.Row]] = []
    for change in life:
        (task,) = change.tasks
        if change.created:
            found.append((statement("insert_task"), rows.task_row(task, None, None)))
        else:
            found.append((statement("update_task"), rows.task_update(task)))
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


async def through_store(path: Path, lives: list[list[Change]], in_flight: int) -> tuple[float, int]:
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


if __name__ == "__main__":
    main()
