"""The store in memory: the same words and the same answers, and nothing that outlives it.

For tests of ours and of users, and for trying things out. It must never know a file.
"""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Callable, Container, Sequence
from itertools import islice
from operator import attrgetter
from typing import Final

from inspan.control import EventQuery, PrunePolicy, TaskPage, TaskQuery
from inspan.engine.code.ports import Room
from inspan.engine.ports import Change
from inspan.errors import StoreFailed
from inspan.model.code import CodeSession, asked_by
from inspan.model.event import Event, Submitted
from inspan.model.promise import Promise
from inspan.model.task import Task, TaskKind
from inspan.store import code, paging, promises, values

_FOUND_AT_MOST: Final = 10
_SEQ: Final = attrgetter("seq")


class MemoryStore:
    """Tasks, events and promises in dictionaries."""

    def __init__(self) -> None:
        #: Called with the events of each commit before it returns.
        self.on_commit: Callable[[Sequence[Change]], None] | None = None
        self._tasks: dict[str, Task] = {}
        self._events: list[Event] = []
        #: The highest number of those that were pruned: none is given twice.
        self._highest = 0
        #: The same with the promises of each commit.
        self.on_promises: Callable[[Sequence[Promise]], None] | None = None
        self._keys: dict[str, tuple[str, str]] = {}
        self._promises = promises.MemoryPromises()
        self._code = code.MemoryCode()
        self._values = values.MemoryValues()
        self._closed = False

    async def commit(self, change: Change) -> None:
        """Take it in, all or nothing; see the port."""
        self._open()
        self._refuse(change)
        for task in change.tasks:
            self._tasks[task.id] = task
        self._keys.update(change.keys)
        self._promises.write(change)
        self._code.write(change)
        for event in change.events:
            bisect.insort(self._events, event, key=_SEQ)
        if self.on_commit is not None:
            self.on_commit((change,))
        if self.on_promises is not None and (told := promises.told((change,))):
            self.on_promises(told)

    def _open(self) -> None:
        if self._closed:
            raise StoreFailed("the store is closed", hint="Open it again.")

    def _refuse(self, change: Change) -> None:
        """What a database would refuse by its constraints."""
        ids = [task.id for task in change.tasks]
        new = [task for task in ids if task in change.created]
        if len(new) != len(set(new)) or any(task in self._tasks for task in new):
            raise StoreFailed("a task is stored already")
        submitted = {event.task for event in change.events if isinstance(event.fact, Submitted)}
        if not change.created <= submitted:
            raise StoreFailed("a new task comes without the event that submitted it")
        known = {*self._tasks, *new}
        if any(task not in known for task in (*ids, *(event.task for event in change.events))):
            raise StoreFailed("a change names a task that is not stored")
        seqs = [event.seq for event in change.events]
        if len(seqs) != len(set(seqs)) or any(self._stored(seq) for seq in seqs):
            raise StoreFailed("a sequence number is stored already")
        owners = [owner for owner, _ in change.keys.values()]
        if (
            len(owners) != len(set(owners))
            or code.strange(change)
            or any(key in self._keys for key in change.keys)
        ):
            raise StoreFailed("a key is stored already, or belongs to nothing of its change alone")
        self._promises.refuse(change)

    def _stored(self, seq: int) -> bool:
        place = bisect.bisect_left(self._events, seq, key=_SEQ)
        return place < len(self._events) and self._events[place].seq == seq

    async def last_seq(self) -> int:
        """The highest sequence number stored; 0 in an empty store."""
        self._open()
        return max(self._highest, self._events[-1].seq if self._events else 0)

    async def get(self, task: str) -> Task | None:
        """A task by its full id."""
        self._open()
        return self._tasks.get(task)

    async def find(self, ref: str) -> tuple[str, ...]:
        """Ids that begin or end with ``ref``; see the port."""
        self._open()
        ref = ref.lower()
        if ref == "last":
            own = (task.id for task in reversed(self._in_order()) if not self._is_of_goal(task))
            return tuple(islice(own, 1))
        found = [task for task in self._tasks if task.startswith(ref) or task.endswith(ref)]
        return tuple(sorted(found, reverse=True)[:_FOUND_AT_MOST])

    def _is_of_goal(self, task: Task) -> bool:
        whole = self._tasks.get(task.correlation, task)
        return whole.spec.kind is TaskKind.GOAL is not task.spec.kind

    async def list(self, query: TaskQuery) -> TaskPage:
        """A page of tasks. Raises TaskNotFound where ``before`` is not stored (any more)."""
        self._open()
        limit = paging.checked(query.limit)
        if query.before is not None and query.before not in self._tasks:
            raise paging.gone(query.before)
        newest_first = self._in_order()[::-1]
        if query.before is not None:
            newest_first = newest_first[newest_first.index(self._tasks[query.before]) + 1 :]
        found = [task for task in newest_first if fits(task, query)]
        page = tuple(found[:limit])
        counts = dict(Counter(task.state.value for task in self._tasks.values()))
        return TaskPage(page, page[-1].id if len(found) > limit else None, counts)

    async def open_tasks(self) -> tuple[Task, ...]:
        """Every task that is not terminal, oldest first."""
        self._open()
        return tuple(task for task in self._in_order() if not task.done)

    async def history(self, query: EventQuery) -> tuple[Event, ...]:
        """A page of events."""
        self._open()
        limit = paging.checked(query.limit)
        start = bisect.bisect_right(self._events, query.since, key=_SEQ)
        found = (
            event
            for event in islice(self._events, start, None)
            if query.task in (None, event.task) and query.correlation in (None, event.correlation)
        )
        return tuple(islice(found, limit))

    async def newest(self, kind: str, after: float) -> tuple[Event, ...]:
        """Of the newest events those of one kind; see the port."""
        self._open()
        if not self._events or self._events[-1].at <= after:
            return ()
        first = self._events[-1].seq - paging.NEWEST
        recent = self._events[bisect.bisect_right(self._events, first, key=_SEQ) :]
        return tuple(event for event in recent if event.kind == kind and event.at > after)

    async def by_key(self, key: str) -> tuple[str, str] | None:
        """The id and the digest that a key was used with."""
        self._open()
        return self._keys.get(key)

    async def promise(self, promise: str) -> Promise | None:
        """A promise by its id, as it is stored."""
        self._open()
        return self._promises.get(promise)

    async def pending_promises(self) -> tuple[Promise, ...]:
        """Every promise that is stored as pending, in the order in which they were made."""
        self._open()
        return self._promises.pending()

    async def forget_promises(self, gone: Sequence[str]) -> None:
        """Delete those that are settled."""
        self._open()
        self._promises.drop(gone)

    async def promises_under(self, promise: str) -> tuple[Promise, ...]:
        """Every promise whose id begins with this one and a slash."""
        self._open()
        return self._promises.under(promise)

    async def code_sessions(self, *, ended: bool) -> tuple[CodeSession, ...]:
        """Those that are open, or all of them, oldest first."""
        self._open()
        return self._code.sessions(ended=ended)

    async def code_session(self, ref: str) -> CodeSession | None:
        """By its id, or the newest of that name."""
        self._open()
        return self._code.session(ref)

    async def forget_code(self, sessions: Sequence[str]) -> None:
        """Delete those that are over."""
        self._open()
        gone = self._code.forget(sessions)
        self._keys = {key: use for key, use in self._keys.items() if use[0] not in gone}
        for session in gone:
            self._promises.forget(asked_by(session))
            self._values.forget(session)

    async def value(self, space: str, key: str) -> str | None:
        """What code keeps there."""
        self._open()
        return self._values.get(space, key)

    async def put_value(self, space: str, key: str, value: str | None, room: Room) -> bool:
        """Write it, or take it away; False where there is no room."""
        self._open()
        return self._values.put(space, key, value, room)

    async def prune(self, policy: PrunePolicy, now: float) -> tuple[Task, ...]:
        """Delete ended tasks that the policy lets go, and return them.

        Only ``older_than`` is looked at. A task that an open one waits for stays.
        """
        self._open()
        if policy.older_than is None:
            return ()
        before = now - policy.older_than
        wanted = {
            name for task in self._tasks.values() if not task.done for name in task.spec.after
        }
        gone = {
            task.id: task
            for task in self._tasks.values()
            if task.done and task.ended_at is not None and task.ended_at < before
            if task.id not in wanted
        }
        if not policy.dry_run:
            self._forget(gone)
        return tuple(sorted(gone.values(), key=attrgetter("ended_at")))

    async def close(self) -> None:
        """Refuse everything from now on."""
        self._closed = True

    def _forget(self, gone: Container[str]) -> None:
        self._highest = max(self._highest, self._events[-1].seq if self._events else 0)
        self._tasks = {name: task for name, task in self._tasks.items() if name not in gone}
        self._events = [event for event in self._events if event.task not in gone]
        self._keys = {key: use for key, use in self._keys.items() if use[0] not in gone}

    def _in_order(self) -> tuple[Task, ...]:
        """Oldest first; a dictionary keeps equal times in the order of submission."""
        return tuple(sorted(self._tasks.values(), key=attrgetter("created_at")))


def fits(task: Task, query: TaskQuery) -> bool:
    """Whether ``query`` wants it, on whichever page."""
    return (
        (not query.states or task.state in query.states)
        and query.role in (None, task.spec.role)
        and query.correlation in (None, task.correlation)
        and query.name in (None, task.spec.name)
    )
