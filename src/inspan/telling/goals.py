"""A goal as lines for people: a tree of its steps as they stand, and what needs somebody. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final, TypeAlias

from inspan.model.agent import UNUSED, Usage
from inspan.model.ids import short
from inspan.model.pursuit import Pursuit, StepState, StepTold
from inspan.model.task import Task, TaskState
from inspan.settings.figures import show_duration
from inspan.telling import phrases, plans
from inspan.telling.story import Story
from inspan.terminal.sanitize import columns, one_line

#: A text and its style; each text is one safe line.
Line: TypeAlias = tuple[str, str]

_S = StepState
MARKS: Final = {
    _S.WAITS: "·",
    _S.READY: "○",
    _S.WORKING: "▸",
    _S.REVIEWED: "◇",
    _S.NEEDS: "?",
    _S.MERGING: "⋈",
    _S.DONE: "✓",
    _S.FAILED: "✗",
    _S.LEFT: "·",
}
STYLES: Final = {
    _S.WAITS: "dim",
    _S.READY: "dim",
    _S.WORKING: "cyan",
    _S.REVIEWED: "blue",
    _S.NEEDS: "yellow",
    _S.MERGING: "cyan",
    _S.DONE: "green",
    _S.FAILED: "red",
    _S.LEFT: "dim",
}
#: What is said of several.
_MANY: Final = {_S.WAITS: "wait", _S.NEEDS: "need you"}


def picture(
    story: Story, now: float, *, rows: int | None = None, width: int | None = None
) -> Iterator[Line]:
    """All of it; where there are more than ``rows`` steps, those first that are not over."""
    goal = story.goal
    yield head(goal), "bold"
    yield "  " + about(story, now), phrases.STYLES[goal.state]
    if story.planned is None:
        yield "  there is no plan yet", "dim"
    else:
        yield from _tree(story, now, rows, width)
        for text in hints(story.pursuit):
            yield "  " + text, "dim"
    for text in needs(story):
        yield text, "yellow"


def head(goal: Task) -> str:
    """Which goal it is, how it is, and what is to be reached."""
    return one_line(f"{short(goal.id)}  {goal.state.value}  {phrases.title(goal.spec)}")


def about(story: Story, now: float) -> str:
    """How far it is, in a line: ``2 of 3 merged, 1 working, 1m 5s, 12034 tokens, $0.12``."""
    goal = story.goal
    counts = Counter(one.state for one in story.pursuit.steps)
    total, good = sum(counts.values()), counts.pop(StepState.DONE, 0)
    told = [f"{good} of {total} steps done"] if total else []
    told += [f"{many} {_counted(state, many)}" for state, many in sorted(counts.items())]
    told.append(show_duration(_whole(max(0.0, (goal.ended_at or now) - goal.created_at))))
    return ", ".join(told) + spent(used(story))


def _counted(state: StepState, many: int) -> str:
    return _MANY.get(state, state.value) if many > 1 else state.value


def spent(usage: Usage) -> str:
    """Tokens and money, where there are any."""
    tokens = usage.read + usage.written
    told = f", {tokens:,} tokens" if tokens else ""
    return told + (f", ${usage.cost:.2f}" if usage.cost else "")


def used(story: Story) -> Usage:
    """What all that work for the goal have used."""
    total = UNUSED
    for task in story.tasks.values():
        if task.id != story.goal.id:
            total = total.plus(task.used)
    return total


def _tree(story: Story, now: float, rows: int | None, width: int | None) -> Iterator[Line]:
    if story.planned is None:
        return
    progress = {one.name: one for one in story.pursuit.steps}
    branches = plans.tree(story.planned.plan)
    hidden = 0
    if rows is not None and len(branches) > rows:
        open_ = [one for one in branches if MARKS[progress[one.step.name].state] not in "✓·"]
        kept = {one.step.name for one in (open_ or branches)[: max(1, rows - 1)]}
        hidden = len(branches) - len(kept)
        branches = tuple(one for one in branches if one.step.name in kept)
    names = [one.rails + one.step.name for one in branches]
    widest = max(map(columns, names), default=0)
    whos = [_who(story, progress[one.step.name]) for one in branches]
    wide = max(map(len, whos), default=0)
    for name, who, branch in zip(names, whos, branches, strict=True):
        one = progress[branch.step.name]
        text = (
            f"{MARKS[one.state]} {name}{' ' * (widest - columns(name))}"
            f"  {one.state.value:<11}  {who:<{wide}}  "
        )
        rest = _figures(story, one, now)
        if width is not None:
            rest = one_line(rest, max(8, width - columns(text)))
        yield (text + rest).rstrip(), STYLES[one.state]
    if hidden:
        yield f"  and {hidden} more", "dim"


def hints(found: Pursuit) -> Iterator[str]:
    """What can be done about each step that failed, a line for each."""
    failed = (one for one in found.steps if one.state is StepState.FAILED)
    return (one_line(f"{one.name}: {one.hint}") for one in failed if one.hint)


def _who(story: Story, one: StepTold) -> str:
    """Who has it in hands."""
    if one.task is None:
        return "-"
    now = story.tasks.get(one.now or "")
    other = f", {one_line(now.spec.provider)}" if now is not None and now.id != one.task else ""
    return f"{one_line(one.agent)} {short(one.task)}{other}"


def _figures(story: Story, one: StepTold, now: float) -> str:
    told = [f"{one.rounds} reviews"] if one.rounds > 1 else []
    if one.started_at is not None:
        end = now if one.ended_at is None else one.ended_at
        told.append(show_duration(_whole(max(0.0, end - one.started_at))))
    told.append(spent(one.used).removeprefix(", "))
    told += [story.commit(one.name)[:9], one_line(one.why)]
    return " · ".join(filter(None, told))


def _whole(seconds: float) -> float:
    """Tenths only where they tell something."""
    return round(seconds, 1) if seconds < 10 else float(int(seconds))


def line(story: Story, one: StepTold, now: float) -> str:
    """A step as it stands, in a line of its own."""
    told = " · ".join(filter(None, (one.state.value, _who(story, one), _figures(story, one, now))))
    return f"{MARKS[one.state]} {one.name}  {told}"


def needing(story: Story) -> Iterator[Task]:
    """The tasks that wait for a person."""
    goal = story.goal
    alone = not goal.done and goal.state is not TaskState.INTERRUPTED
    for task in story.tasks.values():
        waits = task.state is TaskState.WAITING and task.needs is not None
        stopped = task.state is TaskState.INTERRUPTED and (task.id == goal.id or alone)
        if waits or stopped:
            yield task


def needs(story: Story) -> Iterator[str]:
    """What waits for a person, with the command that goes on; at the end, what takes it over."""
    for task in needing(story):
        name = short(task.id)
        if task.state is TaskState.WAITING and task.needs is not None:
            options = f" ({' | '.join(task.needs.options)})" if task.needs.options else ""
            asked = one_line(f"needs you: {name} asks: {task.needs.question}{options}")
            yield f"{asked}; `inspan answer {name} TEXT`"
        else:
            yield f"needs you: {phrases.brief(task)}; `inspan resume {name}`"
    goal = story.goal
    if goal.done:
        yield from _came(goal)


def _came(goal: Task) -> Iterator[str]:
    """Why it failed, where no step tells, and what can be done now."""
    of_steps = goal.outcome is not None and goal.outcome.failed
    if goal.reason is not None and goal.state is not TaskState.CANCELLED and not of_steps:
        yield one_line(goal.reason.message)
    hint = goal.reason.hint if goal.reason is not None else ""
    if goal.outcome is not None:
        hint = hint or goal.outcome.hint
    if hint:
        yield one_line(hint)
