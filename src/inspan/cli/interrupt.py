"""``inspan interrupt``: stop tasks so that they can be resumed."""

from __future__ import annotations

import argparse

from inspan.cli import reach
from inspan.cli.parsing import add_task
from inspan.cli.steer import add_stop, each
from inspan.model.ids import short
from inspan.model.task import Task, TaskState

HELP = "Stop tasks; returns when nothing of them is left. `inspan resume` lets them go on."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_task(parser, many=True)
    add_stop(parser)


def run(args: argparse.Namespace) -> int:
    with reach.control() as control:
        return each(
            args,
            lambda ref: control.interrupt(ref, reason=args.reason, force=args.force),
            _next,
        )


def _next(task: Task) -> str:
    return f"inspan resume {short(task.id)}" if task.state is TaskState.INTERRUPTED else ""
