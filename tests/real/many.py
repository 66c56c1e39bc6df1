"""Sessions and tasks in numbers: what they leave behind, and how they end."""

from __future__ import annotations

import shlex
import statistics
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from inspan.client.sync import SyncControl
from inspan.control import TaskQuery
from inspan.model.task import TERMINAL, Patience, TaskSpec, TaskState, TerminalSpec
from inspan.settings import locate
from tests.real.console import Console
from tests.real.daemon import Daemon, until
from tests.real.gates import gate, pids
from tests.real.goldens import ROOT

#: How many tasks are handed in with one request.
_BATCH = 500
_PLAYER = Path(__file__).parents[1] / "fakes" / "golden_agent.py"


@dataclass(frozen=True)
class Holdings:
    """What the daemon and the keeper hold of the system's goods."""

    files: tuple[int, int]
    terminals: tuple[int, int]
    threads: tuple[int, int]
    children: tuple[int, int]


def holdings(daemon: Daemon, keeper: int) -> Holdings:
    """As the kernel counts them; first the daemon's, then the keeper's."""
    assert daemon.process is not None
    both = (daemon.process.pid, keeper)
    return Holdings(
        files=(_entries(both[0], "fd"), _entries(both[1], "fd")),
        terminals=(_terminals(both[0]), _terminals(both[1])),
        threads=(_entries(both[0], "task"), _entries(both[1], "task")),
        children=(_children(both[0]), _children(both[1])),
    )


def _entries(pid: int, kind: str) -> int:
    return sum(1 for _ in Path(f"/proc/{pid}/{kind}").iterdir())


def _terminals(pid: int) -> int:
    count = 0
    for file in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            count += str(file.readlink()).startswith(("/dev/pts/", "/dev/ptmx"))
    return count


def _children(pid: int) -> int:
    """Processes whose parent it is, zombies among them."""
    count = 0
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            stat = (process / "stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        count += int(stat.rpartition(")")[2].split()[1]) == pid
    return count


