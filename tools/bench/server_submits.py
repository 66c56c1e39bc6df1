"""Tasks handed in by REST, beside the same engine asked in process; in batches; behind a queue."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tools.bench.measure import Found, Row, Series, alternate, digits, in_a_child
from tools.bench.server_submits_side import BATCH_MOST

#: Callers that hand in side by side, each waiting for its own commit.
CALLERS = (1, 8, 32)
QUEUED = 10_000


def run(folder: Path, *, quick: bool) -> Found:
    rounds, each = (2, 200) if quick else (3, 800)
    rows = [
        beside_the_engine(folder, callers, each, rounds, apart=apart)
        for callers in CALLERS
        for apart in (False, True)
        if callers > 1 or not apart
    ]
    return Found(
        rows=(*rows, in_batches(folder, rounds, quick=quick), behind(folder, 400, rounds)),
        notes=(
            f"By the client for asyncio and the Unix socket; server and client have a process each,"
            f" and the engine in process has one. {rounds} rounds of {each} tasks for one caller,"
            " twice as many for 8, four times for 32; each task has an environment of 20 names.",
            "What callers of one client hand in while its request is under way goes in the next;"
            " with `a client each`, every task has a request of its own.",
            "What is handed in stays in the queue: one task at work has the only slot.",
            f"A batch is one POST of {BATCH_MOST} tasks, one after the other, as are the single.",
            "p99: of 400 tasks, one by one, which are added to the queue.",
        ),
    )


def rate(side: str, folder: Path, callers: int, tasks: int, batch: int = 1) -> float:
    told: float = in_a_child("server_submits_side", side, folder, callers, tasks, batch)
    return told


def beside_the_engine(folder: Path, callers: int, each: int, rounds: int, *, apart: bool) -> Row:
    tasks = each * {1: 1, 8: 2, 32: 4}[callers]
    found = alternate(
        rounds,
        lambda: rate("apart" if apart else "rest", folder, callers, tasks),
        lambda: rate("here", folder, callers, tasks),
    )
    ours, peer = (Series.of(column) for column in zip(*found, strict=True))
    who = "1 caller" if callers == 1 else f"{callers} callers"
    if not apart:
        return row(f"by REST : in process, {who}", ours, peer, 0.5)
    told = row(f"the same, a client each : in process, {who}", ours, peer, 0.5)
    return replace(told, goal="", met=None)


def in_batches(folder: Path, rounds: int, *, quick: bool) -> Row:
    found = alternate(
        rounds,
        lambda: rate("rest", folder, 1, 5_000 if quick else 10_000, BATCH_MOST),
        lambda: rate("rest", folder, 1, 200 if quick else 800),
    )
    ours, peer = (Series.of(column) for column in zip(*found, strict=True))
    return row("by REST in batches : one by one, 1 caller", ours, peer, 10)


def behind(folder: Path, tasks: int, rounds: int) -> Row:
    def p99(queued: int) -> float:
        told: list[float] = in_a_child("server_submits_side", "waits", folder, queued, tasks)
        return Series.of(told).share(0.99)

    found = alternate(rounds, lambda: p99(QUEUED), lambda: p99(0))
    ours, peer = (Series.of(column) for column in zip(*found, strict=True))
    times = ours.over(peer)
    return Row(
        what=f"one by REST, p99, behind {QUEUED} that wait : behind none",
        ours=ours.text(" ms", 1e3),
        peer=peer.text(" ms", 1e3),
        ratio=times.text("×"),
        goal="≤ 3×",
        met=times.median <= 3,
    )


def row(what: str, ours: Series, peer: Series, goal: float) -> Row:
    times = ours.over(peer)
    return Row(
        what=what,
        ours=ours.text("/s"),
        peer=peer.text("/s"),
        ratio=times.text("×"),
        goal=f"≥ {digits(goal)}×",
        met=times.median >= goal,
    )
