"""``inspan wait``: until tasks have ended, or need somebody; the exit status says which."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING, Final

from inspan.cli import exits, reach
from inspan.cli.following import Follower
from inspan.cli.parsing import add_json, add_task
from inspan.cli.say import advise, json, out
from inspan.errors import DaemonUnreachable
from inspan.model.task import Task
from inspan.settings.figures import duration
from inspan.telling import phrases
from inspan.telling.outcome import hint_of

if TYPE_CHECKING:
    from inspan.cli.reach import Reached

HELP = """\
Wait until tasks have ended, are interrupted, or need somebody.
Exit status: 0 done, 1 failed, 2 usage, 3 still pending (with --timeout 0), 4 timed out,
5 needs input, 130 interrupted."""
#: How long one look at the stream of events lasts at most, in seconds.
_LOOK: Final = 10.0
_TRIES: Final = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_task(parser, many=True)
    parser.add_argument("--timeout", metavar="TIME", help="no longer than this; 0 only looks")
    parser.add_argument("--any", action="store_true", help="until the first of them")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    limit = None if args.timeout is None else duration(args.timeout)
    with reach.control() as control:
        tasks = [control.get(ref) for ref in dict.fromkeys(args.task)]
        if limit != 0:
            end = None if limit is None else time.monotonic() + limit
            tasks = _waited(control, tasks, end, any_of_them=args.any)
    resting = [task for task in tasks if task.settled]
    if args.json:
        json(tasks[0] if len(tasks) == 1 else tasks)
    else:
        for task in tasks:
            out(phrases.brief(task))
            advise(hint_of(task))
    if len(resting) == len(tasks) or (args.any and resting):
        return exits.worst(exits.of_task(task) for task in resting)
    late = exits.PENDING if limit == 0 else exits.TIMED_OUT
    return exits.worst([late, *(exits.of_task(task) for task in resting)])


def _waited(
    control: Reached, tasks: list[Task], end: float | None, *, any_of_them: bool
) -> list[Task]:
    """The tasks as they are when enough of them rest, or at ``end``."""
    tries = 0
    while True:
        try:
            with Follower(control, min(task.seq for task in tasks), _only(tasks)) as follower:
                return _until(control, follower, tasks, end, any_of_them=any_of_them)
        except DaemonUnreachable:
            tries += 1
            if tries > _TRIES:
                raise
            control = reach.again(control)
            tasks = [control.get(task.id) for task in tasks]


def _until(
    control: Reached,
    follower: Follower,
    tasks: list[Task],
    end: float | None,
    *,
    any_of_them: bool,
) -> list[Task]:
    found = {task.id: task for task in tasks}
    while True:
        resting = [task for task in found.values() if task.settled]
        if len(resting) == len(found) or (any_of_them and resting):
            break
        left = _LOOK if end is None else min(_LOOK, end - time.monotonic())
        if left <= 0:
            break
        event = follower.next(left)
        if event is not None and event.task in found and event.seq > found[event.task].seq:
            found[event.task] = control.get(event.task)
    return list(found.values())


def _only(tasks: list[Task]) -> str | None:
    return tasks[0].id if len(tasks) == 1 else None
