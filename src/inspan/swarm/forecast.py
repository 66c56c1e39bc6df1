"""Which results of a goal git could not join, told before either is merged; it changes nothing.

Looked at are the newest that are not merged, by pairs, each pair of commits once. What is not known
in time is found when it is merged: nobody waits for a forecast.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from inspan.git.checkout import shown
from inspan.model.pursuit import APPLY, PHASE, STEP
from inspan.model.task import Task, TaskState
from inspan.swarm.branch import Branch
from inspan.swarm.turns import Pair

#: So many results are compared, each with each: 66 pairs.
_OPEN_MOST: Final = 12
_FILES_MOST: Final = 5
_GONE: Final = frozenset({TaskState.FAILED, TaskState.CANCELLED, TaskState.ERROR})


@dataclass(frozen=True, slots=True)
class Clash:
    """Two steps, and the files in which git cannot join what they changed."""

    one: str
    other: str
    files: tuple[str, ...]

    @property
    def told(self) -> str:
        """In a line."""
        named = ", ".join(map(shown, self.files[:_FILES_MOST]))
        more = len(self.files) - _FILES_MOST
        rest = f", and {more} more" if more > 0 else ""
        return f"{self.one} and {self.other} will not go together: {named}{rest}"


def works(tasks: Sequence[Task]) -> tuple[Task, ...]:
    """The tasks that carry steps out on branches, the newest last."""
    found = [
        task
        for task in tasks
        if task.spec.labels.get(PHASE) == APPLY
        and task.state not in _GONE
        and task.workspace is not None
        and task.workspace.branch is not None
    ]
    return tuple(sorted(found, key=lambda task: task.id))


def standing(tasks: Sequence[Task]) -> tuple[tuple[object, ...], ...]:
    """What a forecast for ``tasks`` is made from: as long as it is the same, so is the forecast."""
    return tuple((task.id, task.state, task.attempt, task.awaits_verdict) for task in tasks)


class Forecast:
    """Of one goal."""

    def __init__(self, branch: Branch) -> None:
        self._branch = branch
        #: The steps that will not go together, as far as is known: those too that are merged.
        self.clashes: frozenset[Pair] = frozenset()
        self._seen: set[tuple[str, str]] = set()
        self._told: set[Clash] = set()
        #: What was not committed yet, by task and attempt.
        self._taken: dict[tuple[str, int], str] = {}

    async def look(self, tasks: Sequence[Task]) -> tuple[Clash, ...]:
        """What is not known yet of how ``tasks`` go together. Raises GitFailed."""
        names = frozenset(task.spec.labels[STEP] for task in tasks)
        self.clashes = frozenset(pair for pair in self.clashes if pair <= names)
        commits = await self._branch.unmerged(tasks)
        for task in tasks[-_OPEN_MOST:]:
            if task.awaits_verdict:
                commits[task.id] = await self._snapshot(task)
        steps = [(task.spec.labels[STEP], commits[task.id]) for task in tasks if task.id in commits]
        found = []
        for (one, mine), (other, theirs) in combinations(steps[-_OPEN_MOST:], 2):
            if (mine, theirs) in self._seen:
                continue
            self._seen.add((mine, theirs))
            clash = Clash(one, other, await self._branch.conflicts(mine, theirs))
            pair = frozenset((one, other))
            self.clashes = self.clashes | {pair} if clash.files else self.clashes - {pair}
            if clash.files and clash not in self._told:
                self._told.add(clash)
                found.append(clash)
        return tuple(found)

    async def _snapshot(self, task: Task) -> str:
        """Its work as it lies there, which nobody has committed before it is accepted."""
        known = (task.id, task.attempt)
        if known not in self._taken:
            self._taken[known] = await self._branch.snapshot(task)
        return self._taken[known]
