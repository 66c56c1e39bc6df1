"""The store on SQLite: what it returns from is on the disk.

It knows the Store port and which statement answers it. The connection lives in ``owner``, the
file in ``connection``; nothing here touches either from the loop.
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Final, Self

from inspan.control import EventQuery, PrunePolicy, TaskPage, TaskQuery
from inspan.engine.code.ports import Room
from inspan.engine.ports import Change
from inspan.model.code import CodeSession
from inspan.model.event import Event
from inspan.model.promise import Promise
from inspan.model.task import TERMINAL, Task, TaskState
from inspan.store import code, faults, paging, promises, rows, samples, values
from inspan.store.connection import Synchronous, connect, transaction
from inspan.store.lock import LockFile
from inspan.store.migrate import migrate
from inspan.store.owner import Call, Owner
from inspan.store.statements import statement
from inspan.store.writer import write

_OPEN: Final = json.dumps([state for state in TaskState if state not in TERMINAL])
_ENDED: Final = json.dumps(sorted(TERMINAL))
#: How many tasks one transaction of ``prune`` deletes: commits that wait get a turn in between.
_PRUNED_AT_ONCE: Final = 200
#: Sorts after every character of an id.
_AFTER: Final = "\x7f"


class SqliteStore:
    """One database file, owned by this object until ``close``."""

    def __init__(self, path: Path, synchronous: Synchronous) -> None:
        #: Called on the loop with each batch, in order, once it is on the disk and before the
        #: ``commit`` calls that wait for it return.
        self.on_commit: Callable[[Sequence[Change]], None] | None = None
        #: The same for the promises of a batch.
        self.on_promises: Callable[[Sequence[Promise]], None] | None = None
        #: Called on the loop after each transaction of changes: how many, in how many seconds.
        self.on_transaction: Callable[[int, float], None] | None = None
        self._owner = Owner(partial(_open, path, synchronous), write, self._written, self._worked)

    @classmethod
    async def open(cls, path: Path, *, synchronous: Synchronous = "FULL") -> Self:
        """Open the database at ``path``, made or brought to the newest schema where needed.

        A database of an older schema is backed up beside itself first.

        Raises:
            StoreLocked: another process holds it; the message names that process.
            StoreCorrupt: it is damaged, or no database of ours.
            SchemaTooNew: a newer inspan wrote it.
            StoreFailed, DiskFull: it cannot be opened or written.
        """
        store = cls(path, synchronous)
        await store._owner.start()
        return store

    @property
    def version(self) -> str:
        """The version of SQLite in use."""
        return sqlite3.sqlite_version

    @property
    def reads(self) -> int:
        """How many questions it has answered since it was opened."""
        return self._owner.calls

    async def commit(self, change: Change) -> None:
        """Write it all or nothing; see the port."""
        await self._owner.submit(change)

    async def last_seq(self) -> int:
        """The highest sequence number stored; 0 in an empty store."""
        last: int = await self._owner.submit(_last_seq)
        return last

    async def get(self, task: str) -> Task | None:
        """A task by its full id."""
        found: tuple[Task, ...] = await self._ask(_tasks, "get_task", (task,))
        return found[0] if found else None

    async def find(self, ref: str) -> tuple[str, ...]:
        """Ids that begin or end with ``ref``; see the port."""
        found: tuple[str, ...] = await self._ask(_find, ref.lower())
        return found

    async def list(self, query: TaskQuery) -> TaskPage:
        """A page of tasks. Raises TaskNotFound where ``before`` is not stored (any more)."""
        page: TaskPage = await self._ask(_list, query)
        return page

    async def open_tasks(self) -> tuple[Task, ...]:
        """Every task that is not terminal, oldest first."""
        found: tuple[Task, ...] = await self._ask(_tasks, "open_tasks", {"states": _OPEN})
        return found

    async def history(self, query: EventQuery) -> tuple[Event, ...]:
        """A page of events."""
        found: tuple[Event, ...] = await self._ask(_history, query)
        return found

    async def newest(self, kind: str, after: float) -> tuple[Event, ...]:
        """Of the newest events those of one kind; see the port."""
        found: tuple[Event, ...] = await self._ask(_newest, kind, after)
        return found

    async def by_key(self, key: str) -> tuple[str, str] | None:
        """The id and the digest that a key was used with."""
        found: tuple[str, str] | None = await self._ask(_by_key, key)
        return found

    async def promise(self, promise: str) -> Promise | None:
        """A promise by its id, as it is stored."""
        found: tuple[Promise, ...] = await self._ask(promises.get, promise)
        return found[0] if found else None

    async def pending_promises(self) -> tuple[Promise, ...]:
        """Every promise that is stored as pending, in the order in which they were made."""
        found: tuple[Promise, ...] = await self._ask(promises.pending)
        return found

    async def forget_promises(self, gone: Sequence[str]) -> None:
        """Delete those that are settled."""
        await self._ask(promises.forget, gone)

    async def promises_under(self, promise: str) -> tuple[Promise, ...]:
        """Every promise whose id begins with this one and a slash."""
        found: tuple[Promise, ...] = await self._ask(promises.under, promise)
        return found

    async def code_sessions(self, *, ended: bool) -> tuple[CodeSession, ...]:
        """Those that are open, or all of them, oldest first."""
        found: tuple[CodeSession, ...] = await self._ask(code.sessions, ended)
        return found

    async def code_session(self, ref: str) -> CodeSession | None:
        """By its id, or the newest of that name."""
        found: CodeSession | None = await self._ask(code.session, ref)
        return found

    async def forget_code(self, sessions: Sequence[str]) -> None:
        """Delete those that are over."""
        await self._ask(code.forget, sessions)

    async def value(self, space: str, key: str) -> str | None:
        """What code keeps there."""
        found: str | None = await self._ask(values.get, space, key)
        return found

    async def put_value(self, space: str, key: str, value: str | None, room: Room) -> bool:
        """Write it, or take it away; False where there is no room."""
        fits: bool = await self._ask(values.put, space, key, value, room)
        return fits

    async def put_sample(self, at: float, span: float, body: str, keep: float) -> None:
        """Keep what was measured in the span that ends ``at``, and nothing from before ``keep``."""
        await self._ask(samples.put, at, span, body, keep)

    async def samples(self, since: float, until: float) -> tuple[str, ...]:
        """What was measured in spans that end after ``since`` and begin before ``until``."""
        found: tuple[str, ...] = await self._ask(samples.get, since, until)
        return found

    async def prune(self, policy: PrunePolicy, now: float) -> tuple[Task, ...]:
        """Delete ended tasks that the policy lets go, and return them.

        Only ``older_than`` is looked at. A task that an open one waits for stays. Where it
        raises, some may be gone already.
        """
        gone: list[Task] = []
        if policy.older_than is None:
            return ()
        before = now - policy.older_than
        after = (-math.inf, 0)
        while True:
            some, after = await self._ask(_prune, before, after, policy.dry_run)
            gone += some
            if len(some) < _PRUNED_AT_ONCE:
                return tuple(gone)

    async def close(self) -> None:
        """Finish what was handed in and let go of the file."""
        await self._owner.close()

    async def _ask(self, call: Callable[..., Any], *arguments: Any) -> Any:
        bound: Call = lambda connection: call(connection, *arguments)  # noqa: E731
        return await self._owner.submit(bound)

    def _worked(self, changes: int, seconds: float) -> None:
        if self.on_transaction is not None:
            self.on_transaction(changes, seconds)

    def _written(self, changes: Sequence[Change]) -> None:
        if self.on_commit is not None and changes:
            self.on_commit(changes)
        if self.on_promises is not None and (told := promises.told(changes)):
            self.on_promises(told)


# ── in the thread ─────────────────────────────────────────────────────────────


def _open(path: Path, synchronous: Synchronous) -> tuple[sqlite3.Connection, Callable[[], None]]:
    with ExitStack() as held:
        held.callback(LockFile.of(path).release)
        connection = connect(path, synchronous)
        held.callback(connection.close)
        try:
            migrate(connection, path)
        except sqlite3.Error as error:
            raise faults.of_sqlite(error) from error
        return connection, held.pop_all().close


def _last_seq(connection: sqlite3.Connection) -> int:
    last: int = connection.execute(statement("last_seq")).fetchone()[0]
    return last


def _tasks(connection: sqlite3.Connection, name: str, parameters: Any) -> tuple[Task, ...]:
    return tuple(map(rows.task_of, connection.execute(statement(name), parameters)))


def _find(connection: sqlite3.Connection, ref: str) -> tuple[str, ...]:
    if ref == "last":
        found = connection.execute(statement("newest_task"))
    else:
        head, tail = ref, ref[::-1]
        ranges = {"head": head, "head_end": head + _AFTER, "tail": tail, "tail_end": tail + _AFTER}
        found = connection.execute(statement("find_tasks"), ranges)
    return tuple(task for (task,) in found)


def _list(connection: sqlite3.Connection, query: TaskQuery) -> TaskPage:
    limit = paging.checked(query.limit)
    before_at, before = _place(connection, query.before)
    found = _tasks(
        connection,
        _listing(query),
        {
            "states": json.dumps(query.states),
            "role": None if query.role is None else rows.text(query.role),
            "name": None if query.name is None else rows.text(query.name),
            "correlation": None if query.correlation is None else rows.text(query.correlation),
            "before_at": before_at,
            "before": before,
            "limit": limit + 1,
        },
    )
    page = found[:limit]
    counts = dict(connection.execute(statement("count_states")).fetchall())
    return TaskPage(page, page[-1].id if len(found) > len(page) else None, counts)


def _listing(query: TaskQuery) -> str:
    if query.correlation is not None:
        return "list_tasks_of_correlation"
    return "list_tasks_in_states" if query.states else "list_tasks"


def _place(connection: sqlite3.Connection, task: str | None) -> tuple[float, int]:
    if task is None:
        return math.inf, 0
    place: tuple[float, int] | None = connection.execute(
        statement("place_of_task"), (task,)
    ).fetchone()
    if place is None:
        raise paging.gone(task)
    return place


def _history(connection: sqlite3.Connection, query: EventQuery) -> tuple[Event, ...]:
    name = (
        "history_of_task"
        if query.task is not None
        else "history_of_correlation"
        if query.correlation is not None
        else "history"
    )
    parameters = {
        "task": query.task,
        "correlation": None if query.correlation is None else rows.text(query.correlation),
        "since": query.since,
        "limit": paging.checked(query.limit),
    }
    return tuple(map(rows.event_of, connection.execute(statement(name), parameters)))


def _newest(connection: sqlite3.Connection, kind: str, after: float) -> tuple[Event, ...]:
    parameters = {"kind": kind, "after": after, "most": paging.NEWEST}
    return tuple(map(rows.event_of, connection.execute(statement("newest_of_kind"), parameters)))


def _by_key(connection: sqlite3.Connection, key: str) -> tuple[str, str] | None:
    found: tuple[str, str] | None = connection.execute(
        statement("by_key"), {"key": rows.text(key)}
    ).fetchone()
    return found


def _prune(
    connection: sqlite3.Connection, before: float, after: tuple[float, int], dry_run: bool
) -> tuple[tuple[Task, ...], tuple[float, int]]:
    """A helping of what can go, and where the next one begins."""
    parameters = {
        "ended_before": before,
        "after_at": after[0],
        "after": after[1],
        "ended": _ENDED,
        "open": _OPEN,
        "limit": _PRUNED_AT_ONCE,
    }
    gone = _tasks(connection, "prunable", parameters)
    if gone:
        after = connection.execute(statement("end_of_task"), (gone[-1].id,)).fetchone()
    if gone and not dry_run:
        with transaction(connection):
            connection.execute(statement("keep_highest"))
            connection.executemany(statement("delete_task"), [(task.id,) for task in gone])
    return gone, after
