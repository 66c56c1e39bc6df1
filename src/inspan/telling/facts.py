"""All that is known of a task, as pairs of a word and what it is; each a safe line. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TypeAlias

from inspan.model import event as e
from inspan.model.agent import UNUSED, Usage
from inspan.model.event import Event
from inspan.model.ids import short
from inspan.model.task import Exit, Needs, SetupStep, Task
from inspan.settings.figures import show_duration, show_size
from inspan.telling import phrases
from inspan.telling.outcome import hint_of
from inspan.terminal.sanitize import one_line

Pairs: TypeAlias = Iterator[tuple[str, str]]


def why(task: Task, now: float | None = None) -> Pairs:
    """Why it is where it is."""
    if words := phrases.setting_up(task, now):
        yield "doing", words
    if task.needs is not None:
        yield from asks(task.needs)
    if task.reason is not None:
        yield "why", one_line(f"{task.reason.message} ({task.reason.code})")
        if hint := hint_of(task):
            yield "hint", one_line(hint)
    if task.exit is not None:
        yield "exit", _how(task.exit).removeprefix("exit ")
    if task.stop is not None:
        by = f" ({task.stop.reason})" if task.stop.reason else ""
        yield "stop asked", one_line(f"{task.stop.kind.value} by {task.stop.by}{by}")
    if task.awaits_verdict:
        yield "why", "waits for a verdict"
    if task.verdict is not None:
        yield "verdict", task.verdict.value.replace("_", " ")
    for finding in task.findings:
        yield "finding", one_line(finding)


def asks(needs: Needs) -> Pairs:
    """What it asks."""
    yield "asks", one_line(needs.question)
    if needs.options:
        yield "options", one_line(" | ".join(needs.options))
    if needs.more:
        yield "behind it", f"{needs.more} more"


def what(task: Task) -> Pairs:
    """What is wanted, and who does it."""
    spec = task.spec
    if spec.command:
        yield "command", one_line(shlex.join(spec.command))
    if spec.prompt:
        yield "prompt", one_line(spec.prompt)
    yield "provider", one_line(spec.provider)
    yield from _agent(task)
    if task.used != UNUSED:
        yield "used", _used(task.used)
    yield "role", one_line(f"{spec.role}, priority {spec.priority}" if spec.priority else spec.role)
    if task.planned:
        yield "plan", f"version {task.planned}"
    if spec.after:
        yield "after", ", ".join(short(item) for item in spec.after)
    yield from set_up(task)
    for check in spec.checks:
        done = [item for item in task.checks if item.command == check]
        verdict = "not run yet" if not done else "passed" if done[-1].exit.ok else "failed"
        yield "check", f"{one_line(check)}: {verdict}"
    if spec.labels:
        yield "labels", one_line(", ".join(f"{key}={value}" for key, value in spec.labels.items()))
    if spec.secrets:
        names = (f"{name} ({ref.partition(':')[0]})" for name, ref in spec.secrets.items())
        yield "secrets", one_line(", ".join(names))


def withheld(task: Task) -> Pairs:
    """Which variables it was not given, of those there were."""
    if task.spec.withheld:
        yield "withheld", one_line(", ".join(task.spec.withheld))


def _agent(task: Task) -> Pairs:
    if task.handed is not None:
        size = show_size(len(task.handed.report.encode()))
        words = f"by {task.handed.earlier[-1].provider}, from attempt {task.handed.since} on"
        yield "handed over", one_line(f"{words}, with a report of {size}")
    if task.agent is not None:
        told = (task.agent.model, task.agent.version and f"version {task.agent.version}")
        yield "agent", one_line(", ".join(filter(None, (*told, f"its session {task.agent.id}"))))


def _used(used: Usage) -> str:
    cost = "" if used.cost is None else f", ${used.cost:.4f}"
    cached = f" ({used.cached} from a cache)" if used.cached else ""
    return f"{used.read} tokens read{cached}, {used.written} written, {used.turns} turns{cost}"


def where(task: Task) -> Pairs:
    """Where it works, and what of that is its own."""
    yield "folder", one_line(task.spec.cwd)
    place = task.workspace
    if place is None:
        return
    if place.path != task.spec.cwd:
        yield place.kind.value, one_line(place.path)
    if place.branch:
        base = f", from {place.base[:12]} on" if place.base else ""
        yield "branch", one_line(place.branch + base)
    if place.repository and place.repository != task.spec.cwd:
        yield "repository", one_line(place.repository)


def set_up(task: Task) -> Pairs:
    """What its workspace is set up with, and how far that is."""
    begun = {step.command: step for step in task.setup}
    named = task.spec.setup if task.workspace is None else task.workspace.setup
    for command in dict.fromkeys((*begun, *named)):
        yield "set-up", f"{one_line(command)}: {_step(begun.get(command))}"


def _step(step: SetupStep | None) -> str:
    if step is None:
        return "not run yet"
    how = f", {_how(step.exit)}" if step.exit is not None and not step.exit.ok else ""
    took = "" if step.ended_at is None else f", {show_duration(step.ended_at - step.began_at)}"
    return step.state.value.replace("-", " ") + how + took


def checks(task: Task) -> Pairs:
    """What its checks said; of one that ran more often, the last time."""
    for check in task.spec.checks:
        said = next((item.exit for item in reversed(task.checks) if item.command == check), None)
        if said is None:
            yield "not yet", one_line(check)
        else:
            how = "" if said.ok else f", {_how(said)}"
            yield "passed" if said.ok else "failed", one_line(check) + how


def cost(task: Task) -> Pairs:
    """What it has used, and what it may."""
    if task.used != UNUSED:
        yield "used", _used(task.used)
    if task.usage not in (UNUSED, task.used):
        yield "at last", _used(task.usage)
    if task.allowance is not None:
        yield "budget", one_line(f"{task.allowance}, and then: {task.allowance.over.value}")


def _how(ended: Exit) -> str:
    return f"signal {ended.signal}" if ended.signal else f"exit {ended.code}"


def when(task: Task, now: float | None = None) -> Pairs:
    """Since when, and for how long."""
    yield "created", clock(task.created_at)
    if task.wake_at is not None and not task.done:
        yield "wakes", clock(task.wake_at)
    if task.started_at is not None:
        yield "started", clock(task.started_at)
        yield "took", phrases.took(task, now)
    if task.ended_at is not None:
        yield "ended", clock(task.ended_at)


def attempts(events: Iterable[Event]) -> Pairs:
    """How each attempt ended."""
    begun: dict[int, float] = {}
    for event in events:
        fact = event.fact
        if isinstance(fact, e.AttemptStarted):
            begun[fact.attempt] = event.at
        elif isinstance(fact, e.Exited):
            took = show_duration(event.at - begun.get(fact.attempt, event.at))
            size = show_size(fact.output_bytes)
            yield f"attempt {fact.attempt}", f"{_how(fact.exit)} after {took}, {size}"


def detail(fact: e.Fact) -> str:
    """What was decided without a person, and who goes on."""
    if isinstance(fact, e.HandedOver):
        return "  " + one_line(
            f"by {fact.by}: from {fact.to.earlier[-1].provider} to {fact.to.provider}"
        )
    if isinstance(fact, e.SetupStarted | e.SetupDone | e.SetupFailed):
        how = "" if not isinstance(fact, e.SetupFailed) else f" ({_how(fact.exit)})"
        return "  " + one_line(fact.command + how)
    if isinstance(fact, e.Planned):
        steps = len(fact.plan.steps)
        what = f"version {fact.version}, {steps} step{'s' * (steps != 1)}"
        return "  " + one_line(f"by {fact.by}: {what}")
    if not isinstance(fact, e.PermissionDecided):
        return ""
    return "  " + one_line(f"{fact.decision}: {fact.question} ({fact.by})")


def clock(at: float) -> str:
    """A moment, by the clock on the wall."""
    return datetime.fromtimestamp(at, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
