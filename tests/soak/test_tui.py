"""``inspan tui`` for ten minutes beside twenty busy terminals, with somebody who presses keys.

``INSPAN_SOAK_SECONDS`` makes it shorter, for whoever works on it.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from inspan.client.sync import SyncControl
from inspan.model.task import Patience, TaskSpec, TerminalSpec
from inspan.settings import locate
from tests.fakes import busy_terminal
from tests.real.cockpit import Cockpit
from tests.real.console import Console
from tests.real.daemon import until
from tests.real.pressing import Rounds, on_the_list, selected

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1800), pytest.mark.requirement("E4")]

SECONDS = float(os.environ.get("INSPAN_SOAK_SECONDS", "600"))
#: Until then the histories of the terminals are as long as they get (5000 rows), and caches full.
WARM = min(300.0, SECONDS / 2)
TERMINALS = 20
MB = 2**20


def busy(console: Console) -> None:
    """Twenty programs that draw all the time, each on a terminal."""
    kinds = busy_terminal.KINDS
    environment = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "LANG": "C.UTF-8"}
    specs = [
        TaskSpec(
            command=(sys.executable, busy_terminal.__file__, kind, f"worker-{number}"),
            cwd="/",
            name=f"{kind} {number}",
            env=environment,
            terminal=TerminalSpec(pty=True, cols=100, rows=30),
            patience=Patience(deadline=None, idle=None, lifted=True),
        )
        for number in range(TERMINALS)
        for kind in [kinds[number % len(kinds)]]
    ]
    console.say("up")
    with SyncControl(locate(console.env).daemon_socket) as control:
        control.submit_all(specs)
        until(lambda: control.list().counts.get("running", 0) == TERMINALS, "all run")


def slope(points: list[tuple[float, float]]) -> float:
    """By how much it grows in a second: the line of the least squares."""
    times, values = zip(*points, strict=True)
    middle, level = sum(times) / len(times), sum(values) / len(values)
    over = sum((at - middle) * (value - level) for at, value in points)
    return float(over / sum((at - middle) ** 2 for at in times))


def share(values: list[float], part: float) -> float:
    return sorted(values)[int(len(values) * part)]


def test_it_stays_small_quick_and_calm_beside_twenty_busy_terminals() -> None:
    config = f"roles: {{default: {TERMINALS}, worker: {TERMINALS}}}\n"
    with Console(config) as console:
        busy(console)
        with Cockpit(console) as cockpit:
            cockpit.sees(lambda rows: on_the_list(rows) and selected(rows))
            person = Rounds(cockpit)
            going = person.go(WARM + SECONDS)
            warm = time.monotonic() + WARM
            while time.monotonic() < warm:
                next(going)
            person.took.clear()
            begun, used, drawn = time.monotonic(), cockpit.processor(), cockpit.drawn
            memory: list[tuple[float, float]] = []
            for _ in going:
                memory.append((time.monotonic() - begun, float(cockpit.memory())))
                if memory[-1][0] // 60 > memory[len(memory) - 2][0] // 60:
                    print(f"  after {memory[-1][0]:.0f} s: {memory[-1][1] / MB:.1f} MB")
            took = time.monotonic() - begun
            used, drawn = cockpit.processor() - used, cockpit.drawn - drawn
            growth = slope(memory) * 600
            first, last = memory[0][1], memory[-1][1]
            for kind, some in sorted(person.took.items()):
                print(
                    f"  {kind:10} {len(some):4}  p50 {share(some, 0.5) * 1e3:5.1f} ms"
                    f"  p95 {share(some, 0.95) * 1e3:5.1f} ms"
                )
            late = share(person.all(), 0.95)
            print(
                f"{took:.0f} s, {person.rounds} rounds: {len(person.all())} keys,"
                f" p50 {share(person.all(), 0.5) * 1e3:.1f} ms,"
                f" p95 {late * 1e3:.1f} ms;"
                f" processor {used / took * 100:.1f} %, {drawn / took / 1024:.0f} KiB/s drawn;"
                f" memory {first / MB:.1f} → {last / MB:.1f} MB, {growth / MB:+.2f} MB per 10 min"
            )
            log = Path(locate(console.env).logs) / "tui.log"
            assert not log.exists() or not log.read_text(), log.read_text()
            person.home()  # elsewhere the key that quits leads back, or is the program's
            cockpit.press(b"q")
            assert cockpit.finish() == 0
    assert late < 0.05
    assert used / took < 0.4
    assert SECONDS < 300 or growth < MB  # a short look tells nothing of it
