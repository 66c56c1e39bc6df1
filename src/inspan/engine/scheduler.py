"""Which task may start now: slots per role, priority, dependencies, and time. Pure bookkeeping.

It holds ids and numbers only; it never records a fact, waits, or looks at a clock.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from heapq import heappop, heappush
from typing import Protocol

from inspan.model.role import DEFAULT_LIMIT
from inspan.model.task import Task

_Place = tuple[int, float, str]


class Room(Protocol):
    """How many tasks of a provider may run beside each other."""

    def has_room(self, provider: str) -> bool:
        """Whether one more may start."""
        ...

    def take(self, provider: str) -> None:
        """One starts."""
        ...


class Scheduler:
    """Tasks that are ready, tasks that wait, and the slots that are taken."""

    def __init__(self, limits: Mapping[str, int], default: int = DEFAULT_LIMIT) -> None:
        self._limits = dict(limits)
        self._default = default
        self._taken: Counter[str] = Counter()
        #: role → provider → heap of (-priority, created, id); an id not in ``_ready`` is stale.
        self._lines: dict[str, dict[str, list[_Place]]] = defaultdict(lambda: defaultdict(list))
        self._ready: set[str] = set()
        self._alarms: list[tuple[float, str]] = []
        self._due: dict[str, float] = {}
        self._waits: dict[str, set[str]] = {}
        self._dependents: dict[str, set[str]] = defaultdict(set)

    def limit(self, role: str) -> int:
        """How many tasks of ``role`` may run at once."""
        return self._limits.get(role, self._default)

    def ready(self, task: Task) -> None:
        """The task may start as soon as its role has a slot."""
        if task.id in self._ready:
            return
        self._ready.add(task.id)
        line = self._lines[task.spec.role][task.spec.provider]
        heappush(line, (-task.spec.priority, task.created_at, task.id))

    def wake(self, task_id: str, at: float) -> None:
        """Name the task in ``due`` once it is ``at`` (seconds since the epoch)."""
        self._due[task_id] = at
        heappush(self._alarms, (at, task_id))

    def wait(self, task_id: str, after: Iterable[str]) -> None:
        """The task waits until each of ``after`` has ended well."""
        self._waits[task_id] = set(after)
        for wanted in self._waits[task_id]:
            self._dependents[wanted].add(task_id)

    def ended(self, task_id: str) -> tuple[str, ...]:
        """The tasks that waited for this one."""
        return tuple(sorted(self._dependents.pop(task_id, ())))

    def fulfilled(self, task_id: str, wanted: str) -> bool:
        """``wanted`` ended well; True where ``task_id`` now waits for nothing more."""
        waits = self._waits.get(task_id)
        if waits is None:
            return False
        waits.discard(wanted)
        if not waits:
            del self._waits[task_id]
        return not waits

    def forget(self, task_id: str) -> None:
        """The task is neither ready nor waiting any more."""
        self._ready.discard(task_id)
        self._due.pop(task_id, None)
        for wanted in self._waits.pop(task_id, ()):
            self._dependents[wanted].discard(task_id)

    def due(self, now: float) -> tuple[str, ...]:
        """The tasks whose time has come, each once."""
        names = []
        while self._alarms and self._alarms[0][0] <= now:
            at, task_id = heappop(self._alarms)
            if self._due.get(task_id) == at:
                del self._due[task_id]
                names.append(task_id)
        return tuple(names)

    def next_alarm(self) -> float | None:
        """When ``due`` has something next; seconds since the epoch."""
        while self._alarms and self._due.get(self._alarms[0][1]) != self._alarms[0][0]:
            heappop(self._alarms)
        return self._alarms[0][0] if self._alarms else None

    def take(self, room: Room) -> tuple[tuple[str, str, str], ...]:
        """The tasks that start now, with role and provider; each takes a slot until ``release``."""
        started = []
        for role, lines in self._lines.items():
            while self._taken[role] < self.limit(role) and (found := self._first(lines, room)):
                provider, task_id = found
                self._ready.discard(task_id)
                self._taken[role] += 1
                room.take(provider)
                started.append((task_id, role, provider))
        return tuple(started)

    def take_at_once(self, role: str, provider: str, room: Room, coming: int) -> bool:
        """A slot, until ``release``, for one that is not in line; false where that is unfair.

        Nobody may be in line, and to those who are about to be each a slot is left.
        """
        left = self.limit(role) - self._taken[role] - coming
        if self._ready or left <= 0 or not room.has_room(provider):
            return False
        self._taken[role] += 1
        room.take(provider)
        return True

    def _first(self, lines: Mapping[str, list[_Place]], room: Room) -> tuple[str, str] | None:
        """The task whose turn it is, of those whose provider has room."""
        heads = []
        for provider, line in lines.items():
            while line and line[0][2] not in self._ready:
                heappop(line)
            if line and room.has_room(provider):
                heads.append((line[0], provider))
        if not heads:
            return None
        provider = min(heads)[1]
        return provider, heappop(lines[provider])[2]

    def hold(self, role: str) -> None:
        """A slot is taken by what ran before: an adopted attempt."""
        self._taken[role] += 1

    def release(self, role: str) -> None:
        """A slot is free again."""
        self._taken[role] -= 1
