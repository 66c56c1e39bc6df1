"""``inspan goal log``: what was decided for a goal, a sentence for each thing."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from inspan.cli import exits, reach
from inspan.cli.goalread import Watched, add_goal, goal_of
from inspan.cli.parsing import add_json
from inspan.cli.say import json, out, styled
from inspan.telling import goallog

HELP = """\
What was decided for a goal and by whom, a sentence for each thing, oldest first. All that happened
to its tasks is in `inspan events`. JSON: one a line."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_goal(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    said: list[tuple[float, str, str]] = []
    with reach.control() as control:
        watched = Watched(control, goal_of(control, args.task))
        for event in watched.events():
            told = goallog.sentences(watched.story, event)
            said += [(event.at, event.task, text) for text in told]
        watched.listen()
    story = watched.story
    said += [(end.at, story.goal.id, goallog.ending(end)) for end in story.ends.values()]
    for at, task, text in sorted(said, key=lambda one: one[0]):
        if args.json:
            json({"at": at, "task": task, "said": text})
            continue
        clock = datetime.fromtimestamp(at, UTC).astimezone().strftime("%H:%M:%S")
        out(f"{styled(clock, 'dim')}  {text}")
    return exits.DONE
