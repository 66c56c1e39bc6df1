"""What a person types for a task or a session, looked up. It changes nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from inspan.control import EventQuery, TaskQuery
from inspan.engine.ledger import Ledger
from inspan.engine.ports import Store
from inspan.errors import AmbiguousId, SessionNotFound, TaskNotFound
from inspan.model.ids import SESSION_ID, TASK_ID, task_of
from inspan.model.task import Task

#: Fewer characters say too little to be safe to act on.
_LEAST: Final = 4


class References:
    """Full ids, unique ends or beginnings of them, ``last``, and names, the newest of each."""

    def __init__(self, store: Store, ledger: Ledger) -> None:
        self._store = store
        self._ledger = ledger

    async def task(self, ref: str) -> Task:
        """The task that ``ref`` means. Raises TaskNotFound, AmbiguousId."""
        if TASK_ID.fullmatch(ref):
            return await self._ledger.get(ref)
        found = await self._store.find(ref) if len(ref) >= _LEAST else ()
        if len(found) > 1:
            raise AmbiguousId(f"{ref!r} fits {', '.join(found)}")
        if found:
            return await self._ledger.get(found[0])
        named = (await self._store.list(TaskQuery(name=ref, limit=1))).tasks if ref else ()
        if not named:
            raise TaskNotFound(_none(ref))
        return await self._ledger.get(named[0].id)

    async def session(self, ref: str) -> str:
        """The session that ``ref`` means: a session's id, or a task's newest one."""
        if SESSION_ID.fullmatch(ref):
            await self._ledger.get(task_of(ref))
            return ref
        head, dash, number = ref.partition("-")
        task = await self.task(head)
        if dash and SESSION_ID.fullmatch(f"{task.id}-{number}"):
            return f"{task.id}-{number}"
        if dash or task.session is None:
            raise SessionNotFound(
                f"task {task.id} is {task.state} and has no session {number}".rstrip()
            )
        return task.session

    async def query(self, query: EventQuery) -> EventQuery:
        """The same query with its task's full id."""
        return replace(query, task=None if query.task is None else (await self.task(query.task)).id)


def _none(ref: str) -> str:
    if ref == "last":
        return "there is no task yet"
    if len(ref) < _LEAST:
        return f"no task is called {ref!r}, and of an id {_LEAST} characters are the least"
    return f"no task has an id or a name like {ref!r}"
