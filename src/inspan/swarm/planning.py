"""From a goal in words to a plan that a person has approved: asked for, mended, shown."""

from __future__ import annotations

from typing import Final

import anyio

from inspan.errors import InspanError
from inspan.model.event import Planned
from inspan.model.goal import GoalPlan, longest, ordered, plan_of
from inspan.model.task import GOOD, Task, WorkspaceKind
from inspan.swarm import prompts
from inspan.swarm.leading import StepFailed
from inspan.swarm.means import Means
from inspan.swarm.said import object_in, words_of

#: How often a planner is asked, the first time included.
_TRIES: Final = 3
#: So many steps are told by name.
_TOLD_MOST: Final = 100
_APPROVE: Final = "approve"
_REJECT: Final = "reject"


async def approved(means: Means) -> Planned:
    """The plan in force, once it may be carried out. Raises StepFailed, InspanError."""
    if means.chronicle.planned is None and not means.wishes.planned:
        await _propose(means)
    await means.chronicle.until(lambda: means.chronicle.planned is not None)
    while True:
        planned = means.chronicle.planned
        if planned is None:
            raise StepFailed("not-planned", "the plan is gone")
        if means.wishes.yes or means.has_begun:
            return planned
        means.voice.say(_told(planned.plan))
        answer = await _ask(means, planned)
        if answer == _APPROVE:
            return planned
        if answer is not None:
            why = f"version {planned.version} of the plan was not approved"
            raise StepFailed("not-approved", why)


async def _ask(means: Means, planned: Planned) -> str | None:
    """What a person says of it; ``None`` where it was changed meanwhile."""
    told = f"{planned.version}: {_in_words(planned.plan)}"
    answer: list[str] = []

    async def asks(scope: anyio.CancelScope) -> None:
        answer.append(await means.voice.ask(f"Approve plan {told}?", (_APPROVE, _REJECT)))
        scope.cancel()

    async with anyio.create_task_group() as group:
        group.start_soon(asks, group.cancel_scope)
        await means.chronicle.until(lambda: means.chronicle.planned is not planned)
        group.cancel_scope.cancel()
    return answer[0] if answer else None


def _told(plan: GoalPlan) -> str:
    """The steps, a line each, in an order in which they could be done."""
    lines = [plan.summary] if plan.summary else []
    for step in ordered(plan)[:_TOLD_MOST]:
        time = f", {step.minutes:g} min" if step.minutes else ""
        after = f", after {', '.join(step.after)}" if step.after else ""
        title = f"  {step.title}" if step.title else ""
        lines.append(f"  {step.name}{title}{time}{after}")
    more = len(plan.steps) - _TOLD_MOST
    return "\n".join([*lines, f"  and {more} more"] if more > 0 else lines)


def _in_words(plan: GoalPlan) -> str:
    names = ", ".join(step.name for step in plan.steps[:12])
    more = f" and {len(plan.steps) - 12} more" if len(plan.steps) > 12 else ""
    minutes = longest(plan)
    time = f", {minutes:.0f} min at least" if minutes else ""
    steps = "step" if len(plan.steps) == 1 else "steps"
    return f"{len(plan.steps)} {steps} ({names}{more}){time}"


async def _propose(means: Means) -> None:
    """Have a plan made, and stored. Raises StepFailed."""
    complaint = ""
    for number in range(_TRIES):
        task = await _asked(means, number, complaint)
        try:
            words = await words_of(means.control, task, means.dialects)
            plan = plan_of(object_in(words), by_planner=True)
        except InspanError as error:
            complaint = str(error)
            means.voice.warn(f"the plan could not be used: {complaint}")
            continue
        version = means.chronicle.goal.planned
        by = f"planner {task.spec.provider}"
        means.chronicle.know(
            await means.control.replan(means.goal.id, plan, version=version, by=by)
        )
        return
    why = f"no plan after {_TRIES} answers of {means.wishes.planner}: {complaint}"
    raise StepFailed("not-planned", why)


async def _asked(means: Means, number: int, complaint: str) -> Task:
    """The planner's task, when it has ended well. Raises StepFailed."""
    spec = means.spec_of("", "plan", str(number)) or means.spec(
        provider=means.wishes.planner,
        role="planner",
        phase="plan",
        of=str(number),
        name="plan",
        prompt=prompts.plan(means.goal.spec.prompt or "", complaint),
        workspace=WorkspaceKind.WORKTREE,
        base=await means.branch.tip(),
    )
    task = await means.hand_in(spec, f"plan:{number}")
    means.voice.say(f"▸ plan: asked of {means.wishes.planner}")
    task = await means.chronicle.task(task.id, lambda one: one.done)
    await means.clear(task)
    if task.state not in GOOD:
        failed = StepFailed.of(task)
        raise StepFailed(failed.code, f"the planner failed: {failed.message}", failed.hint)
    return task
