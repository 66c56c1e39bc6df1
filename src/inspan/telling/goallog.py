"""What the Queen decided for a goal, a sentence for each thing, out of its events. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from inspan.model import event as e
from inspan.model.event import Event
from inspan.model.ids import short
from inspan.model.pursuit import PHASE, STEP
from inspan.model.task import GOOD, Task, TaskSpec
from inspan.telling import plans
from inspan.telling.story import StepEnd, Story
from inspan.terminal.sanitize import one_line

#: So much of what somebody wrote is told.
_QUOTED: Final = 200


def sentences(story: Story, event: Event) -> Iterator[str]:
    """What ``event``, which ``story`` has taken, says of how the goal is led; often nothing."""
    task = story.tasks.get(event.task)
    if task is None:
        return
    tell = (_OF_GOAL if task.id == story.goal.id else _OF_TASK).get(type(event.fact))
    told = tell(task, event.fact) if tell is not None else ""
    if told:
        yield one_line(told)


def ending(end: StepEnd) -> str:
    """What became of a step, as the Queen said it."""
    if end.why:
        return one_line(
            "; ".join(filter(None, (f"{end.step} came to nothing: {_cut(end.why)}", end.hint)))
        )
    if end.commit:
        return one_line(f"{end.step} is merged as {end.commit[:9]}")
    return one_line(f"{end.step} is done")


def _cut(text: str) -> str:
    line = one_line(text)
    return line if len(line) <= _QUOTED else line[: _QUOTED - 1] + "…"


# ── of the goal itself ────────────────────────────────────────────────────────


def _began(_task: Task, fact: e.AttemptStarted) -> str:
    return "" if fact.attempt == 1 else "another Queen takes it up, from what happened so far"


def _planned(_task: Task, fact: e.Planned) -> str:
    return f"version {fact.version} of the plan, by {fact.by}: {plans.about(fact.plan)}"


def _over(task: Task, _fact: e.Fact) -> str:
    message = task.outcome.message if task.outcome is not None else ""
    return f"the goal is {task.state.value}" + (f": {_cut(message)}" if message else "")


def _reason(word: str) -> Callable[[Task, Any], str]:
    return lambda _task, fact: f"the goal is {word}: {_cut(fact.reason.message)}"


_OF_GOAL: Final[dict[type[e.Fact], Callable[[Task, Any], str]]] = {
    e.Submitted: lambda task, _fact: f"the goal: {_cut(task.spec.prompt or '')}",
    e.AttemptStarted: _began,
    e.Planned: _planned,
    e.NeedsInput: lambda _task, fact: f"asks you: {_cut(fact.needs.question)}",
    e.Answered: lambda _task, _fact: "is answered",
    e.StopRequested: lambda _task, fact: f"is asked to stop: {fact.stop.value} by {fact.by}",
    e.Interrupted: _reason("interrupted"),
    e.Resumed: lambda _task, fact: f"is resumed by {_cut(fact.by)}",
    e.Cancelled: _reason("cancelled"),
    e.Errored: _reason("in error"),
    e.Failed: _reason("failed"),
    e.Completed: _over,
    e.Succeeded: _over,
}


# ── of its tasks ──────────────────────────────────────────────────────────────


def _what(task: Task) -> str:
    """What a task is for, in a few words."""
    step = task.spec.labels.get(STEP, "")
    return {
        "plan": "the planning",
        "apply": step,
        "review": f"the review of {step}",
        "resolve": f"the joining of {step}",
        "check": f"the check of {step} as merged",
    }.get(task.spec.labels.get(PHASE, ""), step or short(task.id))


def _handed(task: Task, _fact: e.Submitted) -> str:
    spec: TaskSpec = task.spec
    step, who = spec.labels.get(STEP, ""), f"{spec.provider} ({short(task.id)})"
    return {
        "plan": f"asks {who} for a plan",
        "apply": f"hands {step} to {who}",
        "review": f"has {who} look at {step}",
        "resolve": f"{step} does not go together with what is merged: hands both to {who}",
        "check": f"has {step} checked as it would be merged ({short(task.id)})",
    }.get(spec.labels.get(PHASE, ""), "")


def _rounds(task: Task, fact: e.SentBack) -> str:
    found = f": {_cut('; '.join(fact.findings))}" if fact.findings else ""
    return f"sends {_what(task)} back, round {fact.attempt - task.retried}{found}"


def _rejected(task: Task, fact: e.Rejected) -> str:
    found = f": {_cut('; '.join(fact.findings))}" if fact.findings else ""
    return f"{_what(task)} is rejected by {fact.by}{found}"


def _failed(task: Task, fact: e.Failed | e.Errored) -> str:
    return f"{_what(task)} failed: {_cut(fact.reason.message)}"


def _again(task: Task, fact: e.Retried) -> str:
    return f"{_what(task)} failed and is tried again: {_cut(fact.reason.message)}"


def _ended(task: Task, _fact: e.Fact) -> str:
    """Only what says something of the goal: work is told of when it is merged."""
    checks = task.spec.labels.get(PHASE) == "check"
    return f"the checks pass on {task.spec.labels[STEP]}" if checks and task.state in GOOD else ""


_OF_TASK: Final[dict[type[e.Fact], Callable[[Task, Any], str]]] = {
    e.Submitted: _handed,
    e.NeedsInput: lambda task, fact: f"{_what(task)} asks you: {_cut(fact.needs.question)}",
    e.Retried: _again,
    e.Parked: lambda task, fact: f"{_what(task)} waits: {_cut(fact.reason.message)}",
    e.HandedOver: lambda task, fact: f"{_what(task)} goes to {fact.to.provider}",
    e.Accepted: lambda task, fact: f"{_what(task)} is accepted by {fact.by}",
    e.SentBack: _rounds,
    e.Rejected: _rejected,
    e.Failed: _failed,
    e.Errored: _failed,
    e.Succeeded: _ended,
    e.Interrupted: lambda task, fact: f"{_what(task)} is interrupted: {_cut(fact.reason.message)}",
    e.Resumed: lambda task, fact: f"{_what(task)} is resumed by {_cut(fact.by)}",
    e.Cancelled: lambda task, fact: f"{_what(task)} is cancelled: {_cut(fact.reason.message)}",
}
