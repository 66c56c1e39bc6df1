"""``inspan goal show``: a goal as it is, and with ``--watch`` as it goes on."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from contextlib import ExitStack
from typing import Any

from inspan.cli import exits, rawtty, reach
from inspan.cli.goalread import Watched, add_goal, goal_of
from inspan.cli.parsing import add_json
from inspan.cli.plainly import full
from inspan.cli.say import json, out, styled, terminal_width
from inspan.model.pursuit import StepTold
from inspan.telling import goals
from inspan.telling.story import Story

HELP = """\
A goal as it is: each step, who has it, how often it was reviewed, how far it is, what it took and
cost, and what needs you. With --watch as it goes on, until it is over; Ctrl-C leaves it at work.
JSON: one document; with --watch one for each step that stands otherwise."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_goal(parser)
    parser.add_argument("--watch", "-w", action="store_true", help="as it goes on")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    with reach.control() as control:
        watched = Watched(control, goal_of(control, args.task))
        if args.watch:
            return _watch(watched, as_json=args.json)
        watched.read()
        if args.json:
            json(told(watched.story))
        else:
            _show(watched.story)
    return exits.DONE


def _show(story: Story) -> None:
    for text, style in goals.picture(story, time.time(), width=terminal_width()):
        out(styled(text, style))


def _watch(watched: Watched, *, as_json: bool) -> int:
    """Until it is over: moving on a terminal, else a line for each step that stands otherwise."""
    moves = not as_json and sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    with ExitStack() as held:
        # As an exception a Ctrl-C would be lost that comes while a module is being imported.
        _, came = held.enter_context(rawtty.wakes(signal.SIGINT))
        if moves:
            from inspan.cli.goalmoving import Drawn

            drawn = held.enter_context(Drawn())
            for _ in watched.follow(came):
                drawn.show(watched.story)
        else:
            seen: dict[str, StepTold] = {}
            for news in watched.follow(came):
                if news:
                    _changes(watched.story, seen, as_json=as_json)
    if not as_json:
        _show(watched.story)
    return exits.DONE if came else exits.of_task(watched.story.goal)


def _changes(story: Story, seen: dict[str, StepTold], *, as_json: bool) -> None:
    for one in story.pursuit.steps:
        before = seen.get(one.name)
        seen[one.name] = one
        if before is not None and (before.state, before.rounds) == (one.state, one.rounds):
            continue
        if as_json:
            json(_step(story, one))
        else:
            out(styled(goals.line(story, one, time.time()), goals.STYLES[one.state]))
    sys.stdout.flush()


def told(story: Story) -> dict[str, Any]:
    """A goal as it is, for programs."""
    found = story.pursuit
    return {
        "goal": found.goal,
        "version": found.version,
        "by": found.by,
        "steps": [_step(story, one) for one in found.steps],
        "used": goals.used(story),
        "needs": [
            {"task": task.id, "state": task.state, "asks": task.needs}
            for task in goals.needing(story)
        ],
    }


def _step(story: Story, one: StepTold) -> dict[str, Any]:
    return {**full(one), "commit": story.commit(one.name) or None}
