"""Whether a database file is what it should be, from the disk upwards.

It reads and changes nothing. Six questions: is the file sound, is the schema the one that the
migrations make, can every event be read, is each numbered and named as it says, does each task
equal what its events make of it, and can each promise, each code session and each value that code
keeps be what it says. No two events have one number, which the schema sees to; numbers that are
missing are told as a figure, since removing a task leaves them.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from inspan.model.event import AttemptStarted, Event, Exited
from inspan.model.lifecycle import apply
from inspan.model.task import Task
from inspan.store import code, faults, promises, rows
from inspan.store.migrate import in_memory, known_version, opened
from inspan.store.statements import statement

#: How many problems of one kind are told; a damaged file may have one in each row.
_TOLD: Final = 20
#: The first schema version that has the attempts.
_ATTEMPTS_SINCE: Final = 2
#: The first that has the promises, and the code sessions.
_PROMISES_SINCE: Final = 3
_CODE_SINCE: Final = 4
#: The first that has what code keeps.
_VALUES_SINCE: Final = 5
_SAMPLES_SINCE: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What ``verify`` found. ``problems`` are sentences; none means that all is well."""

    schema: int
    sqlite: str
    tasks: int
    events: int
    promises: int = 0
    code_sessions: int = 0
    #: Numbers up to the last event's that no event has.
    gaps: int = 0
    problems: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """True where nothing was found amiss."""
        return not self.problems


def verify(path: Path) -> Verified:
    """Examine the database at ``path``, of whatever schema version this inspan knows.

    Raises:
        StoreLocked: another process has it.
        StoreCorrupt, StoreFailed: it cannot even be opened.
        SchemaTooNew: a newer inspan wrote it.
    """
    with opened(path, check=False) as connection:
        schema = known_version(connection, path)
        problems = [*_first(_damage(connection)), *_first(_schema(connection, schema))]
        counts, gaps = [0, 0, 0, 0], 0
        if not problems and not schema:
            problems = ["it is empty"]
        if not problems:
            problems += _first(_told(connection, schema, counts))
            problems += _first(_numbers(connection)) if not problems else []
            gaps = connection.execute(statement("gaps")).fetchone()[0]
            if schema >= _PROMISES_SINCE:
                problems += _first(_promises(connection, counts))
            if schema >= _CODE_SINCE:
                problems += _first(_code(connection, counts))
            if schema >= _VALUES_SINCE:
                problems += _first(_values(connection))
            if schema >= _SAMPLES_SINCE:
                problems += _first(_samples(connection))
    return Verified(
        schema=schema,
        sqlite=sqlite3.sqlite_version,
        tasks=counts[0],
        events=counts[1],
        promises=counts[2],
        code_sessions=counts[3],
        gaps=gaps,
        problems=tuple(problems),
    )


def _first(problems: Iterable[str]) -> list[str]:
    """The first of many problems, and that there are more."""
    told: list[str] = []
    for problem in problems:
        if len(told) == _TOLD:
            return [*told, "and more of this kind"]
        told.append(problem)
    return told


def _damage(connection: sqlite3.Connection) -> Iterator[str]:
    try:
        for (verdict,) in connection.execute("PRAGMA integrity_check(100)"):
            if verdict != "ok":
                yield f"the file is damaged: {verdict}"
        for table, row, parent, _ in connection.execute("PRAGMA foreign_key_check"):
            yield f"row {row} of {table} belongs to nothing in {parent}"
    except sqlite3.Error as error:
        yield f"the file is damaged: {error}"


def _schema(connection: sqlite3.Connection, version: int) -> Iterator[str]:
    with closing(in_memory(version)) as model:
        expected, found = (
            dict(each.execute(statement("schema")).fetchall()) for each in (model, connection)
        )
    for name in sorted({*expected, *found}):
        if expected.get(name) != found.get(name):
            yield f"schema version {version} has another {name}, or none"


def _told(connection: sqlite3.Connection, schema: int, counts: list[int]) -> Iterator[str]:
    """Each task beside what its events say; counts tasks and events into ``counts``."""
    for row in connection.execute(statement("all_tasks")):
        counts[0] += 1
        try:
            events = [
                rows.event_of(each) for each in connection.execute(statement("told"), (row[0],))
            ]
            counts[1] += len(events)
            yield from _differences(row, events)
            if schema >= _ATTEMPTS_SINCE:
                stored = connection.execute(statement("attempts_of_task"), (row[0],)).fetchall()
                if stored != _attempts(events):
                    yield f"task {row[0]}: its attempts are not what its events say"
        except Exception as error:  # noqa: BLE001 - whatever a damaged row raises is a finding
            yield f"task {row[0]}: {faults.of_reading(error).message}"


def _numbers(connection: sqlite3.Connection) -> Iterator[str]:
    for seq, what in connection.execute(statement("misnamed_events")):
        yield f"event {seq}: {what}"


def _promises(connection: sqlite3.Connection, counts: list[int]) -> Iterator[str]:
    for row in connection.execute(statement("all_promises")):
        counts[2] += 1
        try:
            found = promises.of(row)
        except Exception as error:  # noqa: BLE001 - as above
            yield f"promise {row[0]}: {faults.of_reading(error).message}"
            continue
        if found.settled is (found.completed_at is None):
            yield f"promise {found.id}: it is {found.state}, and its time of completion says not"


def _code(connection: sqlite3.Connection, counts: list[int]) -> Iterator[str]:
    for row in connection.execute(statement("all_code_sessions")):
        counts[3] += 1
        try:
            found = code.of(row[-1])
        except Exception as error:  # noqa: BLE001 - as above
            yield f"code session {row[0]}: {faults.of_reading(error).message}"
            continue
        if row != code.row(found):
            yield f"code session {row[0]}: the columns it is found by are not what it says"


def _values(connection: sqlite3.Connection) -> Iterator[str]:
    for space, key, value in connection.execute(statement("all_values")):
        try:
            json.loads(value)
        except ValueError as error:
            yield f"value {key!r} of {space}: {faults.of_reading(error).message}"


def _samples(connection: sqlite3.Connection) -> Iterator[str]:
    for at, _, body in connection.execute(statement("all_samples")):
        try:
            json.loads(body)
        except ValueError as error:
            yield f"sample of {at}: {faults.of_reading(error).message}"


def _differences(row: rows.Row, events: list[Event]) -> Iterator[str]:
    folded: Task | None = None
    for event in events:
        folded = apply(folded, event)
    stored = rows.task_of(row[:8])
    for name in (item.name for item in fields(Task)):
        if getattr(stored, name) != getattr(folded, name, None):
            yield f"task {stored.id}: its {name} is not what its events say"
    if row[8:] != rows.search_columns(stored):
        yield f"task {stored.id}: the columns it is found by are not what it says"


def _attempts(events: list[Event]) -> list[rows.Row]:
    found: dict[int, list[Any]] = {}
    for event in events:
        match event.fact:
            case AttemptStarted(attempt, session, keeper):
                found[attempt] = [attempt, session, keeper, event.at, None, None, None]
            case Exited(attempt, how, _) if attempt in found:
                found[attempt][4:] = [event.at, how.code, how.signal]
            case _:
                continue
    return [tuple(each) for _, each in sorted(found.items())]
