"""``inspan why``: what a task is doing and how that is known, or why it is where it is.

What it does is asked of the daemon, which knows it by the strongest source that says so. Nothing is
guessed: `unknown` is an answer.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from inspan.cli import exits, reach
from inspan.cli.outcome import ended, hint_of, left_to_do
from inspan.cli.parsing import add_json, add_task
from inspan.cli.say import clean, json, out, styled
from inspan.errors import IllegalTransition
from inspan.model.ids import short
from inspan.settings.figures import show_duration

if TYPE_CHECKING:
    from inspan.cli.reach import Reached
    from inspan.model.activity import Activity
    from inspan.model.task import Task

HELP = """\
What a task is doing right now, and how that is known: which source says so (its protocol, its
window title, a rule about its screen), by which rule, and on what evidence. Of one that is not
running: why it is where it is."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_task(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    with reach.control() as control:
        task = control.get(args.task)
        activity = None if task.pid is None else activity_of(control, task)
    now = time.time()
    if args.json:
        facts = {"state": task.state, "needs": task.needs, "reason": task.reason}
        json({"task": task.id, **facts, "outcome": task.outcome, "activity": activity})
        return exits.DONE
    out(f"{styled(short(task.id), 'bold')} is {task.state.value}")
    for name, value in _lines(task, activity, now):
        out(f"  {styled(name.ljust(9), 'dim')} {value}")
    return exits.DONE


def _lines(task: Task, activity: Activity | None, now: float) -> Iterator[tuple[str, str]]:
    if activity is not None:
        yield from _doing(activity, now)
    if task.needs is not None:
        yield "asks", clean(task.needs.question)
    if task.reason is not None:
        yield "why", clean(f"{task.reason.message} ({task.reason.code})")
        if hint := hint_of(task):
            yield "hint", clean(hint)
    if task.outcome is not None:
        known = task.reason is not None and task.outcome.message in task.reason.message
        words = "" if known else task.outcome.message
        how = task.outcome.ending.value
        yield "it ended", clean(f"{how}: {words}" if words else how)
    if how := ended(task):
        yield "process", how
    if task.wake_at is not None and not task.done:
        yield "wakes", f"in {show_duration(max(0.0, task.wake_at - now))}"
    if words := left_to_do(task):
        yield "next", words


def _doing(activity: Activity, now: float) -> Iterator[tuple[str, str]]:
    yield "doing", doing(activity, now)
    if activity.source is not None:
        rule = f", rule {activity.rule}" if activity.rule else ""
        yield "known by", clean(f"{activity.source.value}{rule} ({activity.confidence.value})")
    if activity.evidence:
        yield "evidence", clean(activity.evidence)


def doing(activity: Activity, now: float) -> str:
    """What it does, in a line."""
    how = f"{activity.doing.value}, for {show_duration(max(0.0, now - activity.since))}"
    return f"{how}, though it changes to and fro" if activity.flapping else how


def activity_of(control: Reached, task: Task) -> Activity | None:
    """What it does; nothing where it has just ended."""
    try:
        return control.activity(task.id)
    except IllegalTransition:
        return None
