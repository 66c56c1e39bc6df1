"""``inspan tui`` over a daemon with ten thousand tasks: its beginning, and scrolling."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from time import monotonic

from inspan.client.sync import SyncControl
from inspan.model.task import Patience, TaskSpec
from inspan.settings import locate
from tests.real.cockpit import Cockpit
from tests.real.console import Console
from tests.real.pressing import DOWN, PAGE_DOWN, another_than, on_the_list, selected
from tools.bench.measure import Found, Row, Series

_BATCH = 500
HOME = b"\x1b[H"
#: Through the tasks that are there at first, and not to their end, where more are read.
KEYS = [DOWN] * 10 + [PAGE_DOWN] * 4


def run(folder: Path, *, quick: bool) -> Found:
    del folder  # a socket's path has to be short
    many, rounds, times = (2000, 1, 3) if quick else (10_000, 5, 8)
    firsts: list[float] = []
    scrolls: list[float] = []
    with Console("roles: {default: 1, worker: 1}\n") as console:
        fill(console, many)
        for _ in range(rounds):
            with Cockpit(console) as cockpit:
                cockpit.sees(lambda rows: on_the_list(rows) and selected(rows))
                firsts.append(monotonic() - cockpit.begun)
                cockpit.look(1.0)
                for _ in range(times):
                    cockpit.press(HOME)
                    cockpit.look(0.3)
                    for key in KEYS:
                        before = selected(cockpit.rows())
                        scrolls.append(cockpit.timed(key, another_than(before)))
                        cockpit.look(0.05)
                cockpit.press(b"q")
                cockpit.finish()
    first, scroll = Series.of(firsts), Series.of(scrolls)
    return Found(
        rows=(
            Row(
                what=f"inspan tui begun, until its list is seen, {many} tasks",
                ours=first.text(" s"),
                goal="< 1 s",
                met=max(first.values) < 1,
            ),
            Row(
                what="a step or a page, until it is seen, p95",
                ours=f"{scroll.share(0.95) * 1e3:.0f} ms (p50 {scroll.median * 1e3:.0f} ms)",
                goal="< 50 ms",
                met=scroll.share(0.95) < 0.05,
            ),
        ),
        notes=(
            f"{many} tasks in a real daemon, one at work and the others queued; the program on a"
            f" terminal of ours, 120 columns and 40 rows; {rounds} times,"
            f" {times * len(KEYS)} keys each.",
        ),
    )


def fill(console: Console, many: int) -> None:
    """One that works, and all others behind it."""
    patience = Patience(deadline=None, idle=None, lifted=True)
    spec = TaskSpec(command=("sleep", "3600"), cwd="/", env={"PATH": "/bin"}, patience=patience)
    console.say("up")
    with SyncControl(locate(console.env).daemon_socket) as control:
        for begin in range(0, many, _BATCH):
            named = range(begin, begin + _BATCH)
            control.submit_all([replace(spec, name=f"task {number}") for number in named])
