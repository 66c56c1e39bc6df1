"""``inspan resume``: let interrupted and parked tasks go on, with their agent or another one."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from inspan.cli import afar, reach
from inspan.cli.parsing import add_json, add_task
from inspan.cli.steer import each
from inspan.errors import BadInput
from inspan.model.agent import Mode
from inspan.model.budget import Budget, OverBudget
from inspan.model.ids import short

if TYPE_CHECKING:
    from inspan.model.task import Handover, Task

HELP = """\
Let interrupted tasks go on, and parked ones at once, each with a new attempt. With --agent another
agent goes on with them: in the same folder, and told what the one before it did. What has failed
is taken up by a new task."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_task(parser, many=True)
    parser.add_argument(
        "--budget",
        action="append",
        default=[],
        metavar="AMOUNT",
        help="what it may use from now on, with what it has used: '$4', or 400k tokens",
    )
    parser.add_argument("--agent", metavar="NAME", help="hand it over to this agent")
    parser.add_argument(
        "--mode", choices=[mode.value for mode in Mode], help="how to speak to that one"
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    budget, to = _budget(args.budget), _handover(args.agent, args.mode)
    with reach.control() as control:
        return each(args, lambda task: control.resume(task, budget=budget, to=to), _is_new)


def _is_new(task: Task) -> str:
    """That it is another task, where it is: the first one was over."""
    before = task.spec.labels.get("takes_up")
    begins = task.handed is not None and task.handed.since == task.attempt == 1
    return f"a new task, which takes up {short(before)}" if before and begins else ""


def _handover(agent: str | None, mode: str | None) -> Handover | None:
    if agent is None:
        if mode is not None:
            raise BadInput("--mode is about another agent", hint="Name it: `--agent codex`.")
        return None
    how = None if mode is None else Mode(mode)
    if afar.address() is not None:
        from inspan.model.task import Handover

        return Handover(provider=agent, mode=how)
    from inspan.settings import passing

    return passing.handover(
        agent,
        how,
        settings=reach.settings(),
        places=reach.places(),
        env=os.environ,
    )


def _budget(given: list[str]) -> Budget | None:
    if not given:
        return None
    from inspan.settings.budgeting import budget

    found = budget(given, OverBudget.ASK)
    if found is None:
        raise BadInput("a budget can be raised, and not taken away", hint="Name a large one.")
    return found
