"""What is needed to lead a goal, and how a task of it is handed in: under a key, once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio

from inspan.git.checkout import shown
from inspan.model.pursuit import GOAL, OF, PHASE, STEP
from inspan.model.task import (
    BY_LINES,
    Task,
    TaskKind,
    TaskSpec,
    TerminalSpec,
    Verdict,
    WorkspaceKind,
)
from inspan.swarm.branch import Branch
from inspan.swarm.chronicle import Chronicle
from inspan.swarm.said import Dialects
from inspan.swarm.steady import Steady
from inspan.swarm.turns import Turns
from inspan.swarm.voice import Voice
from inspan.swarm.wishes import Wishes


@dataclass(slots=True)
class Means:
    """Of one goal."""

    control: Steady
    chronicle: Chronicle
    voice: Voice
    goal: Task
    wishes: Wishes
    branch: Branch
    dialects: Dialects
    #: One result is merged at a time.
    merging: Turns
    #: Steps that can begin together are handed in in the order of the plan: where slots are few,
    #: its first ones begin first.
    handing: anyio.Lock = field(default_factory=anyio.Lock)
    #: Where the branch is checked out, as far as was told of it.
    _seen: set[Path] = field(default_factory=set)

    @property
    def has_begun(self) -> bool:
        """Whether a step was handed in: then a plan was approved."""
        return any(STEP in task.spec.labels for task in self.chronicle.tasks.values())

    def spec_of(self, step: str, phase: str, of: str = "") -> TaskSpec | None:
        """What was handed in already for that; a key takes the same words again and no others."""
        labels = self._labels(phase, step, of)
        for task in self.chronicle.tasks.values():
            if task.spec.labels == labels:
                return task.spec
        return None

    def _labels(self, phase: str, step: str, of: str) -> dict[str, str]:
        told = {GOAL: self.goal.id, PHASE: phase, STEP: step, OF: of}
        return {name: text for name, text in told.items() if text}

    def spec(self, *, phase: str, step: str = "", of: str = "", **said: Any) -> TaskSpec:
        """A task of the goal: with its environment and keys, its correlation and its labels."""
        goal = self.goal.spec
        dialect = self.dialects(said["provider"])
        in_tree = said.get("workspace") is WorkspaceKind.WORKTREE
        return TaskSpec(
            kind=TaskKind.WORK,
            cwd=goal.cwd,
            env={**goal.env, **self._marks(phase, step)},
            withheld=goal.withheld,
            secrets=goal.secrets if dialect is not None else {},
            correlation=self.goal.correlation,
            labels=self._labels(phase, step, of),
            terminal=BY_LINES if dialect is not None else TerminalSpec(),
            permissions=goal.permissions,
            sandbox=goal.sandbox,
            setup=self.wishes.setups if in_tree else (),
            **said,
        )

    def _marks(self, phase: str, step: str) -> dict[str, str]:
        """What its program is told by its environment, beside what each task's is."""
        return {"INSPAN_GOAL": self.goal.id, "INSPAN_PHASE": phase, "INSPAN_STEP": step}

    async def hand_in(self, spec: TaskSpec, key: str) -> Task:
        """The task that was handed in under ``key``, now or by whoever led the goal before."""
        task = await self.control.submit(spec, key=f"{self.goal.id}:{key}")
        self.chronicle.know(task)
        return task

    def warn_of(self, places: Iterable[Path]) -> None:
        """Tell, once of each, where somebody looks at an older commit of the branch."""
        for place in places:
            if place not in self._seen:
                self._seen.add(place)
                self.voice.warn(
                    f"{self.branch.name} moves on and is checked out in {shown(str(place))}, whose"
                    " files stay as they are: commit nothing there; once it is over, `git reset"
                    " --hard` there brings them along"
                )

    async def clear(self, task: Task) -> None:
        """Have the worktree taken away of one that has ended and whose changes nobody wants."""
        if task.workspace is None or task.id in self.chronicle.cleared:
            return
        self.chronicle.know(await self.control.decide(task, Verdict.REJECT))
