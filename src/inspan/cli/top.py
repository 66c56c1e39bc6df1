"""``inspan top``: how much inspan does and what that takes, each second anew.

A view that moves on a terminal, a line for each second in a pipe, and JSON for programs.
"""

from __future__ import annotations

import argparse
import os
import select
import signal
import sys
import time
from collections import deque
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from inspan.cli import exits, rawtty, reach
from inspan.cli.parsing import add_json
from inspan.cli.say import json, out, styled
from inspan.control import TaskQuery
from inspan.errors import DaemonUnreachable
from inspan.model.metrics import Metrics, MetricsQuery, Sample
from inspan.model.task import TaskState
from inspan.telling import load, phrases

if TYPE_CHECKING:
    from inspan.cli.reach import Reached

HELP = (
    "How much inspan does and what that takes, each second anew; q or Ctrl-C leaves. In a pipe: a"
    " line for each second. JSON: one sample, with --follow one a line."
)
_EVERY: Final = 1.0
#: Seconds that the small charts show, and over which durations are told.
_SHOWN: Final = 180
_OVER: Final = 60.0
_TRIES: Final = 5
_NAMES_MOST: Final = 200
_ACTIVE: Final = (TaskState.RUNNING, TaskState.WAITING, TaskState.PROCESSING)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--sort", choices=["cpu", "memory"], default="cpu", help="the order of sessions"
    )
    parser.add_argument("--once", action="store_true", help="print all of it once")
    parser.add_argument(
        "--follow", "-f", action="store_true", help="with --json: a sample each second"
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    with reach.control() as control:
        watched = Watched(control)
        if args.json and not args.follow:
            json(watched.look().now)
        elif args.once:
            watched.look()
            for text, style in load.picture(watched, args.sort):
                out(styled(text.rstrip(), style))
        else:
            _until_left(watched, args)
    return exits.DONE


class Watched:
    """The figures as they are now, and those of the last minutes."""

    def __init__(self, control: Reached) -> None:
        self._control = control
        self.samples: deque[Sample] = deque(maxlen=_SHOWN)
        #: By task: what it is called.
        self.names: dict[str, str] = {}
        self.now = Sample(at=0.0, span=0.0)
        #: The last minute as one.
        self.minute = self.now

    def look(self) -> Metrics:
        """Ask for what is new. Raises DaemonUnreachable where the daemon stays away."""
        tries = 0
        while True:
            try:
                return self._asked()
            except DaemonUnreachable:
                tries += 1
                if tries > _TRIES:
                    raise
                self._control = reach.again(self._control)

    def _asked(self) -> Metrics:
        since = self.samples[-1].at if self.samples else None
        told = self._control.metrics(MetricsQuery(since=since, limit=_SHOWN))
        self.samples.extend(told.samples)
        self.now = told.now
        over = MetricsQuery(since=told.now.at - _OVER, limit=1)
        self.minute = (self._control.metrics(over).samples or (told.now,))[-1]
        return told

    def name(self) -> None:
        """Ask what the tasks are called whose sessions there are."""
        owners = {use.owner for use in self.now.sessions}
        if owners <= self.names.keys():
            return
        found = self._control.list(TaskQuery(states=_ACTIVE, limit=_NAMES_MOST)).tasks
        self.names = dict.fromkeys(owners, "") | {t.id: phrases.title(t.spec) for t in found}


def _until_left(watched: Watched, args: argparse.Namespace) -> None:
    """Show each second until somebody has enough; to leave so is no failure."""
    moves = not args.json and sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    with ExitStack() as held:
        # As an exception a Ctrl-C would be lost that comes while a module is being imported.
        wakes, came = held.enter_context(rawtty.wakes(signal.SIGINT))
        show = _say
        keys: int | None = None
        if args.json:
            show = _document
        elif moves:
            from inspan.cli.topview import Drawn

            show = held.enter_context(Drawn(args.sort)).show
            if sys.stdin.isatty():
                keys = sys.stdin.fileno()
                held.enter_context(rawtty.keys(keys))
        while not came:
            due = time.monotonic() + _EVERY
            watched.look()
            show(watched)
            if _leaves(due, wakes, keys):
                return


def _leaves(due: float, wakes: int, keys: int | None) -> bool:
    """Wait until ``due``; whether somebody leaves meanwhile."""
    ears = [wakes] if keys is None else [wakes, keys]
    while (left := due - time.monotonic()) > 0:
        ready, _, _ = select.select(ears, [], [], left)
        if wakes in ready:
            return True
        if keys in ready and (not (typed := os.read(keys or 0, 64)) or typed in b"qQ\x03\x1b"):
            return True
    return False


def _document(watched: Watched) -> None:
    json(watched.now)


def _say(watched: Watched) -> None:
    out(load.line(watched.now))
    sys.stdout.flush()
