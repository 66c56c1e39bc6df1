"""``inspan resume``: let interrupted and parked tasks go on with a new attempt."""

from __future__ import annotations

import argparse

from inspan.cli import reach
from inspan.cli.parsing import add_json, add_task
from inspan.cli.steer import each

HELP = "Let interrupted tasks go on, and parked ones at once, each with a new attempt."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_task(parser, many=True)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    with reach.control() as control:
        return each(args, control.resume)
