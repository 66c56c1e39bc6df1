"""``inspan events``: what happened, oldest first, and with ``-f`` what happens."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from inspan.cli import exits, reach
from inspan.cli.following import Follower
from inspan.cli.parsing import add_json
from inspan.cli.plainly import full
from inspan.cli.say import clean, json, out, styled
from inspan.control import EventQuery
from inspan.model.event import Event, HandedOver, Planned
from inspan.model.ids import short

if TYPE_CHECKING:
    from inspan.cli.reach import Reached

HELP = "What happened, oldest first; with --follow also what happens from now on. JSON: one a line."
_PAGE: Final = 500
_LOOK: Final = 10.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("task", nargs="?", metavar="ID", help="only of this task")
    parser.add_argument("--since", type=int, default=0, metavar="SEQ", help="after this number")
    parser.add_argument("--follow", "-f", action="store_true", help="and what happens from now on")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    with reach.control() as control:
        task = control.get(args.task).id if args.task else None
        since = _past(control, task, args)
        if args.follow:
            _follow(control, task, since, args)
    return exits.DONE


def _past(control: Reached, task: str | None, args: argparse.Namespace) -> int:
    since: int = args.since
    while True:
        events = control.history(EventQuery(task=task, since=since, limit=_PAGE))
        for event in events:
            _tell(event, args)
        if not events:
            return since
        since = events[-1].seq


def _follow(control: Reached, task: str | None, since: int, args: argparse.Namespace) -> None:
    with Follower(reach.lasting(control), since, task) as follower:
        while True:
            event = follower.next(_LOOK)
            if event is not None:
                _tell(event, args)


def _tell(event: Event, args: argparse.Namespace) -> None:
    if args.json:
        json(event)
        return
    at = datetime.fromtimestamp(event.at, UTC).astimezone().strftime("%H:%M:%S")
    told = full(event.fact)
    told.pop("spec", None)
    if isinstance(event.fact, HandedOver):
        told["to"] = event.fact.to.provider
    if isinstance(event.fact, Planned):
        told["plan"] = f"{len(event.fact.plan.steps)} steps"
    words = clean(" ".join(f"{key}={_word(value)}" for key, value in told.items() if value))
    # A reader in a pipe wants it now, not when a buffer is full.
    out(f"{styled(at, 'dim')} {event.seq:>6} {short(event.task)} {event.kind:<20} {words}".rstrip())
    sys.stdout.flush()


def _word(value: object) -> str:
    if isinstance(value, dict):
        inner = " ".join(f"{key}={item}" for key, item in value.items() if item not in (None, ""))
        return f"({inner})"
    return str(value)
