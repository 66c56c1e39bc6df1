"""Promises as rows and back, and the same in memory; it knows neither rules nor clocks.

That a settled promise stays as it is holds here too, whoever asks: it is the last guard.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from operator import itemgetter
from typing import Any, Final, TypeAlias

from inspan.engine.ports import Change
from inspan.errors import StoreFailed
from inspan.model.promise import Promise, PromiseState
from inspan.store.connection import transaction
from inspan.store.statements import statement

Row: TypeAlias = tuple[Any, ...]

_dumps: Final = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
_PENDING: Final = PromiseState.PENDING.value


def row(promise: Promise) -> Row:
    """The parameters of ``insert_promise``."""
    return (
        promise.id,
        promise.state.value,
        _dumps(promise.param),
        _dumps(promise.value),
        promise.timeout_at,
        promise.create_key,
        promise.complete_key,
        _dumps(dict(promise.tags)),
        promise.created_at,
        promise.completed_at,
    )


def settlement(promise: Promise) -> Row:
    """The parameters of ``settle_promise``."""
    return (
        promise.state.value,
        _dumps(promise.value),
        promise.complete_key,
        promise.completed_at,
        promise.id,
    )


def of(stored: Row) -> Promise:
    """The promise of a row with the columns of ``insert_promise``."""
    name, state, param, value, timeout_at, create_key, complete_key, tags, made, ended = stored
    return Promise(
        id=name,
        state=PromiseState(state),
        param=json.loads(param),
        value=json.loads(value),
        timeout_at=timeout_at,
        create_key=create_key,
        complete_key=complete_key,
        tags=json.loads(tags),
        created_at=made,
        completed_at=ended,
    )


def told(changes: Sequence[Change]) -> list[Promise]:
    """The promises of ``changes``, in order."""
    return [each for change in changes for each in (*change.promised, *change.settled)]


# ── in the thread ─────────────────────────────────────────────────────────────


def write(connection: sqlite3.Connection, made: Sequence[Row], settled: Sequence[Row]) -> None:
    """Within a transaction. Raises StoreFailed and ``sqlite3`` errors."""
    if made:
        connection.executemany(statement("insert_promise"), made)
    if settled:
        written = connection.executemany(statement("settle_promise"), settled).rowcount
        if written < len(settled):
            raise StoreFailed("a promise is not stored, or settled already")


def get(connection: sqlite3.Connection, promise: str) -> tuple[Promise, ...]:
    """One or none."""
    return tuple(map(of, connection.execute(statement("get_promise"), (promise,))))


def pending(connection: sqlite3.Connection) -> tuple[Promise, ...]:
    """First made first."""
    return tuple(map(of, connection.execute(statement("pending_promises"))))


def under(connection: sqlite3.Connection, promise: str) -> tuple[Promise, ...]:
    """In the order of their ids; ``0`` is what comes after the slash."""
    bounds = (f"{promise}/", f"{promise}0")
    return tuple(map(of, connection.execute(statement("promises_under"), bounds)))


def forget(connection: sqlite3.Connection, gone: Sequence[str]) -> None:
    """Delete those of ``gone`` that are settled."""
    with transaction(connection):
        connection.executemany(statement("delete_promise"), [(one,) for one in gone])


# ── in memory ─────────────────────────────────────────────────────────────────


class MemoryPromises:
    """Rows in a dictionary: what is read is never the object that was written."""

    def __init__(self) -> None:
        self._rows: dict[str, Row] = {}

    def refuse(self, change: Change) -> None:
        """What a database would refuse. Raises StoreFailed."""
        made = [promise.id for promise in change.promised]
        if len(made) != len(set(made)) or any(name in self._rows for name in made):
            raise StoreFailed("a promise is stored already")
        pending = {promise.id for promise in change.promised if not promise.settled}
        for promise in change.settled:
            stored = self._rows.get(promise.id)
            if promise.id not in pending and (stored is None or stored[1] != _PENDING):
                raise StoreFailed("a promise is not stored, or settled already")
            pending.discard(promise.id)

    def write(self, change: Change) -> None:
        """After ``refuse``."""
        for promise in change.promised:
            self._rows[promise.id] = row(promise)
        for promise in change.settled:
            state, value, complete_key, completed_at, name = settlement(promise)
            before = self._rows[name]
            self._rows[name] = (
                *(name, state, before[2], value, *before[4:6], complete_key),
                *(*before[7:9], completed_at),
            )

    def get(self, promise: str) -> Promise | None:
        """By its id."""
        found = self._rows.get(promise)
        return None if found is None else of(found)

    def pending(self) -> tuple[Promise, ...]:
        """First made first, as a dictionary keeps them."""
        return tuple(of(each) for each in self._rows.values() if each[1] == _PENDING)

    def forget(self, under: str) -> None:
        """Those whose ids begin with this one and a slash."""
        for name in [name for name in self._rows if name.startswith(f"{under}/")]:
            del self._rows[name]

    def drop(self, gone: Sequence[str]) -> None:
        """Delete those of ``gone`` that are settled."""
        for name in gone:
            if name in self._rows and self._rows[name][1] != _PENDING:
                del self._rows[name]

    def under(self, promise: str) -> tuple[Promise, ...]:
        """In the order of their ids."""
        found = [each for name, each in self._rows.items() if name.startswith(f"{promise}/")]
        return tuple(map(of, sorted(found, key=itemgetter(0))))
