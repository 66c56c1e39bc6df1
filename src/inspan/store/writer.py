"""Writing a batch of changes in one transaction; it knows rows, never a thread or a loop.

Within a batch only the last value of a task is written: the ones before it would be overwritten
before anybody could read them. Its events are all written.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

from inspan.engine.ports import Change
from inspan.errors import InspanError, StoreFailed
from inspan.model.event import AttemptStarted, Event, Exited, Submitted
from inspan.model.task import Task
from inspan.store import code, faults, promises, rows
from inspan.store.connection import transaction
from inspan.store.statements import statement, statement_of

#: How many rows one statement inserts: as many as go. SQLite before 3.32 takes 999 parameters.
_AT_ONCE: Final = (64, 16, 4)


@dataclass(slots=True)
class _Batch:
    """The rows of one transaction."""

    new: dict[str, Task] = field(default_factory=dict)
    changed: dict[str, Task] = field(default_factory=dict)
    keys: dict[str, tuple[str, str]] = field(default_factory=dict)
    events: list[rows.Row] = field(default_factory=list)
    started: list[rows.Row] = field(default_factory=list)
    ended: list[rows.Row] = field(default_factory=list)
    promised: list[promises.Row] = field(default_factory=list)
    settled: list[promises.Row] = field(default_factory=list)
    code: list[code.Row] = field(default_factory=list)

    def add(self, change: Change) -> None:
        for task in change.tasks:
            if task.id in change.created:
                if task.id in self.new or task.id in self.changed:
                    raise StoreFailed("a task is stored already")
                self.new[task.id] = task
            elif task.id in self.new:
                self.new[task.id] = task
            else:
                self.changed[task.id] = task
        if change.created or change.keys:
            self._add_created(change)
        for event in change.events:
            self._add_event(event)
        if change.code:
            self.code += code.rows(change)
        if change.promised or change.settled:
            self.promised += map(promises.row, change.promised)
            self.settled += map(promises.settlement, change.settled)

    def _add_created(self, change: Change) -> None:
        submitted = {event.task for event in change.events if isinstance(event.fact, Submitted)}
        if not change.created <= submitted:
            raise StoreFailed("a new task comes without the event that submitted it")
        if not change.keys:
            return
        owners = [owner for owner, _ in change.keys.values()]
        twice = len(set(owners)) < len(owners) or not self.keys.keys().isdisjoint(owners)
        if twice or code.strange(change):
            raise StoreFailed("a key belongs to nothing of its change alone")
        self.keys |= {owner: (key, digest) for key, (owner, digest) in change.keys.items()}

    def _add_event(self, event: Event) -> None:
        self.events.append(rows.event_row(event))
        fact = event.fact
        if isinstance(fact, AttemptStarted):
            self.started.append((event.task, fact.attempt, fact.session, fact.keeper, event.at))
        elif isinstance(fact, Exited):
            code, signal = fact.exit.code, fact.exit.signal
            self.ended.append((event.at, code, signal, event.task, fact.attempt))

    def inserts(self) -> list[rows.Row]:
        return [
            rows.task_row(task, *self.keys.get(task.id, (None, None))) for task in self.new.values()
        ]

    def updates(self) -> list[rows.Row]:
        return [rows.task_update(task) for task in self.changed.values()]


def write(
    connection: sqlite3.Connection,
    changes: Sequence[Change],
    meanwhile: Callable[[], object] = lambda: None,
) -> list[InspanError | None]:
    """Write ``changes``; for each the error that kept it out, or ``None`` where it is on the disk.

    Where they cannot be written together each is tried alone, so that one does not fail the rest.
    ``meanwhile`` is called when the rows of a transaction are written, before it is committed.
    """
    try:
        _transaction(connection, changes, meanwhile)
    except Exception as error:  # noqa: BLE001 - every change has to be given its answer
        if len(changes) == 1:
            return [faults.of_writing(error)]
        alone = (write(connection, [change], meanwhile) for change in changes)
        return [outcome for outcomes in alone for outcome in outcomes]
    return [None] * len(changes)


def _transaction(
    connection: sqlite3.Connection, changes: Sequence[Change], meanwhile: Callable[[], object]
) -> None:
    batch = _Batch()
    for change in changes:
        batch.add(change)
    inserts, updates = batch.inserts(), batch.updates()
    with transaction(connection):
        _insert(connection, "insert_task", inserts)
        if connection.executemany(statement("update_task"), updates).rowcount < len(updates):
            raise StoreFailed("a change names a task that is not stored")
        _insert(connection, "insert_event", batch.events)
        _insert(connection, "insert_attempt", batch.started)
        connection.executemany(statement("end_attempt"), batch.ended)
        promises.write(connection, batch.promised, batch.settled)
        code.write(connection, batch.code)
        meanwhile()


def _insert(connection: sqlite3.Connection, name: str, new: Sequence[rows.Row]) -> None:
    """All of ``new``. Between two statements the thread waits for its turn, and ``executemany``
    is one for each row.
    """
    done = 0
    for size in _AT_ONCE:
        while len(new) - done >= size:
            some = tuple(chain.from_iterable(new[done : done + size]))
            connection.execute(statement_of(name, size), some)
            done += size
    connection.executemany(statement(name), new[done:])
