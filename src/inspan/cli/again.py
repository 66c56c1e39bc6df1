"""``inspan again``: do tasks once more, each as a new task."""

from __future__ import annotations

import argparse

from inspan.cli import reach
from inspan.cli.parsing import add_json, add_task
from inspan.cli.steer import each
from inspan.model.ids import short
from inspan.model.repeating import repeated

HELP = """\
Do tasks once more from the beginning, each as a new task: the same command or prompt, the same
folder, environment, limits and checks. It starts at once, also where the first one had to wait.
To go on where one stopped, there is `inspan resume`; to change a result, `inspan send-back`."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_task(parser, many=True)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    with reach.control() as control:
        return each(
            args,
            lambda ref: control.submit(repeated(control.get(ref))),
            lambda task: f"inspan logs -f {short(task.id)}",
        )
