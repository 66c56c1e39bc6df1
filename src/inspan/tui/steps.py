"""A goal and the steps of its plan in lines, as wide as there is room for. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.text import Text

from inspan.model.goal import PlanStep
from inspan.model.ids import short
from inspan.model.pursuit import Pursuit, StepState, StepTold
from inspan.model.task import Task
from inspan.settings.figures import show_duration
from inspan.telling import goals, phrases, plans
from inspan.telling.outcome import hint_of
from inspan.terminal.sanitize import columns, one_line

#: From so many columns on a step tells what it is about, too.
_TITLED: Final = 70
_STATE_WIDE: Final = 10
#: Lines for why it ended so: an agent's last words may be a page.
_WHY_LINES: Final = 3


def about(task: Task, found: Pursuit | None, width: int, now: float) -> Iterator[Text]:
    """What it is, how far, what it asks, and in the end what came of it."""
    yield Text(one_line(phrases.title(task.spec), width), style="bold")
    told = [f"{short(task.id)}", phrases.took(task, now)]
    if found is not None and found.plan is not None:
        told.append(f"{found.done} of {len(found.steps)} steps done")
        told.append(f"plan {found.version}, by {found.by}")
    state = f"{task.state.value}  "
    said = one_line(" · ".join(told), width - len(state))
    yield Text.assemble((state, phrases.STYLES[task.state]), (said, "dim"))
    if task.needs is not None:
        yield Text(one_line(f"asks: {task.needs.question}"), style="yellow")
        yield Text("a answers it, e edits the plan", style="dim")
    elif task.done:
        why = (task.outcome.message if task.outcome is not None else "") or (
            task.reason.message if task.reason is not None else ""
        )
        yield Text(one_line(why, _WHY_LINES * width), style=phrases.STYLES[task.state])
        hint = task.outcome.hint if task.outcome is not None and task.outcome.ok else hint_of(task)
        if hint:
            yield Text(one_line(hint), style="dim")
    elif found is not None and found.plan is None:
        yield Text("It is being planned. e writes a plan.", style="dim")
    for text in goals.hints(found) if found is not None else ():
        yield Text(text, style="dim")
    yield Text()


def lines(found: Pursuit, width: int, now: float) -> Iterator[tuple[str, Text]]:
    """Each step by its name, below the last that it waits for."""
    if found.plan is None:
        return
    by_name = {one.name: one for one in found.steps}
    branches = plans.tree(found.plan)
    widest = max((columns(one.rails) + columns(one.step.name) for one in branches), default=0)
    widest = min(widest, max(12, width - _STATE_WIDE - 12))
    for branch in branches:
        one = by_name[branch.step.name]
        style = goals.STYLES[one.state]
        name = one_line(branch.step.name, max(4, widest - columns(branch.rails)))
        gap = " " * max(0, widest - columns(branch.rails) - columns(name))
        left = width - widest - _STATE_WIDE - 8
        said = _said(one, branch, left, now) if width >= _TITLED else _who(one, now)
        yield (
            branch.step.name,
            Text.assemble(
                (branch.rails, "dim"),
                (f"{goals.MARKS[one.state]} ", style),
                name,
                (f"{gap}  {one.state.value:<{_STATE_WIDE}}", style),
                (f"  {one_line(said, max(4, left))}" if said else "", "dim"),
                no_wrap=True,
                overflow="ellipsis",
            ),
        )


def step(found: Pursuit, name: str, width: int, now: float) -> Iterator[Text]:
    """One step: how it is, and what it is and waits for, or why; nothing where it is gone."""
    planned = () if found.plan is None else found.plan.steps
    plan = next((one for one in planned if one.name == name), None)
    one = next((one for one in found.steps if one.name == name), None)
    if plan is None or one is None:
        return  # another plan was stored while this one was looked at
    style = goals.STYLES[one.state]
    state = f"  {goals.MARKS[one.state]} {one.state.value}  "
    who = _who(one, now) or _estimate(plan)
    left = max(1, width - columns(name) - columns(state))
    yield Text.assemble((one_line(name), "bold"), (state, style), (one_line(who, left), "dim"))
    what = plans.what(plans.Branch(rails="", step=plan, also=()))
    after = f"after {', '.join(plan.after)}" if plan.after else ""
    if _why(one):
        yield Text(one_line(_why(one), width), style=style)
        if one.hint:
            yield Text(one_line(one.hint, width), style="dim")
    else:
        yield Text(one_line(" · ".join(filter(None, (what, after))), width), style="dim")


def _who(one: StepTold, now: float) -> str:
    told = [one.agent] if one.agent else []
    if one.rounds:
        told.append(f"{one.rounds} review{'s' * (one.rounds != 1)}")
    if one.merged:
        told.append("merged")
    if one.started_at is not None:
        told.append(show_duration(float(int(max(0.0, (one.ended_at or now) - one.started_at)))))
    return ", ".join(told)


def _estimate(step: PlanStep) -> str:
    told = plans.estimate(step)
    return f"about {told}" if told else ""


def _why(one: StepTold) -> str:
    return one.why if one.state in (StepState.FAILED, StepState.NEEDS) else ""


def _said(one: StepTold, branch: plans.Branch, left: int, now: float) -> str:
    who = _who(one, now) or _estimate(branch.step)
    what = _why(one) or plans.what(branch)
    return f"{who}: {what}" if who and left > columns(who) + 8 else who or what
