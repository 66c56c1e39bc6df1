"""``inspan ls``: what has not ended, and the newest of what has."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from inspan.cli import exits, reach, rows
from inspan.cli.parsing import add_json
from inspan.cli.say import json, out, styled, table, terminal_width
from inspan.control import TaskPage, TaskQuery
from inspan.errors import BadInput
from inspan.model.task import TERMINAL, Task, TaskState
from inspan.model.value import replaced
from inspan.telling import phrases
from inspan.terminal.sanitize import one_line

if TYPE_CHECKING:
    from inspan.cli.reach import Reached
    from inspan.model.activity import Activity

HELP = "List tasks, newest first: those that have not ended, and the newest 20 of the others."
_RECENT = 20
_MOST = 1000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--all", "-a", action="store_true", help="every task")
    parser.add_argument(
        "--state", action="append", default=[], metavar="STATE", help="only these states"
    )
    parser.add_argument("--role", help="only this role")
    parser.add_argument("--name", help="only this name")
    parser.add_argument("--limit", "-n", type=int, metavar="N", help="at most so many")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    if args.limit is not None and args.limit < 1:
        raise BadInput("--limit is at least 1")
    states = tuple(_state(word) for item in args.state for word in item.split(","))
    with reach.control() as control:
        page = _listed(control, args, states)
    if args.json:
        json({"tasks": page.tasks, "counts": page.counts, "activities": page.activities})
        return exits.DONE
    if page.tasks:
        head, *cells = rows.fitted(page.tasks, terminal_width(), time.time(), page.activities)
        table(head, cells, [_style(task) for task in page.tasks])
    summary = ", ".join(f"{number} {state}" for state, number in page.counts.items() if number)
    _say(summary or "there are no tasks")
    if page.next is not None:
        _say("There are more: --all, or --limit N.")
    return exits.DONE


def _say(text: str) -> None:
    width = terminal_width()
    out(styled(text if width is None else one_line(text, width), "dim"))


def _listed(control: Reached, args: argparse.Namespace, states: tuple[TaskState, ...]) -> TaskPage:
    limit = args.limit or (_RECENT if not args.all else None)
    if args.all or states or args.role or args.name or args.limit:
        return _pages(control, TaskQuery(states=states, role=args.role, name=args.name), limit)
    still = tuple(state for state in TaskState if state not in TERMINAL)
    alive = _pages(control, TaskQuery(states=still), 10 * _RECENT)
    recent = control.list(TaskQuery(limit=_RECENT))
    found = {task.id: task for task in [*alive.tasks, *recent.tasks]}
    ordered = tuple(found[key] for key in sorted(found, reverse=True))
    return TaskPage(ordered, alive.next or recent.next, alive.counts, alive.activities)


def _pages(control: Reached, query: TaskQuery, limit: int | None) -> TaskPage:
    """Page by page, up to ``limit``, as one."""
    tasks: list[Task] = []
    activities: dict[str, Activity] = {}
    while True:
        room = _MOST if limit is None else min(_MOST, limit - len(tasks))
        page = control.list(replaced(query, limit=room))
        tasks += page.tasks
        activities |= page.activities
        if page.next is None or (limit is not None and len(tasks) >= limit):
            return TaskPage(tuple(tasks), page.next, page.counts, activities)
        query = replaced(query, before=page.next)


def _state(word: str) -> TaskState:
    try:
        return TaskState(word)
    except ValueError:
        words = ", ".join(state.value for state in TaskState)
        raise BadInput(f"{word!r} is no state", hint=f"States: {words}.") from None


def _style(task: Task) -> str:
    return phrases.STYLES[task.state]
