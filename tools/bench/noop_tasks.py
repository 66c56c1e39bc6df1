"""No-op tasks of one step: through Engine and store, through DBOS, and as a bare loop of rows."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

from tools.bench.measure import Found, Row, Series, alternate, digits, in_a_child

#: Callers that submit side by side, each waiting for its own commit; and as many slots.
FLIGHTS = (1, 4, 32, 128)
POLLS = (0.02, 0.005, 0.001)


def run(folder: Path, *, quick: bool) -> Found:
    tasks, rounds = (2000, 2) if quick else (8000, 5)
    dbos = beside_dbos(folder, tasks, rounds, 100 if quick else 600)
    loops = [beside_bare(folder, tasks, rounds, flight) for flight in FLIGHTS]
    return Found(
        rows=(*dbos.rows, *(row for loop in loops for row in loop.rows)),
        notes=(*dbos.notes, *(note for loop in loops for note in loop.notes)),
    )


def beside_dbos(folder: Path, tasks: int, rounds: int, theirs: int) -> Found:
    flight = FLIGHTS[-1]
    poll = fastest_poll(folder, theirs // 2)
    found = alternate(
        rounds,
        lambda: in_a_child("noop_engine", folder, tasks, flight, flight),
        lambda: in_a_child("noop_dbos", folder, theirs, "queue", poll),
        lambda: in_a_child("noop_dbos", folder, theirs, "direct"),
    )
    engines, queues, directs = zip(*found, strict=True)
    ours = rates(tasks, engines)
    changes = median(run["changes"] for run in engines)
    return Found(
        rows=(
            row("Engine and store : DBOS, its queue", ours, rates(theirs, queues), 20.0),
            row("the same : DBOS, called without a queue", ours, rates(theirs, directs), None),
        ),
        notes=(
            f"{tasks} tasks of ours a round, {flight} callers that each wait for their own commit,"
            f" {flight} slots, {changes_of(engines).text()} changes in a transaction of the store,"
            f" {changes / tasks:.1f} to a task; {theirs} workflows of DBOS.",
            f"DBOS 3.4.0 on SQLite {queues[0]['sqlite']}, {queues[0]['settings']} as ours, on the"
            f" same file system, polling every {poll * 1000:g} ms, the fastest of"
            f" {', '.join(f'{one * 1000:g}' for one in POLLS)} here; timed with its queue at work.",
        ),
    )


def beside_bare(folder: Path, tasks: int, rounds: int, flight: int) -> Found:
    with tempfile.TemporaryDirectory(dir=folder) as here:
        kept = Path(here) / "rows"
        whole = in_a_child("noop_engine", folder, tasks, flight, flight, kept)
        found = alternate(
            rounds,
            lambda: in_a_child("noop_engine", folder, tasks, flight, flight),
            lambda: in_a_child("noop_bare", folder, kept),
        )
        engines, bares = zip(*found, strict=True)
    what = f"the same, {flight} in flight : bare sqlite3 loop, same rows and groups"
    return Found(
        rows=(row(what, rates(tasks, engines), rates(tasks, bares), 0.4),),
        notes=(
            f"With {flight} in flight a transaction of the store had {changes_of(engines).text()}"
            f" changes; the bare loop had those of a run just before,"
            f" {whole['changes'] / whole['batches']:.0f} in a transaction.",
        ),
    )


def rates(tasks: int, runs: tuple[Mapping[str, float], ...]) -> Series:
    return Series.of(tasks / run["seconds"] for run in runs)


def changes_of(runs: tuple[Mapping[str, Any], ...]) -> Series:
    return Series.of(round(run["changes"] / run["batches"]) for run in runs)


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
