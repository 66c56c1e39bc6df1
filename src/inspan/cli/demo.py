"""``inspan demo``: real programs at once, a daemon that is killed among them, and what came of it.

It keeps its state in a folder of its own, which it removes. What is run is told in
``demo_tasks``; this file does what a person would do to it and compares it with what was expected.
"""

from __future__ import annotations

import argparse
import os
import time
from contextlib import closing
from typing import TYPE_CHECKING, Final

from inspan.cli import exits, reach
from inspan.cli.demo_stage import Stage, own_home, whole
from inspan.cli.following import Follower
from inspan.cli.parsing import add_json
from inspan.cli.say import json, out, styled, table
from inspan.errors import DaemonUnreachable
from inspan.model.ids import short
from inspan.model.task import TERMINAL, Task, TaskState
from inspan.settings.figures import show_duration
from inspan.telling import phrases
from inspan.telling.outcome import ended

if TYPE_CHECKING:
    from inspan.cli.demo_tasks import DemoTask
    from inspan.cli.reach import Reached

HELP = """\
Run real programs at once, in a folder that is removed afterwards: a test run, a build, a git
clone, an agent that asks, a failure, a task that is interrupted and resumed. In the middle the
daemon is killed with SIGKILL; nothing is lost. Exit status 1: something was not as expected.

  inspan demo goal  a goal from words to merged work, also with no account"""
#: Seconds after which the demo gives up.
_PATIENCE: Final = 90.0
_LOOK: Final = 0.05
#: How many must be at work when the daemon is killed.
_BUSY: Final = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--keep", action="store_true", help="leave the folder where it is")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    from inspan.cli.asking import environment
    from inspan.cli.demo_tasks import demo_specs

    began = time.monotonic()
    env, _ = environment(os.environ, reach.settings().env, [])
    with own_home(keep=args.keep) as folder:
        env.pop("INSPAN_HOME", None)
        demo = demo_specs(folder / "work", env)
        with whole():
            control = reach.connect()
        with closing(control):
            tasks = control.submit_all([item.spec for item in demo])
            play = _Play(control, demo, tasks, quiet=args.json)
            play.run()
        good = _close(play, time.monotonic() - began, as_json=args.json)
    return exits.DONE if good else exits.FAILED


class _Play:
    """The demo as it goes: tasks as they are, and what has been done to them."""

    def __init__(
        self,
        control: Reached,
        demo: list[DemoTask],
        tasks: tuple[Task, ...],
        *,
        quiet: bool,
    ) -> None:
        self.stage = Stage(control, _PATIENCE, quiet=quiet)
        self._acted: set[str] = set()
        self.demo = {task.id: item for task, item in zip(tasks, demo, strict=True)}
        self.tasks = {task.id: task for task in tasks}

    def run(self) -> None:
        """Until every task has ended. Raises Unable when that takes too long."""
        since = min(task.seq for task in self.tasks.values())
        while True:
            try:
                with Follower(self.stage.control, since) as follower:
                    self._look_at_all()
                    if self._follow(follower):
                        return
            except DaemonUnreachable:
                self.stage.rejoin()
                self.stage.say("a new daemon has taken over", "green")

    def _follow(self, follower: Follower) -> bool:
        while not all(task.state in TERMINAL for task in self.tasks.values()):
            self.stage.check()
            event = follower.next(_LOOK)
            if event is not None and event.task in self.tasks:
                self._look(event.task)
            self._act()
        return True

    def _look_at_all(self) -> None:
        for task_id in self.tasks:
            self._look(task_id)

    def _look(self, task_id: str) -> None:
        before, now = self.tasks[task_id], self.stage.control.get(task_id)
        self.tasks[task_id] = now
        if now.state is not before.state:
            style = phrases.STYLES[now.state]
            self.stage.say(f"{now.state.value:<11} {phrases.title(now.spec)}{_because(now)}", style)

    def _act(self) -> None:
        """What a person would do now."""
        from inspan.cli.demo_tasks import Action

        if len(self.stage.daemons) == 1 and self._busy() >= _BUSY:
            self.stage.kill(self._busy())
        for task_id, item in self.demo.items():
            task = self.tasks[task_id]
            if task_id in self._acted or len(self.stage.daemons) == 1:
                continue
            if item.action is Action.ANSWER and task.state is TaskState.WAITING:
                self._acted.add(task_id)
                self.stage.say(f"answering: {item.answer}", "bold")
                self.stage.control.answer(task_id, item.answer)
            elif item.action is Action.INTERRUPT_RESUME and _half_way(item, task):
                self._acted.add(task_id)
                self.stage.say(f"interrupting {phrases.title(task.spec)}, and resuming it", "bold")
                self.stage.control.interrupt(task_id, reason="the demo shows how")
                self.stage.control.resume(task_id)

    def _busy(self) -> int:
        return sum(task.pid is not None for task in self.tasks.values())


def _because(task: Task) -> str:
    why = phrases.reason(task)
    return f" — {why}" if why else ""


def _half_way(item: DemoTask, task: Task) -> bool:
    return task.state is TaskState.RUNNING and item.ready is not None and item.ready.exists()


def _trouble(item: DemoTask, task: Task) -> str:
    """What is not as it was expected; nothing where all is."""
    if task.state is not item.expect:
        return f"expected {item.expect.value}"
    if task.exit is not None and task.exit.code != item.exit_code:
        return f"expected exit {item.exit_code}, not {ended(task)}"
    if item.proof is not None and not item.proof.holds:
        return f"{item.proof.path.name} does not say {item.proof.contains!r}"
    resumed = item.action.value.startswith("interrupt")
    if task.attempt != (2 if resumed else 1):
        return f"it took {task.attempt} attempts"
    return ""


def _close(play: _Play, took: float, *, as_json: bool) -> bool:
    """The closing table; true where all was as expected."""
    found = [(item, play.tasks[task_id]) for task_id, item in play.demo.items()]
    troubles = [_trouble(item, task) for item, task in found]
    killed = len(play.stage.daemons) > 1
    if as_json:
        json(
            {
                "tasks": [task for _, task in found],
                "troubles": [text for text in troubles if text],
                "daemons": play.stage.daemons,
                "adopted": play.stage.adopted,
                "seconds": round(took, 2),
            }
        )
        return killed and not any(troubles)
    out()
    marks = ["✗" if trouble else "✓" for trouble in troubles]
    table(
        ("", "STATE", "TIME", "ATTEMPTS", "TASK"),
        [
            (
                mark,
                task.state.value,
                phrases.took(task),
                str(task.attempt),
                _told(item, task, trouble),
            )
            for mark, (item, task), trouble in zip(marks, found, troubles, strict=True)
        ],
        [phrases.STYLES[task.state] for _, task in found],
    )
    word = (
        f"the daemon was killed with {play.stage.adopted} tasks at work; the next one took them up"
    )
    out(word if killed else "the daemon was not killed: too little ran at once")
    good = killed and not any(troubles)
    verdict = "all as expected" if good else "NOT all as expected"
    out(styled(f"{len(found)} tasks in {show_duration(took)}: {verdict}", "bold"))
    return good


def _told(item: DemoTask, task: Task, trouble: str) -> str:
    about = f"{phrases.title(task.spec)} ({short(task.id)}): {item.shows}"
    return f"{about} — {trouble}" if trouble else about
