"""``inspan show``: all that is known of a task, and what can be done about it."""

from __future__ import annotations

import argparse
import shlex
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from inspan.cli import afar, exits, reach, rows
from inspan.cli.outcome import hint_of
from inspan.cli.parsing import add_json, add_task
from inspan.cli.plainly import full
from inspan.cli.say import clean, json, out, styled
from inspan.cli.why import activity_of, doing
from inspan.control import EventQuery
from inspan.model import event as e
from inspan.model.agent import UNUSED, Usage, is_agent
from inspan.model.agentlife import session_state
from inspan.model.event import Event
from inspan.model.ids import short
from inspan.model.task import Needs, Task, TaskState, WorkspaceKind
from inspan.settings.figures import show_duration, show_size

if TYPE_CHECKING:
    from inspan.model.activity import Activity

HELP = "All that is known of a task: attempts, checks, limits, files, and why it is where it is."
_Pairs = Iterator[tuple[str, str]]
_NEXT: Final = {
    TaskState.RUNNING: ("logs -f", "attach", "send", "interrupt"),
    TaskState.WAITING: ("answer", "attach", "interrupt"),
    TaskState.INTERRUPTED: ("resume", "cancel", "logs"),
    TaskState.PENDING: ("cancel",),
    TaskState.QUEUED: ("cancel",),
    TaskState.PROCESSING: ("logs", "interrupt"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_task(parser)
    parser.add_argument("--events", action="store_true", help="with everything that happened")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    with reach.control() as control:
        task = control.get(args.task)
        events = control.history(EventQuery(task=task.id, limit=1000))
        activity = None if task.pid is None else activity_of(control, task)
    if args.json:
        told = {**full(task), "session_state": session_state(task, activity), "activity": activity}
        json({"task": told, "events": events} if args.events else told)
        return exits.DONE
    out(f"{styled(rows.title(task.spec), 'bold')}  {task.id}")
    for name, value in _facts(task, activity):
        out(f"  {styled(name.ljust(11), 'dim')} {value}")
    for line in _attempts(events):
        out(f"  {line}")
    if args.events:
        for event in events:
            what = f"{event.seq:>6} {event.kind}{_detail(event.fact)}"
            out(f"  {styled(_clock(event.at), 'dim')} {what}")
    _say_next(task)
    return exits.DONE


def _detail(fact: e.Fact) -> str:
    """What was decided without a person, and who goes on."""
    if isinstance(fact, e.HandedOver):
        return "  " + clean(
            f"by {fact.by}: from {fact.to.earlier[-1].provider} to {fact.to.provider}"
        )
    if not isinstance(fact, e.PermissionDecided):
        return ""
    return "  " + clean(f"{fact.decision}: {fact.question} ({fact.by})")


def _facts(task: Task, activity: Activity | None) -> _Pairs:
    yield "state", styled(task.state.value, rows.STYLES[task.state])
    if activity is not None and activity.doing.value != "unknown":
        yield "doing", clean(doing(activity, time.time()))
    yield from _why(task)
    yield from _what(task)
    yield from _when(task)
    yield from _limits(task)
    yield from _where(task, activity)


def _why(task: Task) -> _Pairs:
    if task.needs is not None:
        yield from _asks(task.needs)
    if task.reason is not None:
        yield "why", clean(f"{task.reason.message} ({task.reason.code})")
        if hint := hint_of(task):
            yield "hint", clean(hint)
    if task.exit is not None:
        how = f"signal {task.exit.signal}" if task.exit.signal else str(task.exit.code)
        yield "exit", how
    if task.stop is not None:
        by = f" ({task.stop.reason})" if task.stop.reason else ""
        yield "stop asked", clean(f"{task.stop.kind.value} by {task.stop.by}{by}")
    if task.awaits_verdict:
        yield "why", "waits for a verdict"
    if task.verdict is not None:
        yield "verdict", task.verdict.value.replace("_", " ")
    for finding in task.findings:
        yield "finding", clean(finding)


def _asks(needs: Needs) -> _Pairs:
    yield "asks", clean(needs.question)
    if needs.options:
        yield "options", clean(" | ".join(needs.options))
    if needs.more:
        yield "behind it", f"{needs.more} more"


def _what(task: Task) -> _Pairs:
    spec = task.spec
    if spec.command:
        yield "command", clean(shlex.join(spec.command))
    if spec.prompt:
        yield "prompt", clean(spec.prompt)
    yield "provider", clean(spec.provider)
    yield from _agent(task)
    if task.used != UNUSED:
        yield "used", _used(task.used)
    yield "role", clean(f"{spec.role}, priority {spec.priority}" if spec.priority else spec.role)
    if spec.after:
        yield "after", ", ".join(short(item) for item in spec.after)
    for check in spec.checks:
        done = [item for item in task.checks if item.command == check]
        verdict = "not run yet" if not done else "passed" if done[-1].exit.ok else "failed"
        yield "check", f"{clean(check)}: {verdict}"
    if spec.labels:
        yield "labels", clean(", ".join(f"{key}={value}" for key, value in spec.labels.items()))
    if spec.secrets:
        names = (f"{name} ({ref.partition(':')[0]})" for name, ref in spec.secrets.items())
        yield "secrets", clean(", ".join(names))
    if spec.withheld:
        yield "withheld", clean(", ".join(spec.withheld))


def _agent(task: Task) -> _Pairs:
    if task.handed is not None:
        size = show_size(len(task.handed.report.encode()))
        words = f"by {task.handed.earlier[-1].provider}, from attempt {task.handed.since} on"
        yield "handed over", clean(f"{words}, with a report of {size}")
    if task.agent is not None:
        told = (task.agent.model, task.agent.version and f"version {task.agent.version}")
        yield "agent", clean(", ".join(filter(None, (*told, f"its session {task.agent.id}"))))


def _used(used: Usage) -> str:
    cost = "" if used.cost is None else f", ${used.cost:.4f}"
    cached = f" ({used.cached} from a cache)" if used.cached else ""
    return f"{used.read} tokens read{cached}, {used.written} written, {used.turns} turns{cost}"


def _when(task: Task) -> _Pairs:
    yield "created", _clock(task.created_at)
    if task.wake_at is not None and not task.done:
        yield "wakes", _clock(task.wake_at)
    if task.started_at is not None:
        yield "started", _clock(task.started_at)
        yield "took", rows.took(task, time.time())
    if task.ended_at is not None:
        yield "ended", _clock(task.ended_at)


def _limits(task: Task) -> _Pairs:
    limits = task.spec.patience
    told = limits or reach.settings().timeouts.patience(agent=is_agent(task.spec.provider))
    yield (
        "limits",
        (
            f"deadline {show_duration(told.deadline)}, idle {show_duration(told.idle)},"
            f" grace {show_duration(told.grace)}{'' if limits else ' (by timeouts.yaml)'}"
        ),
    )
    if task.allowance is not None:
        yield "budget", f"{task.allowance}, and then: {task.allowance.over.value}"
    if task.parked:
        yield "parked", f"{task.parked} of {reach.settings().agents.waits} times"
    if task.spec.permissions is not None:
        own = task.spec.permissions
        rules = "; ".join(map(str, own.rules)) or "no rules of its own"
        yield "permissions", clean(f"{rules}; a question waits {show_duration(own.expires)}")
    if task.spec.sandbox is not None:
        network = reach.settings().sandbox.reach(task.spec.sandbox)
        yield "sandbox", clean(f"bubblewrap; {task.spec.sandbox.told(network)}")
    if task.spec.retries:
        yield "retries", f"{task.retried} of {task.spec.retries}"


def _where(task: Task, activity: Activity | None) -> _Pairs:
    yield "folder", clean(task.spec.cwd)
    if task.workspace is not None and task.workspace.kind is not WorkspaceKind.HERE:
        branch = f" on {task.workspace.branch}" if task.workspace.branch else ""
        yield "workspace", clean(f"{task.workspace.path}{branch}")
    if task.session is not None:
        yield "session", f"{task.session}, {session_state(task, activity).value}"
        if afar.address() is None:
            yield "recording", clean(str(reach.places().recordings / task.session))
    if task.pid is not None:
        yield "pid", str(task.pid)
    if task.output_bytes:
        yield "output", show_size(task.output_bytes)


def _attempts(events: tuple[Event, ...]) -> Iterator[str]:
    """One line for each attempt."""
    begun: dict[int, float] = {}
    for event in events:
        fact = event.fact
        if isinstance(fact, e.AttemptStarted):
            begun[fact.attempt] = event.at
        elif isinstance(fact, e.Exited):
            how = f"signal {fact.exit.signal}" if fact.exit.signal else f"exit {fact.exit.code}"
            took = show_duration(event.at - begun.get(fact.attempt, event.at))
            size = show_size(fact.output_bytes)
            yield f"{styled(f'attempt {fact.attempt}'.ljust(11), 'dim')} {how} after {took}, {size}"


def _say_next(task: Task) -> None:
    verbs = _NEXT.get(task.state, ("logs",))
    if task.is_parked:
        verbs = ("resume", "logs", *verbs)
    if task.awaits_verdict or (task.done and _branch(task) and task.verdict is None):
        verbs = (*verbs, "diff", "accept", "reject", "send-back")
    for verb in verbs:
        name, _, flag = verb.partition(" ")
        out(styled(" ".join(filter(None, ["  inspan", name, flag, short(task.id)])), "dim"))


def _branch(task: Task) -> bool:
    return task.workspace is not None and task.workspace.branch is not None


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
