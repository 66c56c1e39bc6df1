"""``--continue ID``: a new task takes its agent, its mode and its folder from one that is over.

What else is wanted of it is said anew. It decides nothing that the engine decides.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from inspan.errors import BadInput
from inspan.model.agent import is_agent
from inspan.model.ids import short

if TYPE_CHECKING:
    from inspan.model.task import Task


def add_arguments(what: argparse._ArgumentGroup) -> None:
    what.add_argument(
        "--continue",
        dest="continues",
        metavar="ID",
        help="with the agent of that task, in its conversation and its folder",
    )


def take(args: argparse.Namespace) -> None:
    """Fill in what was not said from the task that is continued. Raises BadInput, TaskNotFound."""
    if args.continues is None:
        return
    if args.cwd is not None or args.worktree or args.folder:
        raise BadInput(
            "--continue goes on in the folder of the task before",
            hint="Leave out --cwd, --worktree and --folder.",
        )
    from inspan.cli import reach

    with reach.control(here=getattr(args, "here", False)) as control:
        before: Task = control.get(args.continues)
    spec = before.spec
    if not is_agent(spec.provider):
        raise BadInput(
            f"{short(before.id)} was no agent's: nothing of it can be continued",
            hint='`inspan run --agent NAME "TEXT"` begins a conversation.',
        )
    args.continues = before.id
    if args.provider is None:
        args.provider = spec.provider
    if args.mode is None and args.provider == spec.provider and spec.mode is not None:
        args.mode = spec.mode.value
    args.cwd = before.folder
