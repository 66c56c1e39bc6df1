"""The daemon dies again and again while twenty tasks run; the keeper dies once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from inspan.control import TaskQuery
from inspan.errors import Unable
from inspan.model.task import OnCrash, Task, TaskState
from tests.real.daemon import Daemon, alive, until

pytestmark = pytest.mark.timeout(300)

TASKS = 20
#: Beside the long tasks there is room for some short ones, which come and go while daemons die.
ROLES = f"roles: {{default: {TASKS + 4}}}\n"
#: Leaves a mark for each time that it was started, and prints numbered lines at a pace: some, and
#: more until there is a file; then it ends.
COUNT = """
echo "$1" >>runs; i=0
until [ $i -ge 3 ] && [ -e "$2" ]; do i=$((i+1)); echo "$1:$i"; sleep "$3"; done
echo "$1:end"
"""
#: Long tasks are slower, as twenty that begin a `sleep` ten times a second take a processor.
SLOW, QUICK = "0.5", "0.1"
OVER, AT_ONCE = "over", "."


def _whole(name: str, output: bytes) -> bool:
    """Whether the output of COUNT is there to its end, with no line lost and none told twice."""
    lines = output.count(b"\n") - 1
    numbers = [*map(str, range(1, lines + 1)), "end"]
    return lines >= 3 and output == b"".join(f"{name}:{word}\r\n".encode() for word in numbers)


@pytest.mark.requirement("A1", "A4", "B1", "B6")
@pytest.mark.parametrize(
    ("deaths", "short"), [(8, 40), pytest.param(50, 100, marks=pytest.mark.soak)]
)
def test_deaths_of_the_daemon_lose_nothing_and_run_nothing_twice(deaths: int, short: int) -> None:
    with Daemon(ROLES) as daemon:
        submitter = _Submitter(daemon, short)
        submitter.start()
        for death in range(deaths):
            # From right after the start to some submissions later, so that it dies at all stages.
            wanted = submitter.accepted + death % 5
            until(lambda: submitter.accepted >= wanted or submitter.over, "progress")  # noqa: B023
            daemon.kill()
            daemon.start()
        (daemon.home / OVER).touch()
        submitter.join()
        assert submitter.trouble is None
        with daemon.control() as control:
            ended = [control.wait(task.id, 120) for task in submitter.tasks]
            counts = control.list(TaskQuery(limit=1)).counts
        assert [task.state for task in ended] == [TaskState.COMPLETED] * len(ended)
        assert counts == {"completed": len(ended)}
        assert all(task.attempt == 1 for task in ended)
        runs = sorted((daemon.home / "runs").read_text().split())
        assert runs == sorted(task.spec.name for task in ended)
        for task in ended:
            output = daemon.output(task.id)
            assert _whole(task.spec.name, output), (task.spec.name, output)


class _Submitter(threading.Thread):
    """Hands in long tasks at once and short ones all the while, by key, until each is accepted."""

    def __init__(self, daemon: Daemon, short: int) -> None:
        super().__init__()
        self._home = daemon
        self._short = short
        self.tasks: list[Task] = []
        self.trouble: BaseException | None = None
        self.over = False

    @property
    def accepted(self) -> int:
        return len(self.tasks)

    def run(self) -> None:
        try:
            for number in range(TASKS + self._short):
                how = (OVER, SLOW) if number < TASKS else (AT_ONCE, QUICK)
                until(lambda: self._accept(f"t{number}", *how), f"task {number}")  # noqa: B023
        except BaseException as error:  # noqa: BLE001 - told to the test
            self.trouble = error
        self.over = True

    def _accept(self, name: str, end: str, pace: str) -> bool:
        spec = self._home.spec("sh", "-c", COUNT, "sh", name, end, pace, name=name)
        try:
            with self._home.control() as control:
                self.tasks.append(control.submit(spec, key=name))
        except Unable:
            return False
        return True


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    with Daemon() as running:
        yield running


@pytest.mark.requirement("B1", "B5")
def test_the_death_of_the_keeper_interrupts_all_and_leaves_no_orphan(daemon: Daemon) -> None:
    family = 'sleep 1000 & setsid sleep 1000 & echo "$$ $! " >>pids; wait'
    with daemon.control() as control:
        asks = [control.submit(daemon.spec("sh", "-c", family)) for _ in range(5)]
        retry = control.submit(daemon.spec("sh", "-c", family, on_crash=OnCrash.RETRY))
        pids_file = daemon.home / "pids"
        until(lambda: pids_file.exists() and len(_pids(pids_file)) == 12, "all to be alive")
        keeper = daemon.keeper_pid()
        assert keeper is not None
        before = _pids(pids_file)
        os.kill(keeper, signal.SIGKILL)
        states = [control.wait(task.id, 30).state for task in asks]
        assert states == [TaskState.INTERRUPTED] * 5
        until(lambda: control.get(retry.id).attempt == 2, "the policy to retry")
        until(lambda: control.get(retry.id).state is TaskState.RUNNING, "it to run again")
        until(lambda: not any(map(alive, before)), "the orphans to end")
        control.cancel(retry.id)


def _pids(path: Path) -> list[int]:
    return [int(word) for word in path.read_text().split()]
