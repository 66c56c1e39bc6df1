"""A hundred sessions opened and closed, three times: what is left of them in daemon and keeper."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from time import perf_counter

from inspan.client.sync import SyncControl
from inspan.model.task import TerminalSpec
from tools.bench.homes import Home, home, until_ended
from tools.bench.measure import Found, Row, Series
from tools.bench.processes import children, descriptors, memory, terminals, threads

SESSIONS = 100
ROUNDS = 3
KINDS = ("open files", "threads", "child processes", "terminals")
#: Seconds for the keeper to be told that the sessions are collected.
SETTLING = 1.0

Counts = tuple[int, int, int, int]


def run(folder: Path, *, quick: bool) -> Found:
    with home(folder, f"roles: {{default: {SESSIONS}}}\n") as made:
        made.start()
        pids = made.pids()
        one_round(made, 5)  # whatever is made at first need is made
        time.sleep(SETTLING)
        first, base = memory(pids), counts(pids)
        took, left = [], []
        for _ in range(1 if quick else ROUNDS):
            took.append(one_round(made, SESSIONS))
            time.sleep(SETTLING)
            left.append(counts(pids))
        grown = memory(pids).rss - first.rss
    return Found(
        rows=(
            *(
                Row(
                    what=f"{kind}, daemon + keeper",
                    ours=" → ".join(str(one[place]) for one in (base, *left)),
                    goal="as before",
                    met=left[-1][place] <= base[place],
                )
                for place, kind in enumerate(KINDS)
            ),
            Row(what="a round: open, run, close", ours=Series.of(took).text(" s")),
            Row(what="memory more than before, RSS of both", ours=f"{grown / 1e6:.1f} MB"),
        ),
        notes=(
            f"{SESSIONS} tasks a round on terminals, side by side, each `read` until it is typed"
            " to; before the first round and after each.",
        ),
    )


def one_round(made: Home, sessions: int) -> float:
    """Open them all, let them all be open, close them all; seconds."""
    spec = replace(made.spec("sh", "-c", "read line"), terminal=TerminalSpec(pty=True))
    began = perf_counter()
    with made.control() as control:
        tasks = {task.id for task in control.submit_all([spec] * sessions)}
        for task in tasks:
            until_open(control, task)
        for task in tasks:
            control.send(task, b"\r")
        until_ended(control, tasks)
    return perf_counter() - began


def until_open(control: SyncControl, task: str) -> None:
    """Wait for its process: a task is running a moment before that exists."""
    end = time.monotonic() + 60
    while control.get(task).pid is None:
        if time.monotonic() > end:
            raise TimeoutError(f"not all sessions run: {control.list().counts}")
        time.sleep(0.02)


def counts(pids: tuple[int, int]) -> Counts:
    daemon, keeper = pids
    return (
        descriptors(daemon) + descriptors(keeper),
        threads(daemon) + threads(keeper),
        len(children(daemon)) + len(children(keeper)),
        terminals(daemon) + terminals(keeper),
    )
