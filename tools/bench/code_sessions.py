"""Code sessions beside ipykernel, in one run: straight to the worker, and through Control."""

from __future__ import annotations

import os
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tools.bench import code_rows, code_rows_crowd
from tools.bench.code_crowd import SETTLING
from tools.bench.measure import Found, alternate, in_a_child

#: Sides that all is measured of; through Control in process only what a round of it has.
SIDES = ("worker", "daemon", "ipykernel")


def run(folder: Path, *, quick: bool) -> Found:
    rounds, trips = (1, 100) if quick else (4, 500)
    plain = sides("code_plain", rounds, folder, trips, also=("here",))
    times = 1 if quick else 2
    interrupts = sides("code_interrupts", times, folder, 1 if quick else 2)
    size, more, seconds = (8, 16, 2) if quick else (50, 100, 60)
    crowds = {
        name: in_a_child(
            "code_crowd", name, folder, size, size if theirs else more, 1 if theirs else 3, seconds
        )
        for name, theirs in (("worker", False), ("ipykernel", True), ("daemon", False))
    }
    rows = (
        *code_rows.trips(plain),
        *code_rows.starts(plain),
        *code_rows.output(plain),
        *code_rows.interrupts(interrupts),
        *code_rows_crowd.memory(plain, crowds),
        *code_rows_crowd.crowd(crowds),
        *code_rows_crowd.floors(plain, crowds),
    )
    return Found(rows=rows, notes=notes(plain, rounds, trips, times, seconds))


def sides(
    module: str, rounds: int, folder: Path, *words: object, also: tuple[str, ...] = ()
) -> dict[str, list[Any]]:
    """What each side found, round for round."""
    names = (*SIDES, *also)
    works = [partial(in_a_child, module, name, folder, *words) for name in names]
    found = alternate(rounds, *works)
    return dict(zip(names, map(list, zip(*found, strict=True)), strict=True))


def notes(
    plain: dict[str, list[Any]], rounds: int, trips: int, times: int, seconds: float
) -> tuple[str, ...]:
    by = ", ".join(plain["worker"][0]["confined"])
    same = {tuple(one["confined"]) for name in ("worker", "here", "daemon") for one in plain[name]}
    if len(same) != 1:
        raise RuntimeError(f"sessions are confined in different ways: {same}")
    return (
        f"{rounds} rounds, {trips} trips a round; {times} rounds of interrupts; one of the crowd,"
        f" in which ours were started three times and theirs once. Load {os.getloadavg()[1]:.1f}"
        " over the last five minutes.",
        "No word: by the host, straight to the worker. `Control`: `inspan.open()`, by the socket"
        " of a daemon, each cell followed by its events; `in process`: `inspan.open(here=True)`."
        " Ours are timed until the end of the cell is with the caller, output until its last byte.",
        f"ipykernel {version('ipykernel')} by the asyncio client of jupyter_client"
        f" {version('jupyter_client')}, over TCP as by default; timed until its reply, output"
        " until its last byte; its start with `wait_for_ready`.",
        f"Ours are confined as by default; of that, /proc shows: {by}. ipykernel is not confined.",
        "`spawned`: in an environment for which there is no zygote; `forked`: from a zygote that"
        " is ready; `from a pool`: taken from one that has it ready, by the host, which begins to"
        " fill it again meanwhile. Control has no pool.",
        "PSS of a session: of its process and all of that one's descendants, from smaps_rollup;"
        " a page that several have counts in parts. Among 50, a part of the zygote is added to"
        " each. Keeper, guardian and daemon serve all sessions, and are told apart.",
        "Lost: bytes of lines that did not come whole; displaced: of lines that came where they"
        " do not belong, in all rounds together.",
        "An interrupt comes 0.5 s after the cell was sent, and is timed until the cell's end is"
        " known. What awaits does so for 2 s: 1.5 s is what a kernel takes that cannot interrupt"
        " it.",
        f"Idle CPU: of one processor over {seconds:g} s, as the scheduler counts it, from"
        f" {SETTLING:g} s after the last start on. A session of ours at rest gives a sign of life"
        " every five minutes, which is not in it.",
    )
