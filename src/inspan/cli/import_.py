"""``inspan import``: tasks of another program into our database, with a report of what was mapped.

The database has one owner at a time, so a running daemon makes room for a moment and comes back;
what runs, runs on.
"""

from __future__ import annotations

import argparse
import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from inspan.cli import asking, exits, reach
from inspan.cli.parsing import add_json
from inspan.cli.say import clean, json, note, out
from inspan.errors import BadInput
from inspan.model.task import Task, TaskSpec, TaskState

if TYPE_CHECKING:
    from inspan.engine.ports import Change
    from inspan.settings import Places
    from inspan.store.legacy import Imported, Report

HELP = """\
Take over tasks from JSON, JSON lines, CSV or SQLite. Other spellings of the states (in_progress,
done, timeout, killed ...) are mapped to ours, nothing is dropped, and the report says what became
of each word. Tasks that had not started will start, unless --hold."""
#: Tasks in one transaction.
_BATCH: Final = 500
_WILL_START: Final = (TaskState.PENDING, TaskState.QUEUED)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="what to read")
    parser.add_argument("--dry-run", "-n", action="store_true", help="only report")
    parser.add_argument(
        "--hold", action="store_true", help="leave what had not ended interrupted, to be resumed"
    )
    parser.add_argument("--cwd", metavar="DIR", help="where tasks work that do not say (here)")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    path = Path(args.file)
    if not path.is_file():
        hint = "Name a file of JSON, JSON lines, CSV or SQLite."
        if path.exists():
            raise BadInput(f"{args.file or path} is not a file", hint=hint)
        raise BadInput(f"there is no file {args.file}", hint=hint)
    from inspan.store.legacy import read_tasks

    env, withheld = asking.environment(os.environ, reach.settings().env, [])
    defaults = TaskSpec(cwd=asking.folder(args.cwd), env=env, withheld=withheld)
    found, report = read_tasks(path, defaults)
    if args.hold:
        found = tuple(_held(task) for task in found)
    tasks = () if args.dry_run or not found else _write(reach.places(), found)
    if args.json:
        json({"report": report, "tasks": tasks, "dry_run": args.dry_run})
    else:
        _say(report, found, dry_run=args.dry_run)
    return exits.DONE


def _held(task: Imported) -> Imported:
    if task.state not in _WILL_START:
        return task
    return replace(task, state=TaskState.INTERRUPTED, reason=f"held; it was {task.state.value}")


def _write(where: Places, found: Sequence[Imported]) -> tuple[Task, ...]:
    """Store them; the daemon steps aside meanwhile."""
    import anyio

    from inspan.cli.down import stop_daemon

    where.prepare()
    stood_aside = stop_daemon(where)
    try:
        return anyio.run(_store, where.database, found)
    finally:
        if stood_aside:
            reach.connect().close()


async def _store(database: Path, found: Sequence[Imported]) -> tuple[Task, ...]:
    from inspan.model.ids import ulid
    from inspan.store.legacy import changes
    from inspan.store.sqlite import SqliteStore

    store = await SqliteStore.open(database)
    try:
        made = changes(
            found,
            new_id=lambda at: ulid(at, os.urandom(10)),
            first_seq=await store.last_seq() + 1,
            now=time.time(),
        )
        for change in _batches(made):
            await store.commit(change)
    finally:
        await store.close()
    return tuple(task for change in made for task in change.tasks)


def _batches(made: Sequence[Change]) -> Iterator[Change]:
    """A few hundred at a time: a transaction for each would wait for the disk each time."""
    for start in range(0, len(made), _BATCH):
        part = made[start : start + _BATCH]
        yield replace(
            part[0],
            events=tuple(event for change in part for event in change.events),
            tasks=tuple(task for change in part for task in change.tasks),
            created=frozenset().union(*(change.created for change in part)),
        )


def _say(report: Report, found: Sequence[Imported], *, dry_run: bool) -> None:
    counts = Counter(task.state.value for task in found)
    words = ", ".join(f"{number} {state}" for state, number in counts.items())
    verb = "would import" if dry_run else "imported"
    out(f"{verb} {report.tasks} tasks from {clean(report.format)}: {words or 'none'}")
    for theirs, ours in report.states.items():
        out(clean(f"  state {theirs} → {ours}"))
    for theirs, number in report.unknown.items():
        told = f"state {theirs!r} is not known" if theirs else "no state was told"
        out(clean(f"  {told}: {number} imported as interrupted"))
    for theirs, ours in report.columns.items():
        out(clean(f"  column {theirs} → {ours}"))
    for line in (*report.notes, *(f"left out: {name}" for name in report.left_out)):
        out(clean(f"  {line}"))
    starting = sum(task.state in _WILL_START for task in found)
    if starting:
        note(f"{starting} of them had not started and will start (--hold keeps them from it)")
