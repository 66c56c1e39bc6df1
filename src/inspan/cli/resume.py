"""``inspan resume``: let interrupted and parked tasks go on with a new attempt."""

from __future__ import annotations

import argparse

from inspan.cli import reach
from inspan.cli.parsing import add_json, add_task
from inspan.cli.steer import each
from inspan.errors import BadInput
from inspan.model.budget import Budget, OverBudget

HELP = "Let interrupted tasks go on, and parked ones at once, each with a new attempt."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_task(parser, many=True)
    parser.add_argument(
        "--budget",
        action="append",
        default=[],
        metavar="AMOUNT",
        help="what it may use from now on, with what it has used: '$4', or 400k tokens",
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    budget = _budget(args.budget)
    with reach.control() as control:
        return each(args, lambda task: control.resume(task, budget=budget))


def _budget(given: list[str]) -> Budget | None:
    if not given:
        return None
    from inspan.settings.budgeting import budget

    found = budget(given, OverBudget.ASK)
    if found is None:
        raise BadInput("a budget can be raised, and not taken away", hint="Name a large one.")
    return found
