"""``inspan answer``: answer what a waiting task asked."""

from __future__ import annotations

import argparse

from inspan.cli import exits, reach, rows
from inspan.cli.parsing import add_json, add_task
from inspan.cli.say import json, out

HELP = "Answer a task that waits for a person; `inspan show ID` tells what it asks."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_task(parser)
    parser.add_argument("text", nargs="+", metavar="TEXT", help="the answer")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    with reach.control() as control:
        task = control.answer(args.task, " ".join(args.text))
    json(task) if args.json else out(rows.brief(task))
    return exits.DONE
