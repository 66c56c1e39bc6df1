"""``inspan show``: all that is known of a task, and what can be done about it."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING, Final

from inspan.cli import afar, exits, reach
from inspan.cli.parsing import add_json, add_task
from inspan.cli.plainly import full
from inspan.cli.say import clean, json, out, styled
from inspan.cli.why import activity_of
from inspan.control import EventQuery
from inspan.model.agent import is_agent
from inspan.model.agentlife import session_state
from inspan.model.ids import short
from inspan.model.task import Task, TaskState, WorkspaceKind
from inspan.settings.figures import show_duration, show_size
from inspan.telling import facts, phrases
from inspan.telling.facts import Pairs

if TYPE_CHECKING:
    from inspan.model.activity import Activity

HELP = "All that is known of a task: attempts, checks, limits, files, and why it is where it is."
_NEXT: Final = {
    TaskState.RUNNING: ("logs -f", "attach", "send", "interrupt"),
    TaskState.WAITING: ("answer", "attach", "interrupt"),
    TaskState.INTERRUPTED: ("resume", "cancel", "logs"),
    TaskState.PENDING: ("cancel",),
    TaskState.QUEUED: ("cancel",),
    TaskState.PROCESSING: ("logs", "interrupt"),
    TaskState.FAILED: ("logs", "again"),
    TaskState.ERROR: ("logs", "again"),
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
    out(f"{styled(phrases.title(task.spec), 'bold')}  {task.id}")
    for name, value in _facts(task, activity):
        out(f"  {styled(name.ljust(11), 'dim')} {value}")
    for name, value in facts.attempts(events):
        out(f"  {styled(name.ljust(11), 'dim')} {value}")
    if args.events:
        for event in events:
            what = f"{event.seq:>6} {event.kind}{facts.detail(event.fact)}"
            out(f"  {styled(facts.clock(event.at), 'dim')} {what}")
    _say_next(task)
    return exits.DONE


def _facts(task: Task, activity: Activity | None) -> Pairs:
    yield "state", styled(task.state.value, phrases.STYLES[task.state])
    if activity is not None and activity.doing.value != "unknown":
        yield "doing", clean(phrases.doing(activity, time.time()))
    yield from facts.why(task)
    yield from facts.what(task)
    yield from facts.withheld(task)
    yield from facts.when(task)
    yield from _limits(task)
    yield from _where(task, activity)


def _limits(task: Task) -> Pairs:
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


def _where(task: Task, activity: Activity | None) -> Pairs:
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
