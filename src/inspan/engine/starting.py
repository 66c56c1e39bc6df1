"""Slots for tasks that are being accepted: one that may start at once starts in the same change.

Decided apart, its start would wait for the disk a second time. Nothing here stores a fact, and
what is stored is launched through a function that this room is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from inspan.engine.dispatcher import Dispatcher
from inspan.engine.orders import first_start
from inspan.engine.ports import Keep
from inspan.model.event import AttemptStarted, Fact, Readied
from inspan.model.task import Task, TaskSpec

#: A task that is about to be stored: its id, what it is to do, and the facts that follow at once.
Draft = tuple[str, TaskSpec, Sequence[Fact]]


class Starting:
    """New tasks, from what is decided about their start until they are stored."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        keep: Keep,
        launch: Callable[[Task], None],
        may: Callable[[], bool],
    ) -> None:
        """``launch`` is given what has started, on the disk; ``may`` tells whether it could."""
        self._dispatcher = dispatcher
        self._keep = keep
        self._launch = launch
        self._may = may
        #: Those that have a slot, and those that will stand in line for one.
        self._given: dict[str, TaskSpec] = {}
        self._coming: set[str] = set()

    def begun(self, drafts: Sequence[Draft]) -> Sequence[Draft]:
        """The same drafts; with its start, where it is one alone and may have it.

        Whoever asks calls ``settle`` once they are stored or never will be. Of several the
        dispatcher chooses when all of them stand in line.
        """
        ready = [(task_id, spec) for task_id, spec, facts in drafts if type(facts[-1]) is Readied]
        if len(drafts) == len(ready) == 1:
            task_id, spec, facts = drafts[0]
            start = self._start(task_id, spec)
            if start is not None:
                self._given[task_id] = spec
                return ((task_id, spec, (*facts, start)),)
        self._coming.update(task_id for task_id, _ in ready)
        return drafts

    def _start(self, task_id: str, spec: TaskSpec) -> AttemptStarted | None:
        keeper = self._keep.at_hand() if self._may() else None
        if keeper is None or not self._dispatcher.take_at_once(spec, len(self._coming)):
            return None
        return first_start(task_id, spec, keeper)

    def stored(self, task: Task) -> None:
        """A new task is on the disk, and nobody knows of it yet."""
        if self._given.pop(task.id, None) is not None:
            self._launch(task)

    def settle(self, task_ids: Iterable[str]) -> None:
        """These were stored by now, or never will be."""
        for task_id in task_ids:
            self._coming.discard(task_id)
            spec = self._given.pop(task_id, None)
            if spec is not None:
                self._dispatcher.release(spec.role, spec.provider)
