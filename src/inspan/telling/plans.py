"""A goal's plan as lines for people: a tree, and how long it may take. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inspan.model.goal import GoalPlan, PlanStep, levels, longest
from inspan.model.value import named_value
from inspan.settings.figures import show_duration
from inspan.terminal.sanitize import one_line

#: A chain that is longer goes on without another step to the right.
_DEEPEST: Final = 12


@named_value
class Branch:
    """One step of the tree: what is drawn before it, and which others it waits for."""

    rails: str
    step: PlanStep
    also: tuple[str, ...] = ()


def tree(plan: GoalPlan) -> tuple[Branch, ...]:
    """Each step below the last that it waits for, else as they are written."""
    depths = {step.name: depth for depth, level in enumerate(levels(plan)) for step in level}
    below: dict[str, list[PlanStep]] = {"": []}
    for step in plan.steps:
        below[step.name] = []
    for step in plan.steps:
        below[max(step.after, key=depths.__getitem__, default="")].append(step)
    return tuple(_branches(below, depths))


def _branches(below: dict[str, list[PlanStep]], depths: dict[str, int]) -> Iterator[Branch]:
    """Without recursion: a plan may be a chain of thousands."""
    stack = [("", step, step is below[""][-1]) for step in reversed(below[""])]
    while stack:
        rails, step, last = stack.pop()
        parent = max(step.after, key=depths.__getitem__, default="")
        also = tuple(name for name in dict.fromkeys(step.after) if name != parent)
        yield Branch(rails=rails + ("└─ " if last else "├─ "), step=step, also=also)
        deep = len(rails) >= 3 * _DEEPEST
        inner = rails if deep else rails + ("   " if last else "│  ")
        inside = below[step.name]
        stack += [(inner, each, each is inside[-1]) for each in reversed(inside)]


def about(plan: GoalPlan) -> str:
    """How much it is: ``5 steps, 45m of work, 30m at least``."""
    count = len(plan.steps)
    told = [f"{count} step{'s' * (count != 1)}"]
    said = [step.minutes for step in plan.steps if step.minutes is not None]
    if said:
        least = "" if len(said) == count else f", and {count - len(said)} without an estimate"
        told += [f"{_time(sum(said))} of work{least}", f"{_time(longest(plan))} at least"]
    return ", ".join(told)


def estimate(step: PlanStep) -> str:
    """How long it will take, as whoever planned it thinks; empty where nobody said."""
    return "" if step.minutes is None else _time(step.minutes)


def what(branch: Branch) -> str:
    """What is done in a step, as a safe line."""
    step = branch.step
    text = step.title or " ".join(step.command) or step.prompt
    told = [f"({step.provider})"] if step.provider else []
    told += [text.strip().partition("\n")[0]]
    if branch.also:
        told.append(f"[after {', '.join(branch.also)} too]")
    if not step.review:
        told.append("[no review]")
    return one_line(" ".join(told))


def _time(minutes: float) -> str:
    return show_duration(minutes * 60)
