"""``inspan accept``: take a result."""

from __future__ import annotations

import argparse

from inspan.cli import verdicts
from inspan.model.task import Verdict

HELP = "Take a result: what it changed is committed on its branch."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    verdicts.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    return verdicts.decide(args, Verdict.ACCEPT)
