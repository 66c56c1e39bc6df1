"""``inspan demo``: real programs at once, a daemon that is killed among them, and what came of it.

It keeps its state in a folder of its own, which it removes. What is run is told in
``demo_tasks``; this file does what a person would do to it and compares it with what was expected.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from inspan.cli import exits, reach, rows
from inspan.cli.following import Follower
from inspan.cli.outcome import ended
from inspan.cli.parsing import add_json
from inspan.cli.say import json, out, styled, table
from inspan.errors import DaemonUnreachable, InspanError, Unable
from inspan.model.ids import short
from inspan.model.task import TERMINAL, Task, TaskState
from inspan.settings.figures import show_duration

if TYPE_CHECKING:
    from inspan.cli.demo_tasks import DemoTask
    from inspan.cli.reach import Reached

HELP = """\
Run real programs at once, in a folder that is removed afterwards: a test run, a build, a git
clone, an agent that asks, a failure, a task that is interrupted and resumed. In the middle the
daemon is killed with SIGKILL; nothing is lost. Exit status 1: something was not as expected."""
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
    with _own_home(keep=args.keep) as folder:
        env.pop("INSPAN_HOME", None)
        demo = demo_specs(folder / "work", env)
        with _whole():
            control = reach.connect()
        with closing(control):
            tasks = control.submit_all([item.spec for item in demo])
            play = _Play(control, demo, tasks, quiet=args.json)
            play.run()
        good = _close(play, time.monotonic() - began, as_json=args.json)
    return exits.DONE if good else exits.FAILED


@contextmanager
def _own_home(*, keep: bool) -> Iterator[Path]:
    """A state directory for the demo alone; its daemon and keeper are stopped at the end."""
    from inspan.cli.down import stop_daemon, stop_keeper

    folder = Path(tempfile.mkdtemp(prefix="inspan-demo-"))
    before = os.environ.get("INSPAN_HOME")
    os.environ["INSPAN_HOME"] = str(folder / "state")
    where = reach.places()
    try:
        yield folder
    finally:
        with suppress(InspanError):
            stop_daemon(where)
        with suppress(InspanError):
            stop_keeper(where, force=True)
        os.environ.pop("INSPAN_HOME", None)
        if before is not None:
            os.environ["INSPAN_HOME"] = before
        if keep:
            out(f"kept in {folder}; INSPAN_HOME={folder}/state inspan ls")
        else:
            _remove(folder, where.runtime_dir)


@contextmanager
def _whole() -> Iterator[None]:
    """Ctrl-C comes after this: a daemon that only begins is found by nobody, and would be left."""
    asked: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _frame: asked.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if asked:
        raise KeyboardInterrupt


def _remove(folder: Path, runtime: Path) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(runtime, ignore_errors=True)


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
        self._control = control
        self._quiet = quiet
        self._began = time.monotonic()
        self._acted: set[str] = set()
        self.demo = {task.id: item for task, item in zip(tasks, demo, strict=True)}
        self.tasks = {task.id: task for task in tasks}
        #: The daemons, in their order; the first was killed.
        self.daemons = [control.health().daemon.pid]
        self.adopted = 0

    def run(self) -> None:
        """Until every task has ended. Raises Unable when that takes too long."""
        since = min(task.seq for task in self.tasks.values())
        while True:
            try:
                with Follower(self._control, since) as follower:
                    self._look_at_all()
                    if self._follow(follower):
                        return
            except DaemonUnreachable:
                with _whole():
                    self._control = reach.connect()
                self.daemons.append(self._control.health().daemon.pid)
                self._say("a new daemon has taken over", "green")

    def _follow(self, follower: Follower) -> bool:
        while not all(task.state in TERMINAL for task in self.tasks.values()):
            if time.monotonic() - self._began > _PATIENCE:
                raise Unable("the demo took too long; something hangs")
            event = follower.next(_LOOK)
            if event is not None and event.task in self.tasks:
                self._look(event.task)
            self._act()
        return True

    def _look_at_all(self) -> None:
        for task_id in self.tasks:
            self._look(task_id)

    def _look(self, task_id: str) -> None:
        before, now = self.tasks[task_id], self._control.get(task_id)
        self.tasks[task_id] = now
        if now.state is not before.state:
            style = rows.STYLES[now.state]
            self._say(f"{now.state.value:<11} {rows.title(now.spec)}{_because(now)}", style)

    def _act(self) -> None:
        """What a person would do now."""
        from inspan.cli.demo_tasks import Action

        if len(self.daemons) == 1 and self._busy() >= _BUSY:
            self._kill_the_daemon()
            return
        for task_id, item in self.demo.items():
            task = self.tasks[task_id]
            if task_id in self._acted or len(self.daemons) == 1:
                continue
            if item.action is Action.ANSWER and task.state is TaskState.WAITING:
                self._acted.add(task_id)
                self._say(f"answering: {item.answer}", "bold")
                self._control.answer(task_id, item.answer)
            elif item.action is Action.INTERRUPT_RESUME and _half_way(item, task):
                self._acted.add(task_id)
                self._say(f"interrupting {rows.title(task.spec)}, and resuming it", "bold")
                self._control.interrupt(task_id, reason="the demo shows how")
                self._control.resume(task_id)

    def _busy(self) -> int:
        return sum(task.pid is not None for task in self.tasks.values())

    def _kill_the_daemon(self) -> None:
        self.adopted = self._busy()
        self._say(f"kill -9 of the daemon (pid {self.daemons[0]}), {self.adopted} at work", "bold")
        os.kill(self.daemons[0], signal.SIGKILL)
        end = time.monotonic() + 5
        while reach.answers(reach.places().daemon_socket) and time.monotonic() < end:
            time.sleep(_LOOK)
        raise DaemonUnreachable("killed by the demo")

    def _say(self, text: str, style: str) -> None:
        if not self._quiet:
            at = time.monotonic() - self._began
            out(f"{styled(f'{at:5.1f}s', 'dim')} {styled(text, style)}")
            sys.stdout.flush()  # whoever reads it in a pipe follows it, too


def _because(task: Task) -> str:
    why = rows.reason(task)
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
    killed = len(play.daemons) > 1
    if as_json:
        json(
            {
                "tasks": [task for _, task in found],
                "troubles": [text for text in troubles if text],
                "daemons": play.daemons,
                "adopted": play.adopted,
                "seconds": round(took, 2),
            }
        )
        return killed and not any(troubles)
    out()
    marks = ["✗" if trouble else "✓" for trouble in troubles]
    table(
        ("", "STATE", "TIME", "ATTEMPTS", "TASK"),
        [
            (mark, task.state.value, rows.took(task), str(task.attempt), _told(item, task, trouble))
            for mark, (item, task), trouble in zip(marks, found, troubles, strict=True)
        ],
        [rows.STYLES[task.state] for _, task in found],
    )
    word = f"the daemon was killed with {play.adopted} tasks at work; the next one took them up"
    out(word if killed else "the daemon was not killed: too little ran at once")
    good = killed and not any(troubles)
    verdict = "all as expected" if good else "NOT all as expected"
    out(styled(f"{len(found)} tasks in {show_duration(took)}: {verdict}", "bold"))
    return good


def _told(item: DemoTask, task: Task, trouble: str) -> str:
    about = f"{rows.title(task.spec)} ({short(task.id)}): {item.shows}"
    return f"{about} — {trouble}" if trouble else about
