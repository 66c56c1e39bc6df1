"""What the three verdicts have alike: a task, findings, and who says so."""

from __future__ import annotations

import argparse
import getpass

from inspan.cli import exits, reach, rows
from inspan.cli.parsing import add_json, add_task
from inspan.cli.say import json, out
from inspan.errors import BadInput
from inspan.model.task import Verdict


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of a verdict."""
    add_task(parser)
    parser.add_argument(
        "--finding", "-m", action="append", default=[], metavar="TEXT", help="what was found"
    )
    parser.add_argument("--by", help="who decides (default: you)")
    add_json(parser)


def decide(args: argparse.Namespace, verdict: Verdict) -> int:
    """Tell the verdict."""
    if verdict is Verdict.SEND_BACK and not args.finding:
        raise BadInput(
            "nobody can mend what is not named", hint="Say what is wrong with --finding TEXT."
        )
    with reach.control() as control:
        task = control.decide(args.task, verdict, args.finding, by=args.by or _me())
    json(task) if args.json else out(rows.brief(task))
    return exits.DONE


def _me() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "person"
