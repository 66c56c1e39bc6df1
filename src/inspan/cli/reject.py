"""``inspan reject``: refuse a result."""

from __future__ import annotations

import argparse

from inspan.cli import verdicts
from inspan.model.task import Verdict

HELP = "Refuse a result; say why with --finding."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    verdicts.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    return verdicts.decide(args, Verdict.REJECT)
