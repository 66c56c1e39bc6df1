"""``inspan version``."""

from __future__ import annotations

import argparse

from inspan.cli import exits
from inspan.cli.parsing import add_json
from inspan.cli.say import json, out

HELP = "The version of this command; `inspan status` tells those of the daemon and the keeper."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    from inspan import __version__

    json({"version": __version__}) if args.json else out(f"inspan {__version__}")
    return exits.DONE
