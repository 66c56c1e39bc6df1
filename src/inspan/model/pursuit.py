"""How far a goal is: what became of each step of its plan, read from its tasks alone.

Whoever leads a goal labels the tasks that are made for it, and says no more than that: every face
reads the rest from here. It knows no clock, and not who leads.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final, TypeAlias

from inspan.model.agent import UNUSED, Usage
from inspan.model.event import Planned
from inspan.model.goal import GoalPlan, PlanStep
from inspan.model.ids import filled, short
from inspan.model.task import GOOD, Task, TaskState, WorkspaceKind
from inspan.model.value import named_value

#: The labels of a task of a goal.
GOAL: Final = "goal"
STEP: Final = "step"
PHASE: Final = "phase"
#: Of which attempt of which task it is a review.
OF: Final = "of"
#: What a task of a goal is for.
PLAN, APPLY, REVIEW, RESOLVE, CHECK = "plan", "apply", "review", "resolve", "check"

#: What there is to say of a step, and what a person can do about it.
_Why: TypeAlias = tuple[str, str]
_NOTHING: Final[_Why] = ("", "")
_STUCK: Final = (TaskState.WAITING, TaskState.INTERRUPTED)


class StepState(StrEnum):
    """Where a step is, in a word for people."""

    WAITS = "waits"  #: for the steps before it, or for a plan that is approved
    READY = "ready"  #: it is the next where there is room
    WORKING = "working"
    REVIEWED = "in review"
    NEEDS = "needs you"
    MERGING = "merging"
    DONE = "done"  #: well, and merged where it is a matter of merging
    FAILED = "failed"
    LEFT = "not begun"  #: and never will be: the goal is over


@named_value
class StepTold:
    """One step of a plan as it is now."""

    name: str
    state: StepState
    #: The task that does it, and the one that is at it now: it, a reviewer, who joins two sides.
    task: str | None = None
    now: str | None = None
    agent: str = ""
    #: How often a reviewer has looked at it.
    rounds: int = 0
    #: ``None`` where it works in no worktree, and nothing of it is merged.
    merged: bool | None = False
    #: What it asks, what was found wrong with it, or why it failed.
    why: str = ""
    #: What a person can do about that.
    hint: str = ""
    used: Usage = UNUSED
    started_at: float | None = None
    ended_at: float | None = None


@named_value
class Pursuit:
    """A goal with its plan, and how far each step of that is."""

    goal: Task
    #: 0 where there is no plan yet.
    version: int = 0
    by: str = ""
    plan: GoalPlan | None = None
    steps: tuple[StepTold, ...] = ()
    #: The task that plans, or planned last.
    planner: str | None = None

    @property
    def done(self) -> int:
        """How many steps have ended well."""
        return sum(step.state is StepState.DONE for step in self.steps)


def pursuit(goal: Task, planned: Planned | None, tasks: Iterable[Task]) -> Pursuit:
    """How far ``goal`` is, of which ``tasks`` are made; others among them are left out."""
    its = [task for task in tasks if task.spec.labels.get(GOAL) == goal.id]
    planners = [task for task in its if task.spec.labels.get(PHASE) == PLAN]
    newest = max(planners, key=_made, default=None)
    planner = None if newest is None else newest.id
    if planned is None:
        return Pursuit(goal=goal, planner=planner)
    return Pursuit(
        goal=goal,
        version=planned.version,
        by=planned.by,
        plan=planned.plan,
        steps=_Reading(goal, planned.plan, its).steps(),
        planner=planner,
    )


def _made(task: Task) -> tuple[float, str]:
    return task.created_at, task.id


#: Where a step is, who is at it, and why.
_Standing: TypeAlias = tuple[StepState, Task | None, _Why]


class _Reading:
    """The tasks of a goal by step and by what they are for, the newest last."""

    def __init__(self, goal: Task, plan: GoalPlan, tasks: Sequence[Task]) -> None:
        self._goal = goal
        self._plan = plan
        self._of: dict[str, dict[str, list[Task]]] = defaultdict(lambda: defaultdict(list))
        for task in sorted(tasks, key=_made):
            labels = task.spec.labels
            self._of[labels.get(STEP, "")][labels.get(PHASE, "")].append(task)
        #: Results are merged one at a time, in the order in which they were accepted: what was
        #: accepted after one that is being merged has to wait for it.
        held = [self._accepted(step) for step in plan.steps if self._joining(step)]
        self._held = min((at for at in held if at is not None), default=None)
        outcome = goal.outcome if goal.done else None
        parts = outcome.failed if outcome else ()
        self._failed = {part.name: (part.why, part.hint) for part in parts if part.why}
        self._begun = {
            before
            for step in plan.steps
            if self._applied(step) is not None
            for before in step.after
        }

    def steps(self) -> tuple[StepTold, ...]:
        """In the order of the plan."""
        told: list[StepTold] = []
        states: dict[str, StepState] = {}
        for step in self._plan.steps:
            told.append(self._step(step))
            states[step.name] = told[-1].state
        ready = {
            step.name
            for step in self._plan.steps
            if all(states[name] is StepState.DONE for name in step.after)
        }
        begun = any(one.task is not None for one in told)
        return tuple(self._waiting(one, ready=begun and one.name in ready) for one in told)

    def _waiting(self, one: StepTold, *, ready: bool) -> StepTold:
        if one.state is not StepState.WAITS or not ready or self._goal.done:
            return one
        return StepTold(name=one.name, state=StepState.READY, merged=one.merged)

    def _tasks(self, step: PlanStep, phase: str) -> list[Task]:
        return self._of[step.name][phase]

    def _applied(self, step: PlanStep) -> Task | None:
        return next(reversed(self._tasks(step, APPLY)), None)

    def _accepted(self, step: PlanStep) -> float | None:
        task = self._applied(step)
        return task.ended_at if task is not None and task.state in GOOD else None

    def _joining(self, step: PlanStep) -> Task | None:
        """Who brings it together with the others now, or checks what came of that."""
        tasks = [*self._tasks(step, RESOLVE), *self._tasks(step, CHECK)]
        return next((task for task in tasks if not task.done), None)

    # ── one step ──────────────────────────────────────────────────────────────

    def _step(self, step: PlanStep) -> StepTold:
        task = self._applied(step)
        merges = (step.workspace or WorkspaceKind.WORKTREE) is WorkspaceKind.WORKTREE
        if task is None:
            why, hint = self._failed.get(step.name, _NOTHING)  # it was refused when handed in
            over = StepState.FAILED if why else StepState.LEFT
            state, merged = over if self._goal.done else StepState.WAITS, False if merges else None
            return StepTold(name=step.name, state=state, merged=merged, why=why, hint=hint)
        state, now, (why, hint) = self._state(step, task, merges=merges)
        every = [one for tasks in self._of[step.name].values() for one in tasks]
        used = UNUSED
        for one in every:
            used = used.plus(one.used)
        return StepTold(
            name=step.name,
            state=state,
            task=task.id,
            now=None if now is None else now.id,
            agent=task.hand(task.attempt).provider,
            rounds=_rounds(self._tasks(step, REVIEW)),
            merged=state is StepState.DONE if merges else None,
            why=why,
            hint=filled(hint, short(task.id)),
            used=used,
            started_at=task.started_at,
            ended_at=max(one.ended_at or 0.0 for one in every) if task.done else None,
        )

    def _state(self, step: PlanStep, task: Task, *, merges: bool) -> _Standing:
        """Where it is, who is at it, and what there is to say of it."""
        asked = self._asks(step)
        if asked:
            return StepState.NEEDS, task, (asked, "")
        stuck = next((one for one in self._open(step) if one.state in _STUCK), None)
        if stuck is not None and not self._goal.done:
            return StepState.NEEDS, stuck, _why(stuck)
        if task.state not in GOOD:
            if task.done or self._goal.done:
                return StepState.FAILED, None, self._failed.get(step.name) or _why(task)
            if task.awaits_verdict:
                return self._judged(step, task)
            return StepState.WORKING, task, ("; ".join(task.findings), "")
        return self._merged(step, task) if merges else (StepState.DONE, None, _NOTHING)

    def _judged(self, step: PlanStep, task: Task) -> _Standing:
        """Of one that awaits its verdict: what is good is accepted when it can be merged."""
        reviews, this = self._tasks(step, REVIEW), f"{task.id}:{task.attempt}:"
        reviewer = next((one for one in reviews if not one.done), None)
        good = (one.spec.labels.get(OF, "") for one in reviews if one.state in GOOD)
        if reviewer is None and (not step.review or any(of.startswith(this) for of in good)):
            return StepState.MERGING, None, _NOTHING
        return StepState.REVIEWED, reviewer or task, _NOTHING

    def _open(self, step: PlanStep) -> list[Task]:
        return [one for tasks in self._of[step.name].values() for one in tasks if not one.done]

    def _asks(self, step: PlanStep) -> str:
        """What whoever leads the goal asks about it."""
        needs = self._goal.needs
        return needs.question if needs is not None and needs.about == step.name else ""

    def _merged(self, step: PlanStep, task: Task) -> _Standing:
        """Of one that was accepted: nobody says that it is merged, but what comes after it does."""
        if step.name in self._begun or self._goal.state in GOOD:
            return StepState.DONE, None, _NOTHING
        if self._goal.done:
            why = self._failed.get(step.name)
            return StepState.FAILED if why else StepState.DONE, None, why or _NOTHING
        joining = self._joining(step)
        if joining is not None:
            return StepState.MERGING, joining, _NOTHING
        checks, resolves = self._tasks(step, CHECK), self._tasks(step, RESOLVE)
        last = max((*checks[-1:], *resolves[-1:]), key=_made, default=None)
        if last is not None and last.state not in GOOD:
            # Somebody is about to mend it, or it has failed.
            return StepState.MERGING, None, _NOTHING
        accepted = task.ended_at or 0.0
        if self._held is not None and accepted > self._held:
            return StepState.MERGING, None, _NOTHING
        return StepState.DONE, None, _NOTHING


def _rounds(reviews: Sequence[Task]) -> int:
    """How many attempts were reviewed; a reviewer who could not be understood is asked again."""
    return len({task.spec.labels.get(OF, "").rpartition(":")[0] for task in reviews})


def _why(task: Task) -> _Why:
    if task.needs is not None:
        return task.needs.question, ""
    reason = task.reason
    return _NOTHING if reason is None else (reason.message, filled(reason.hint, short(task.id)))
