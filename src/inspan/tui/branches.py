"""What waits for what, as a tree of lines: each task under the last of those it waits for. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from inspan.model.task import Task

#: Branches that go deeper are not drawn deeper, so that there is room for words.
_DEEP: Final = 12


@dataclass(frozen=True, slots=True)
class Line:
    """A task, what is drawn before it, and what else it waits for."""

    task: Task
    lead: str
    also: tuple[str, ...]


def lines(tasks: Mapping[str, Task]) -> Iterator[Line]:
    """Those tasks that wait for another, or are waited for; what began first stands first."""
    below: dict[str, list[Task]] = {}
    roots: list[Task] = []
    for task in _by_age(tasks.values()):
        above = sorted(one for one in task.spec.after if one in tasks)
        if above:
            below.setdefault(above[-1], []).append(task)
        else:
            roots.append(task)
    for root in roots:
        if root.id in below or _is_awaited(root, below, tasks):
            yield from _branch(root, below, tasks)


def _branch(
    root: Task, below: Mapping[str, list[Task]], tasks: Mapping[str, Task]
) -> Iterator[Line]:
    """Without recursion: a chain may be longer than Python's stack."""
    stack: list[tuple[Task, str, str]] = [(root, "", "")]
    while stack:
        task, lead, rest = stack.pop()
        above = sorted(one for one in task.spec.after if one in tasks)
        yield Line(task, lead, tuple(above[:-1]))
        its = below.get(task.id, [])
        deep = len(rest) >= 3 * _DEEP
        for number, one in reversed(list(enumerate(its))):
            last = number == len(its) - 1
            if deep:
                stack.append((one, rest + ("└─ " if last else "├─ "), rest))
            else:
                fork, on = ("└─ ", "   ") if last else ("├─ ", "│  ")
                stack.append((one, rest + fork, rest + on))


def _is_awaited(task: Task, below: Mapping[str, list[Task]], tasks: Mapping[str, Task]) -> bool:
    return any(
        task.id in one.spec.after for its in below.values() for one in its if one.id in tasks
    )


def _by_age(tasks: Iterable[Task]) -> list[Task]:
    return sorted(tasks, key=lambda task: task.id)
