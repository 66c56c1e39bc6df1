"""The rows of the list of tasks: by groups, newest first, and where each task stands. Pure.

A task is put in its place by one search among its group's; nothing is sorted anew, so that a
thousand changes among ten thousand tasks cost a thousand small steps.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable
from typing import Final, TypeAlias

from inspan.model.task import Task
from inspan.model.value import value
from inspan.telling.groups import Group, group_of
from inspan.telling.phrases import title


@value(frozen=True)
class Head:
    """The heading of a group."""

    group: Group


@value(frozen=True)
class More:
    """There are older tasks in this group, which are not known here yet."""

    group: Group


Row: TypeAlias = Head | More | Task


class Listing:
    """The rows. ``older`` names the groups that have tasks which are not here yet."""

    def __init__(self) -> None:
        self.older: set[Group] = set()
        self._tasks: dict[str, Task] = {}
        self._group: dict[str, Group] = {}
        #: By group: ids, the oldest first, so that they sort as they are.
        self._ids: Final[dict[Group, list[str]]] = {group: [] for group in Group}
        self._wanted = ""

    # ── what is in it ─────────────────────────────────────────────────────────

    def put(self, task: Task) -> None:
        """It is new, or is otherwise now."""
        self.drop(task.id)
        if self._wanted and self._wanted not in _said(task):
            return
        group = group_of(task)
        self._tasks[task.id], self._group[task.id] = task, group
        insort(self._ids[group], task.id)

    def drop(self, task_id: str) -> None:
        """It is gone."""
        group = self._group.pop(task_id, None)
        if group is not None:
            ids = self._ids[group]
            del ids[bisect_left(ids, task_id)]
            del self._tasks[task_id]

    def fill(self, tasks: Iterable[Task], wanted: str = "") -> None:
        """Hold these and no others; of those the ones whose words hold ``wanted``."""
        self._wanted = wanted.casefold()
        self._tasks.clear()
        self._group.clear()
        for ids in self._ids.values():
            ids.clear()
        for task in tasks:
            if not self._wanted or self._wanted in _said(task):
                group = group_of(task)
                self._tasks[task.id], self._group[task.id] = task, group
                self._ids[group].append(task.id)
        for ids in self._ids.values():
            ids.sort()

    def __contains__(self, task_id: object) -> bool:
        return task_id in self._tasks

    def get(self, task_id: str | None) -> Task | None:
        """The task, where it is shown."""
        return None if task_id is None else self._tasks.get(task_id)

    def count(self, group: Group) -> int:
        """How many of a group are shown."""
        return len(self._ids[group])

    # ── rows ──────────────────────────────────────────────────────────────────

    def __len__(self) -> int:
        return sum(map(self._height, Group))

    def _height(self, group: Group) -> int:
        rows = len(self._ids[group]) + (group in self.older)
        return rows + 1 if rows else 0

    def row(self, at: int) -> Row | None:
        """What stands in a row; nothing behind the last."""
        if at < 0:
            return None
        for group, ids in self._ids.items():
            height = self._height(group)
            if at >= height:
                at -= height
            elif at == 0:
                return Head(group)
            elif at <= len(ids):
                return self._tasks[ids[-at]]
            else:
                return More(group)
        return None

    def place(self, task_id: str | None) -> int | None:
        """The row in which a task stands."""
        group = None if task_id is None else self._group.get(task_id)
        if group is None or task_id is None:
            return None
        before = 0
        for other in Group:
            if other is group:
                break
            before += self._height(other)
        ids = self._ids[group]
        return before + len(ids) - bisect_left(ids, task_id)

    def near(self, at: int, by: int = 1) -> Task | None:
        """The task in this row, else the next in the direction of ``by``, else the one before."""
        return self._seek(at, 1 if by >= 0 else -1) or self._seek(at, -1 if by >= 0 else 1)

    def asking(self, after: str | None) -> Task | None:
        """The next task below this one that asks something, and behind the last the first."""
        asks = [task_id for task_id in reversed(self._ids[Group.NEEDS]) if self._asks(task_id)]
        below = asks[asks.index(after) + 1 :] if after in asks else []
        return self.get(next(iter(below or asks), None))

    def _asks(self, task_id: str) -> bool:
        return self._tasks[task_id].needs is not None

    def _seek(self, at: int, by: int) -> Task | None:
        at = max(0, min(at, len(self) - 1))
        while (row := self.row(at)) is not None:
            if isinstance(row, Task):
                return row
            at += by
        return None


def _said(task: Task) -> str:
    """What is searched: all that a row may show, and the id."""
    spec = task.spec
    return f"{title(spec)} {task.id} {task.state} {spec.provider} {spec.role}".casefold()
