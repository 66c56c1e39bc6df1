"""What a daemon, a keeper and its guardian cost while a hundred sessions sleep."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from inspan.model.task import TerminalSpec
from tools.bench.homes import Home, home
from tools.bench.measure import Found, Row, digits
from tools.bench.processes import Memory, children, cpu, memory

SESSIONS = 100
SETTLING = 2.0
MEGA = 1e6


def run(folder: Path, *, quick: bool) -> Found:
    seconds = 5.0 if quick else 20.0
    with home(folder, f"roles: {{default: {SESSIONS}}}\n") as made:
        made.start()
        daemon, keeper = made.pids()
        # Before there is a session the keeper's children are its own helpers: the guardian.
        pids = (daemon, keeper, *children(keeper))
        before = [memory((pid,)) for pid in pids]
        fill(made)
        time.sleep(SETTLING)
        used = [cpu(pid) for pid in pids]
        time.sleep(seconds)
        shares = [(cpu(pid) - then) / seconds * 100 for pid, then in zip(pids, used, strict=True)]
        after = [memory((pid,)) for pid in pids]
    together = [sum(one.rss for one in after), sum(one.pss for one in after)]
    return Found(
        rows=(
            Row(
                what=f"CPU of daemon + keeper + guardian, {SESSIONS} sleeping sessions",
                ours=f"{sum(shares):.2f} % (daemon {shares[0]:.2f}, keeper {shares[1]:.2f},"
                f" guardian {sum(shares[2:]):.2f})",
                goal="< 1 %",
                met=sum(shares) < 1,
            ),
            Row(
                what="memory of all three, RSS, without screens",
                ours=f"{digits(together[0] / MEGA)} MB ({of_each(after, 'rss')})",
                goal="< 100 MB",
                met=together[0] < 100 * MEGA,
            ),
            Row(
                what="the same, PSS",
                ours=f"{digits(together[1] / MEGA)} MB ({of_each(after, 'pss')})",
            ),
            Row(
                what="the same, RSS, before the first session",
                ours=f"{digits(sum(one.rss for one in before) / MEGA)} MB"
                f" ({of_each(before, 'rss')})",
            ),
        ),
        notes=(
            f"{SESSIONS} tasks `sleep 1000` on terminals, all running; CPU from /proc over"
            f" {seconds:g} s, after {SETTLING:g} s to settle.",
        ),
    )


def of_each(found: list[Memory], name: str) -> str:
    daemon, keeper, *guardian = (getattr(one, name) / MEGA for one in found)
    return f"daemon {digits(daemon)}, keeper {digits(keeper)}, guardian {digits(sum(guardian))}"


def fill(made: Home) -> None:
    """All sessions running."""
    spec = replace(made.spec("sleep", "1000"), terminal=TerminalSpec(pty=True))
    with made.control() as control:
        control.submit_all([spec] * SESSIONS)
        end = time.monotonic() + 60
        while control.list().counts.get("running", 0) < SESSIONS:
            if time.monotonic() > end:
                raise TimeoutError(f"not all sessions run: {control.list().counts}")
            time.sleep(0.1)
