"""What came of a goal so far, kept from event to event, and what the Queen said of its steps.

Pure: events and lines go in. How far each step is tells ``model.pursuit``, as to every face; beside
it is told as what a step was merged, which nobody but the Queen says.
"""

from __future__ import annotations

from contextlib import suppress

from inspan.agents.json_lines import number, parsed, words_of
from inspan.errors import InspanError
from inspan.model.event import Event, Planned
from inspan.model.lifecycle import apply
from inspan.model.pursuit import Pursuit, pursuit
from inspan.model.task import Task
from inspan.model.value import named_value


@named_value
class StepEnd:
    """What the Queen said became of a step."""

    step: str
    at: float
    #: The commit that brought it onto the branch; empty: there was nothing to merge.
    commit: str = ""
    #: Why it came to nothing; empty: it did not.
    why: str = ""
    #: What a person can do about that.
    hint: str = ""


class Story:
    """Of one goal. ``take`` its events in their order, ``hear`` what the Queen printed."""

    def __init__(self, goal: Task) -> None:
        self._goal = goal
        self.tasks: dict[str, Task] = {}
        self.planned: Planned | None = None
        self.ends: dict[str, StepEnd] = {}
        #: The last event that was taken.
        self.since = 0

    @property
    def goal(self) -> Task:
        """The goal as it is now."""
        return self.tasks.get(self._goal.id, self._goal)

    @property
    def pursuit(self) -> Pursuit:
        """How far it is."""
        return pursuit(self.goal, self.planned, self.tasks.values())

    def take(self, event: Event) -> bool:
        """Whether it is news of this goal."""
        if event.seq <= self.since:
            return False
        self.since = event.seq
        if event.correlation != self._goal.correlation:
            return False
        if isinstance(event.fact, Planned) and event.task == self._goal.id:
            self.planned = event.fact
        with suppress(InspanError):  # its beginning is gone: a task that was pruned
            self.tasks[event.task] = apply(self.tasks.get(event.task), event)
        return True

    def hear(self, line: bytes) -> None:
        """A line of a Queen's recording; what the first of several said of a step stays."""
        told = parsed(line)
        if told.get("type") != "step":
            return
        name = words_of(told, "step")
        known = self.ends.get(name)
        if known is None or known.why:  # what failed for one Queen may be done by the next
            said = {key: words_of(told, key) for key in ("commit", "why", "hint")}
            self.ends[name] = StepEnd(step=name, at=number(told, "at"), **said)

    def commit(self, step: str) -> str:
        """As what a step was merged; empty where nobody said."""
        end = self.ends.get(step)
        return end.commit if end is not None else ""
