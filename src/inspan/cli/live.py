"""Many tasks at once: a view that moves on a terminal, one line for each change in a pipe.

It ends where nothing happens any more without a person, with a table of what became of each. A
question alone ends it only where nobody looks on.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from math import inf
from typing import TYPE_CHECKING, Final, Protocol

from inspan.cli import exits, rawtty, reach, rows
from inspan.cli.following import Follower
from inspan.cli.say import json, note, out, styled, table, terminal_width
from inspan.errors import DaemonUnreachable, InspanError
from inspan.model.task import GOOD, Task, TaskState
from inspan.settings.figures import show_duration
from inspan.telling import phrases
from inspan.telling.outcome import left_to_do

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from inspan.cli.reach import Reached
    from inspan.model.activity import Activity

_TRIES: Final = 5
#: How often a view that moves is drawn at most, in seconds.
_FRAME: Final = 0.2
#: Seconds between two questions what agents do.
_ASKS_EVERY: Final = 1.0
#: Longer lists are told by what went wrong and by numbers.
_ROWS_MOST: Final = 200


class View(Protocol):
    """Where changes are shown."""

    def changed(self, task: Task) -> None:
        """A task is in another state."""
        ...

    def tick(self, tasks: Sequence[Task], activities: Mapping[str, Activity]) -> None:
        """Time has passed; ``activities`` is what those do that tell it, by id."""
        ...


def watch(connect: Callable[[], Reached], tasks: Sequence[Task], *, as_json: bool) -> int:
    """Watch ``tasks`` to their end; the exit status."""
    began = time.monotonic()
    watcher = _Watcher(connect, tasks, seen=not as_json and sys.stdout.isatty())
    stopped = False
    with _view(quiet=as_json) as view:
        try:
            # As an exception a Ctrl-C would be lost that comes while a module is being imported.
            with rawtty.wakes(signal.SIGINT) as (_, came):
                watcher.run(view, came)
        except KeyboardInterrupt:
            stopped = True
            note("interrupting what still runs")
            watcher.stop_all()
    ended = list(watcher.tasks.values())
    if as_json:
        json(ended)
    else:
        _close(ended, time.monotonic() - began)
    return exits.INTERRUPTED if stopped else exits.worst(exits.of_task(task) for task in ended)


class _Watcher:
    """The tasks as they are now, kept so by the stream of events."""

    def __init__(
        self, connect: Callable[[], Reached], tasks: Sequence[Task], *, seen: bool
    ) -> None:
        self._connect = connect
        self._control = connect()
        self.tasks = {task.id: task for task in tasks}
        self._open = dict(self.tasks)
        #: Somebody sees what is asked, and may answer it from elsewhere.
        self._seen = seen
        self._activities: Mapping[str, Activity] = {}
        self._asked_at = -inf

    def run(self, view: View, came: Sequence[int] = ()) -> None:
        """Until all are over. Raises KeyboardInterrupt once a signal ``came``."""
        tries = 0
        since = min(task.seq for task in self.tasks.values())
        while True:
            try:
                with Follower(self._control, since) as follower:
                    self._catch_up(view)
                    self._until_over(follower, view, came)
            except DaemonUnreachable:
                if came:
                    raise KeyboardInterrupt from None
                tries += 1
                if tries > _TRIES:
                    raise
                self._control = reach.again(self._control)
            else:
                return

    def _catch_up(self, view: View) -> None:
        for task_id in list(self._open):
            self._look(task_id, view)

    def _until_over(self, follower: Follower, view: View, came: Sequence[int]) -> None:
        while self._moving():
            if came:
                raise KeyboardInterrupt
            event = follower.next(_FRAME)
            if event is not None and event.task in self.tasks:
                known = self.tasks[event.task]
                if event.seq > known.seq:
                    self._look(event.task, view)
            view.tick(list(self.tasks.values()), self._doing())

    def _doing(self) -> Mapping[str, Activity]:
        """What agents do, which no event tells; asked for once a second, where one runs."""
        now = time.monotonic()
        if self._seen and now >= self._asked_at + _ASKS_EVERY:
            self._asked_at = now
            if any(map(_is_agents, self._open.values())):
                from inspan.control import TaskQuery

                query = TaskQuery(states=(TaskState.RUNNING,), limit=_ROWS_MOST)
                self._activities = self._control.list(query).activities
        return self._activities

    def _moving(self) -> bool:
        """Whether something still happens without a person."""
        if any(self._works(task) for task in self._open.values()):
            return True
        stuck = {task.id for task in self._open.values() if self._rests(task)}
        waits = [task for task in self._open.values() if task.id not in stuck]
        while more := {task.id for task in waits if not stuck.isdisjoint(task.spec.after)}:
            stuck |= more
            waits = [task for task in waits if task.id not in more]
        return bool(waits)

    def _works(self, task: Task) -> bool:
        held_up = task.state is TaskState.PENDING and bool(task.spec.after)
        return not held_up and not self._rests(task)

    def _rests(self, task: Task) -> bool:
        return task.settled and not (self._seen and task.state is TaskState.WAITING)

    def _look(self, task_id: str, view: View) -> None:
        before = self.tasks[task_id]
        now = self._control.get(task_id)
        self.tasks[task_id] = self._open[task_id] = now
        if now.done:
            del self._open[task_id]
        if (now.state, now.awaits_verdict) != (before.state, before.awaits_verdict):
            view.changed(now)

    def stop_all(self) -> None:
        """Interrupt what is not over, all at once: each may take its whole grace."""
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(max_workers=16) as pool:
            list(pool.map(self._stop, [t.id for t in self._open.values() if _stoppable(t)]))
        for task_id in self.tasks:
            with suppress(InspanError):
                self.tasks[task_id] = self._control.get(task_id)

    def _stop(self, task_id: str) -> None:
        with suppress(InspanError):  # it may have ended by itself
            self._connect().interrupt(task_id, reason="Ctrl-C")


def _is_agents(task: Task) -> bool:
    return task.spec.prompt is not None and task.state is TaskState.RUNNING


def _stoppable(task: Task) -> bool:
    return task.state is not TaskState.INTERRUPTED and not task.awaits_verdict


# ── views ─────────────────────────────────────────────────────────────────────


def _view(*, quiet: bool) -> AbstractContextManager[View]:
    if quiet:
        return nullcontext(_Quiet())
    if sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb":
        from inspan.cli.moving import Moving

        return Moving()
    return nullcontext(_Lines())


class _Quiet:
    """Shows nothing: the outcome is printed as JSON."""

    def changed(self, task: Task) -> None:
        """Nothing to show."""

    def tick(self, tasks: Sequence[Task], activities: Mapping[str, Activity]) -> None:
        """Nothing to show."""


class _Lines:
    """One line for each change."""

    def changed(self, task: Task) -> None:
        """Say the new state."""
        out(f"{phrases.brief(task)}  [{phrases.title(task.spec)}]")
        if task.settled and not task.done:
            out(f"       {left_to_do(task)}")
        sys.stdout.flush()

    def tick(self, tasks: Sequence[Task], activities: Mapping[str, Activity]) -> None:
        """A pipe shows no clock."""


def _close(tasks: list[Task], took: float) -> None:
    """What became of each."""
    shown = tasks if len(tasks) <= _ROWS_MOST else [t for t in tasks if t.state not in GOOD]
    out()
    if shown:
        head, *cells = rows.fitted(shown, terminal_width())
        table(head, cells, [phrases.STYLES[task.state] for task in shown])
    counts = Counter(task.state.value for task in tasks)
    words = ", ".join(f"{number} {state}" for state, number in counts.items())
    number = "1 task" if len(tasks) == 1 else f"{len(tasks)} tasks"
    out(styled(f"{number} in {show_duration(took)}: {words}", "bold"))
    for task in tasks:
        if words := left_to_do(task):
            out(styled(f"  {words}", "dim"))
