"""Legal lives of tasks, as the changes that an engine would commit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from inspan.engine.ports import Change
from inspan.model import event as e
from inspan.model.ids import session_id, ulid
from inspan.model.lifecycle import apply
from inspan.model.task import Exit, Task, TaskSpec

#: A quiet moment in 2026.
START = 1_780_000_000.0
SPEC = TaskSpec(command=("true",), cwd="/", env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"})


@dataclass
class Author:
    """Writes lives; every change it gives has the next sequence numbers."""

    seq: int = 0
    at: float = START
    tasks: dict[str, Task] = field(default_factory=dict)

    def new_id(self) -> str:
        """An id that differs at both ends from its neighbours, the same in each run."""
        number = len(self.tasks) + 1
        return ulid(self.at, (number * 0x9E3779B97F4A7C15F39C % (1 << 80)).to_bytes(10, "big"))

    def submit(
        self,
        spec: TaskSpec = SPEC,
        *,
        key: str | None = None,
        digest: str = "digest",
        correlation: str | None = None,
    ) -> Change:
        """A new task."""
        task = self.new_id()
        event = self._event(task, e.Submitted(spec), correlation or task)
        self.tasks[task] = apply(None, event)
        return Change(
            events=(event,),
            tasks=(self.tasks[task],),
            created=frozenset({task}),
            keys={} if key is None else {key: (task, digest)},
        )

    def tell(self, task: str, *facts: e.Fact) -> Change:
        """What happens to a task next."""
        events = []
        for fact in facts:
            event = self._event(task, fact, self.tasks[task].correlation)
            self.tasks[task] = apply(self.tasks[task], event)
            events.append(event)
        return Change(events=tuple(events), tasks=(self.tasks[task],))

    def start(self, task: str) -> Change:
        """An attempt of a queued task begins."""
        number = self.tasks[task].attempt
        return self.tell(task, e.AttemptStarted(number, session_id(task, number), "keeper-1"))

    def no_op(self, spec: TaskSpec = SPEC) -> Iterator[Change]:
        """The whole life of a task that does nothing, as an engine commits it."""
        submitted = self.submit(spec)
        task = submitted.tasks[0].id
        yield submitted
        yield self.tell(task, e.Readied())
        yield self.start(task)
        number = self.tasks[task].attempt
        yield self.tell(task, e.Exited(number, Exit(0), 10))
        yield self.tell(task, e.Completed(number))

    def ended(self, spec: TaskSpec = SPEC) -> Change:
        """The whole life of a task in one change."""
        return merged(*self.no_op(spec))

    def _event(self, task: str, fact: e.Fact, correlation: str) -> e.Event:
        self.seq += 1
        self.at += 0.001
        return e.Event(self.seq, self.at, task, correlation, fact)


def seqs(changes: Sequence[Change]) -> list[int]:
    """The numbers of the events of ``changes``, in their order."""
    return [event.seq for change in changes for event in change.events]


def merged(*changes: Change) -> Change:
    """Changes as one, with the last value of each task."""
    first, *others = changes
    for change in others:
        tasks = {task.id: task for task in (*first.tasks, *change.tasks)}
        first = replace(
            first,
            events=first.events + change.events,
            tasks=tuple(tasks.values()),
            created=first.created | change.created,
            keys={**first.keys, **change.keys},
        )
    return first
