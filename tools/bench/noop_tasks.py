"""No-op tasks of one step: through Engine and store, through DBOS, and as a bare loop of rows."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools.bench.measure import Found, Row, Series, alternate, digits, in_a_child

#: Callers that submit side by side, and slots.
IN_FLIGHT = 256
POLLS = (0.02, 0.005, 0.001)


def run(folder: Path, *, quick: bool) -> Found:
    tasks, theirs, rounds = (2000, 100, 2) if quick else (10_000, 600, 5)
    poll = fastest_poll(folder, 100 if quick else 300)
    with tempfile.TemporaryDirectory(dir=folder) as here:
        kept = Path(here) / "rows"
        whole = in_a_child("noop_engine", folder, tasks, IN_FLIGHT, IN_FLIGHT, kept)

        def engine() -> Any:
            return in_a_child("noop_engine", folder, tasks, IN_FLIGHT, IN_FLIGHT)

        def bare() -> Any:
            return in_a_child("noop_bare", folder, kept)

        def queue() -> Any:
            return in_a_child("noop_dbos", folder, theirs, "queue", poll)

        def direct() -> Any:
            return in_a_child("noop_dbos", folder, theirs, "direct")

        rounds_of_all = list(alternate(rounds, bare, engine, queue, direct))
    bares, engines, queues, directs = zip(*rounds_of_all, strict=True)
    ours = rates(tasks, engines)
    loop = rates(tasks, bares)
    queued, called = rates(theirs, queues), rates(theirs, directs)
    sizes = Series.of(run["changes"] / run["batches"] for run in engines)
    return Found(
        rows=(
            row("Engine and store : DBOS, its queue", ours, queued, 20.0),
            row("Engine and store : bare sqlite3 loop, same rows and groups", ours, loop, 0.4),
            row("Engine and store : DBOS, called without a queue", ours, called, None),
        ),
        notes=(
            f"{tasks} tasks of ours and {theirs} of DBOS a round; {IN_FLIGHT} callers, each"
            f" waiting for its own commit, and {IN_FLIGHT} slots.",
            f"A batch of the store had {sizes.text()} changes, three to a task; the bare loop"
            f" wrote {whole['changes'] / whole['batches']:.0f} in a transaction, those of a run"
            " just before.",
            f"DBOS 3.4.0 on SQLite {queues[0]['sqlite']}, {queues[0]['settings']}, polling every"
            f" {poll * 1000:g} ms, the fastest of"
            f" {', '.join(f'{one * 1000:g}' for one in POLLS)} here.",
        ),
    )


def rates(tasks: int, runs: tuple[Mapping[str, float], ...]) -> Series:
    return Series.of(tasks / run["seconds"] for run in runs)


def row(what: str, ours: Series, peer: Series, goal: float | None) -> Row:
    times = ours.over(peer)
    return Row(
        what=what,
        ours=ours.text("/s"),
        peer=peer.text("/s"),
        ratio=times.text("×"),
        goal="" if goal is None else f"≥ {digits(goal)}×",
        met=None if goal is None else times.median >= goal,
    )


def fastest_poll(folder: Path, tasks: int) -> float:
    """The interval with which DBOS is fastest here, by the better of two tries each."""
    tries = {
        poll: min(in_a_child("noop_dbos", folder, tasks, "queue", poll)["seconds"] for _ in "12")
        for poll in POLLS
    }
    return min(tries, key=lambda poll: tries[poll])
