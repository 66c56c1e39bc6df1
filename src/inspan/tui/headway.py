"""How far the goals are that go on: asked for now and then, and only where something happened.

Every screen that tells of goals reads it from here, so that each is asked for once.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Final

from inspan.control import Control
from inspan.errors import InspanError
from inspan.goals import pursued
from inspan.model.pursuit import GOAL, Pursuit
from inspan.model.task import Task, TaskKind
from inspan.tui.known import Known

#: Ticks of a second between two looks at one goal: all of its tasks are read for it.
_EVERY: Final = 2
#: Goals that are kept.
_MOST: Final = 64
MARK: Final = "◆"


class Headway:
    """Over one Control. ``begin`` does something beside; ``changed`` hears of whose it is other."""

    def __init__(
        self,
        control: Control,
        known: Known,
        begin: Callable[[Coroutine[Any, Any, object], str], object],
        changed: Callable[[set[str]], None],
    ) -> None:
        self._control = control
        self._known = known
        self._begin = begin
        self._changed = changed
        self._found: dict[str, Pursuit] = {}
        self._stale: set[str] = set()
        self._looks = False
        self._ticks = 0

    def of(self, goal: str) -> Pursuit | None:
        """What was last known of it."""
        return self._found.get(goal)

    def told(self, task: Task) -> str:
        """What stands before its name: that it is a goal, and how many of its steps are done."""
        if task.spec.kind is not TaskKind.GOAL:
            return ""
        found = self._found.get(task.id)
        steps = f" {found.done}/{len(found.steps)}" if found is not None and found.steps else ""
        return f"{MARK}{steps} "

    def want(self, goal: str) -> None:
        """Look at it soon."""
        self._stale.add(goal)

    def heard(self, ids: set[str] | None) -> None:
        """These tasks, or any, are otherwise now."""
        tasks = self._known.tasks
        for task in tasks.values() if ids is None else map(tasks.get, ids):
            if task is None:
                continue
            if task.spec.kind is TaskKind.GOAL and (not task.done or task.id in self._found):
                self._stale.add(task.id)
            elif (goal := task.spec.labels.get(GOAL)) is not None and ids is not None:
                self._stale.add(goal)

    def tick(self) -> None:
        """A second has passed."""
        self._ticks += 1
        if self._stale and not self._looks and self._ticks % _EVERY == 0:
            self.look()

    def look(self) -> None:
        """Look at what is wanted, now."""
        if not self._looks:
            self._looks = True
            self._begin(self._look(), "a look at goals")

    async def _look(self) -> None:
        stale, self._stale = self._stale, set()
        try:
            for goal in sorted(stale, reverse=True)[:_MOST]:
                self._found[goal] = await pursued(self._control, goal)
                self._changed({goal})
        except InspanError:
            pass  # the header tells; what happens next has it looked at again
        finally:
            self._looks = False
        for goal in sorted(self._found)[: -_MOST or None]:
            del self._found[goal]
