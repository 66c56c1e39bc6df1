"""What a daemon and a keeper cost while a hundred sessions sleep."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from inspan.model.task import TerminalSpec
from tools.bench.homes import Home, home
from tools.bench.measure import Found, Row, digits
from tools.bench.processes import Memory, cpu, memory

SESSIONS = 100
SETTLING = 2.0
MEGA = 1e6


def run(folder: Path, *, quick: bool) -> Found:
    seconds = 5.0 if quick else 20.0
    with home(folder, f"roles: {{default: {SESSIONS}}}\n") as made:
        made.start()
        pids = made.pids()
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
                what=f"CPU of daemon + keeper, {SESSIONS} sleeping sessions",
                ours=f"{sum(shares):.2f} % (daemon {shares[0]:.2f}, keeper {shares[1]:.2f})",
                goal="< 1 %",
                met=sum(shares) < 1,
            ),
            Row(
                what="memory of both, RSS, without screens",
                ours=f"{digits(together[0] / MEGA)} MB ({of_both(after, 'rss')})",
                goal="< 100 MB",
                met=together[0] < 100 * MEGA,
            ),
            Row(
                what="the same, PSS",
                ours=f"{digits(together[1] / MEGA)} MB ({of_both(after, 'pss')})",
            ),
            Row(
                what="the same, RSS, before the first session",
                ours=f"{digits(sum(one.rss for one in before) / MEGA)} MB"
                f" ({of_both(before, 'rss')})",
            ),
        ),
        notes=(
            f"{SESSIONS} tasks `sleep 1000` on terminals, all running; CPU from /proc over"
            f" {seconds:g} s, after {SETTLING:g} s to settle.",
        ),
    )


def of_both(found: list[Memory], name: str) -> str:
    daemon, keeper = (getattr(one, name) / MEGA for one in found)
    return f"daemon {digits(daemon)}, keeper {digits(keeper)}"


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
