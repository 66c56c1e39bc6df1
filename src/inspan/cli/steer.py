"""What the verbs that take a hand in tasks have alike: several ids, and what became of each."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

from inspan.cli import exits
from inspan.cli.parsing import add_json
from inspan.cli.say import failure, json, out, styled
from inspan.errors import InspanError
from inspan.telling import phrases

if TYPE_CHECKING:
    from inspan.model.task import Task


def add_stop(parser: argparse.ArgumentParser) -> None:
    """The flags of the verbs that stop something."""
    parser.add_argument("--reason", default="", help="why; it is remembered")
    parser.add_argument("--force", action="store_true", help="kill at once, without asking first")
    add_json(parser)


def each(
    args: argparse.Namespace, do: Callable[[str], Task], then: Callable[[Task], str] | None = None
) -> int:
    """Do it to every task, also where one of them refuses; the highest status.

    ``then`` gives what a person can do next.
    """
    status = exits.DONE
    done: list[Task] = []
    for ref in args.task:
        try:
            task = do(ref)
        except InspanError as error:
            if len(args.task) == 1:
                raise
            status = max(status, failure(error))
            continue
        done.append(task)
        if not args.json:
            out(phrases.brief(task))
            if then is not None and (words := then(task)):
                out(styled(f"  {words}", "dim"))
    if args.json:
        json(done[0] if len(args.task) == 1 else done)
    return status
