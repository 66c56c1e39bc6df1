"""``inspan diff``: what a task changed in its worktree, as a patch."""

from __future__ import annotations

import argparse
import sys

from inspan.cli import exits, reach
from inspan.cli.parsing import add_json, add_task
from inspan.cli.say import json

HELP = (
    "What a task changed in its worktree, as a patch. In a pipe it is exact; `git apply` eats it."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_task(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    with reach.control() as control:
        patch = control.diff(args.task)
    if args.json:
        json({"patch": patch})
    elif sys.stdout.isatty():
        from inspan.terminal.sanitize import clean

        sys.stdout.write(clean(patch))
    else:
        sys.stdout.buffer.write(patch.encode(errors="surrogateescape"))
    return exits.DONE
