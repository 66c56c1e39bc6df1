"""``inspan goal graph``: the steps of a goal and what each waits for, as a drawing."""

from __future__ import annotations

import argparse

from inspan.cli import exits, reach
from inspan.cli.goalread import Watched, add_goal, goal_of
from inspan.cli.say import out
from inspan.errors import NotFound
from inspan.model.ids import short
from inspan.telling import goalgraph

HELP = """\
The steps of a goal, how each is, and what it waits for, to standard output: text for Mermaid, which
many sites draw, or with --svg a picture.
  inspan goal graph last --svg > goal.svg"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_goal(parser)
    parser.add_argument("--svg", action="store_true", help="a picture")


def run(args: argparse.Namespace) -> int:
    with reach.control() as control:
        watched = Watched(control, goal_of(control, args.task))
        watched.read()
    story = watched.story
    if story.planned is None:
        name = short(story.goal.id)
        raise NotFound(
            f"{name} has no plan yet",
            hint=f"Its planner makes one, or you: `inspan plan edit {name}`.",
        )
    out(goalgraph.svg(story) if args.svg else goalgraph.mermaid(story))
    return exits.DONE
