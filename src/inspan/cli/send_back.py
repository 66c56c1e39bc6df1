"""``inspan send-back``: have a result done again."""

from __future__ import annotations

import argparse

from inspan.cli import verdicts
from inspan.model.task import Verdict

HELP = "Have a result done again, with what you found wrong."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    verdicts.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    return verdicts.decide(args, Verdict.SEND_BACK)