def _groups(sessions: list[str]) -> list[str]:
    """Which of these sessions still have a control group (version 2)."""
    kept = set(sessions)
    return [
        path.name
        for root in (Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup"))
        for path in root.glob("**/inspan-*/*-1")
        if path.name in kept
    ]


def open_and_close(daemon: Daemon, control: SyncControl, count: int, turn: int) -> None:
    """``count`` sessions at once, all alive, half of them on terminals; then none of them."""
    door = daemon.home / f"door{turn}"
    specs = [
        daemon.spec(*gate(door), role="many", terminal=TerminalSpec(pty=number % 2 == 0))
        for number in range(count)
    ]
    tasks = control.submit_all(specs)
    began = Path(f"{door}.began")
    until(lambda: len(pids(began)) == count, f"{count} sessions to be alive", 120)
    # A third ends by itself, a third is cancelled, a third is killed.
    for number, task in enumerate(tasks):
        if number % 3:
            control.cancel(task.id, force=number % 3 == 1)
    door.touch()
    ended = [control.wait(task.id, 120).state for task in tasks]
    assert set(ended) == {TaskState.COMPLETED, TaskState.CANCELLED}
    assert ended.count(TaskState.COMPLETED) == len(range(0, count, 3))
    until(lambda: not _groups([f"{task.id}-1" for task in tasks]), "their control groups to go")


def rounds_leave_nothing(count: int, rounds: int) -> None:
    """``rounds`` of ``open_and_close``, with the same goods held after each as before."""
    with Daemon(f"roles: {{many: {count}}}\n") as daemon, daemon.control() as control:
        keeper = daemon.keeper_pid()
        assert keeper is not None
        # What is loaded and pooled once is there after a first round.
        open_and_close(daemon, control, min(count, 15), 0)
        before = _settled(daemon, keeper)
        for turn in range(1, rounds + 1):
            open_and_close(daemon, control, count, turn)
            until(
                lambda: no_more(holdings(daemon, keeper), before),
                f"{before} after round {turn}; it is {holdings(daemon, keeper)}",
            )


def agents_leave_nothing(count: int, rounds: int) -> None:
    """``rounds`` of ``count`` sessions of an agent at once; the same goods are held after each."""
    with Daemon(f"roles: {{many: {count}}}\n") as daemon, daemon.control() as control:
        keeper = daemon.keeper_pid()
        assert keeper is not None
        programs = daemon.home / "bin"
        programs.mkdir()
        play = shlex.join([sys.executable, str(_PLAYER), str(ROOT / "claude" / "stdio" / "answer")])
        (programs / "claude").write_text(
            '#!/bin/sh\n[ "$1" = auth ] && echo \'{"loggedIn": true}\' && exit\n' + f"exec {play}\n"
        )
        (programs / "claude").chmod(0o755)
        plain = daemon.spec(provider="claude", prompt="do it", role="many")
        path = f"{programs}:{plain.env['PATH']}"
        spec = replace(plain, env={**plain.env, "PATH": path})

        def one_round(size: int) -> None:
            tasks = control.submit_all([spec] * size)
            ended = {control.wait(task.id, 300).state for task in tasks}
            assert ended == {TaskState.COMPLETED}

        # As many at once fill the pool of threads, which is bounded, as far as they ever do.
        one_round(count)
        before = _settled(daemon, keeper)
        for turn in range(1, rounds + 1):
            one_round(count)
            until(
                lambda: no_more(holdings(daemon, keeper), before),
                f"{before} after round {turn}; it is {holdings(daemon, keeper)}",
            )


def _settled(daemon: Daemon, keeper: int) -> Holdings:
    """What is held at rest: the same twice, and the keeper has no child but its guardian."""
    seen = [holdings(daemon, keeper)]

    def twice() -> bool:
        seen.append(holdings(daemon, keeper))
        return seen[-1] == seen[-2] and seen[-1].children[1] == 1

    until(twice, "rest")
    return seen[-1]


def no_more(now: Holdings, before: Holdings) -> bool:
    """Nothing is held that was not held before."""
    return (
        max(now.files[0] - before.files[0], now.files[1] - before.files[1]) <= 0
        and now.terminals == before.terminals
        and max(now.threads[0] - before.threads[0], now.threads[1] - before.threads[1]) <= 0
        and now.children == before.children
    )


def many_tasks_end(count: int, looks: int) -> None:
    """``count`` trivial tasks: `inspan ls` answers meanwhile, all end, and the sum is right."""
    with Console("roles: {worker: 4}\n") as console:
        console.say("up")
        with SyncControl(locate(console.env).daemon_socket) as control:
            for first in range(0, count, _BATCH):
                numbers = range(first, min(first + _BATCH, count))
                control.submit_all([_trivial(console, number) for number in numbers])
            took = []
            for _ in range(looks):
                began = time.perf_counter()
                console.say("ls")
                took.append(time.perf_counter() - began)
            median = statistics.median(took)
            print(
                f"{count} tasks, {_left(control)} of them to go: `inspan ls` took"
                f" {median:.3f} s (median), {max(took):.3f} s (worst)"
            )
            assert median < 3
            until(lambda: not _left(control), "all of them to end", 1500)
            failed = len(range(0, count, 10))
            counts = control.list(TaskQuery(limit=1)).counts
            assert counts == {"completed": count - failed, "failed": failed}


def _trivial(console: Console, number: int) -> TaskSpec:
    """Nothing much; every tenth fails."""
    command = ("false",) if number % 10 == 0 else ("true",)
    patience = Patience(deadline=None, lifted=True)
    return TaskSpec(
        command=command, cwd=str(console.home), env={"PATH": console.env["PATH"]}, patience=patience
    )


def _left(control: SyncControl) -> int:
    counts = control.list(TaskQuery(limit=1)).counts
    return sum(number for state, number in counts.items() if TaskState(state) not in TERMINAL)
