"""``inspan why``: what a task is doing and how that is known, or why it is where it is.

What it does is asked of the daemon, which knows it by the strongest source that says so. Nothing is
guessed: `unknown` is an answer.
"""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from inspan.cli import exits, reach
from inspan.cli.parsing import add_json, add_task
from inspan.cli.say import json, out, styled
from inspan.errors import IllegalTransition
from inspan.model.ids import short
from inspan.telling.why import why

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
    for name, value in why(task, activity, now):
        out(f"  {styled(name.ljust(9), 'dim')} {value}")
    return exits.DONE


def activity_of(control: Reached, task: Task) -> Activity | None:
    """What it does; nothing where it has just ended."""
    try:
        return control.activity(task.id)
    except IllegalTransition:
        return None
