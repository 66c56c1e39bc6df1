"""``inspan add``: hand in a command and return at once with its id."""

from __future__ import annotations

import argparse
import os

from inspan.cli import asking, reach
from inspan.cli.parsing import add_json
from inspan.cli.run import tell_submitted, terminal_of

TAKES_COMMAND = True
HELP = "Hand in a command and return at once with its id: `inspan add -- make test`."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    asking.add_arguments(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    settings = reach.settings()
    terminal = terminal_of(args.pty, attended=False)
    spec = asking.spec_of(args, settings, os.environ, terminal, foreground=False)
    with reach.control() as control:
        return tell_submitted(control.submit(spec, key=args.key), settings, as_json=args.json)
