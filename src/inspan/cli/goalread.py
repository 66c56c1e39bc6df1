"""A goal read from the daemon and kept up with, for ``inspan goal show | log | graph``."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from inspan.agents.json_lines import Lines
from inspan.cli import reach
from inspan.cli.following import Follower
from inspan.control import EventQuery, TaskQuery
from inspan.errors import BadInput, DaemonUnreachable, NotFound
from inspan.model.event import AttemptStarted, Event
from inspan.model.ids import short
from inspan.model.session import Ended, Gap, Output
from inspan.model.task import Task, TaskKind
from inspan.telling.story import Story

if TYPE_CHECKING:
    from inspan.cli.reach import Reached

_PAGE: Final = 500
_READ: Final = 1 << 20
#: What comes within so many seconds is told of together.
_FRAME: Final = 0.2
_TRIES: Final = 5


def add_goal(parser: argparse.ArgumentParser) -> None:
    """Which goal."""
    parser.add_argument(
        "task", nargs="?", default="last", metavar="ID", help="a goal (default: the newest one)"
    )


def goal_of(control: Reached, ref: str) -> Task:
    """The goal that is meant; ``last`` is the newest one."""
    if ref == "last":
        return _last(control)
    found = control.get(ref)
    if found.spec.kind is not TaskKind.GOAL:
        raise BadInput(
            f"{short(found.id)} is no goal",
            hint=f"`inspan show {short(found.id)}` tells what it is.",
        )
    return found


def _last(control: Reached) -> Task:
    before: str | None = None
    while True:
        page = control.list(TaskQuery(before=before, limit=_PAGE))
        for task in page.tasks:
            if task.spec.kind is TaskKind.GOAL:
                return task
        before = page.next
        if before is None:
            raise NotFound("there is no goal yet", hint='`inspan goal "TEXT"` begins one.')


class Watched:
    """The story of a goal, read from the daemon and kept up with it."""

    def __init__(self, control: Reached, goal: Task) -> None:
        self._control = control
        self._goal = goal
        self.story = Story(goal)
        #: How much of each recording of the Queen's was heard.
        self._heard: dict[str, tuple[int, Lines]] = {}

    def reached(self, control: Reached) -> None:
        """The daemon was lost, and this is how it is spoken to now."""
        self._control = control

    def read(self) -> None:
        """All that is there now."""
        for _ in self.events():
            pass
        self.listen()

    def events(self) -> Iterator[Event]:
        """Those that are new to the story, which has taken each that is given."""
        while True:
            page = self._control.history(
                EventQuery(correlation=self._goal.correlation, since=self.story.since, limit=_PAGE)
            )
            if not page:
                return
            for event in page:
                if self.story.take(event):
                    self._note_session(event)
                    yield event

    def _note_session(self, event: Event) -> None:
        if event.task == self._goal.id and isinstance(event.fact, AttemptStarted):
            self._heard.setdefault(event.fact.session, (0, Lines()))

    def listen(self) -> None:
        """What the Queen has printed since; of what is no longer there, nothing."""
        for session in tuple(self._heard):
            with suppress(NotFound):
                self._listen(session)

    def _listen(self, session: str) -> None:
        while True:
            offset, lines = self._heard[session]
            before = offset
            for chunk in self._control.read(session, offset, _READ):
                if isinstance(chunk, Output):
                    offset = chunk.offset + len(chunk.data)
                    for line in lines.feed(chunk.data) if chunk.stream == "out" else ():
                        self.story.hear(line)
                elif isinstance(chunk, Gap):
                    lines.skip()
                    offset = chunk.end
                elif isinstance(chunk, Ended):
                    break
            self._heard[session] = (offset, lines)
            if offset == before:
                return

    def follow(self, came: list[int]) -> Iterator[bool]:
        """Whether there is news, a few times a second, until it is over or somebody leaves."""
        tries = 0
        while not came:
            try:
                with Follower(self._control, self.story.since) as follower:
                    self.read()
                    yield True
                    tries = 0
                    while not came and not self.story.goal.done:
                        news = self._take(follower)
                        if news:
                            self.listen()
                        yield news
                    return
            except DaemonUnreachable:
                tries += 1
                if tries > _TRIES:
                    raise
                self._control = reach.again(self._control)

    def _take(self, follower: Follower) -> bool:
        """All that comes within a frame."""
        end, news = time.monotonic() + _FRAME, False
        while (left := end - time.monotonic()) > 0:
            event = follower.next(left)
            if event is not None and self.story.take(event):
                self._note_session(event)
                news = True
        return news
