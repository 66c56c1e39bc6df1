"""Tasks side by side: how long they take, what memory they need, and ten thousand of them."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter

from inspan.client.sync import SyncControl
from inspan.model.task import TERMINAL, TaskSpec
from tools.bench.concurrency_threads import MANY, WARMING, WORK
from tools.bench.homes import INSPAN, Home, home, until_ended
from tools.bench.measure import Found, Row, Series, alternate, digits, in_a_child
from tools.bench.processes import Memory, memory

TOGETHER = 10
#: Seconds between two looks with `inspan ls` while many tasks run.
LOOK = 0.5
#: The most tasks that one submission holds.
AT_ONCE = 1000


def run(folder: Path, *, quick: bool) -> Found:
    rounds, crowd = (1, 500) if quick else (5, 10_000)
    return Found(
        rows=(
            *side_by_side(folder, rounds),
            *room(folder, rounds),
            created_together(folder, rounds),
            *many(folder, crowd),
        ),
        notes=(
            f"Side by side: {MANY} tasks `{' '.join(WORK)}` in {MANY} slots, from the first submit"
            " until the last end is known to the client; one after the other: the same commands"
            " by subprocess.",
            "Memory: what is added while they run, to the daemon and the keeper or to a Python with"
            f" {MANY} threads that each wait in subprocess; PSS, the least of three looks, after"
            f" {WARMING} commands one by one; without the commands themselves.",
            f"The crowd: {crowd} tasks `true`, {AT_ONCE} a submission, 8 slots; `inspan ls` every"
            f" {LOOK:g} s as a command of its own.",
        ),
    )


def side_by_side(folder: Path, rounds: int) -> tuple[Row, ...]:
    with home(folder, f"roles: {{default: {MANY}}}\n") as made:
        made.start()

        def ours() -> float:
            began = perf_counter()
            with made.control() as control:
                tasks = control.submit_all([made.spec(*WORK)] * MANY)
                until_ended(control, {task.id for task in tasks})
            return perf_counter() - began

        pairs = list(alternate(rounds, ours, one_after_the_other))
    mine, theirs = (Series.of(column) for column in zip(*pairs, strict=True))
    times = theirs.over(mine)
    return (
        Row(
            what=f"{MANY} tasks that wait 1 s each, {MANY} slots",
            ours=mine.text(" s"),
            goal="< 1.3 s",
            met=mine.median < 1.3,
        ),
        Row(
            what="the same : one after the other",
            ours=mine.text(" s"),
            peer=theirs.text(" s"),
            ratio=f"{times.text('×')} as fast",
            goal="≥ 3.80×",
            met=times.median >= 3.8,
        ),
    )


def one_after_the_other() -> float:
    began = perf_counter()
    for _ in range(MANY):
        subprocess.run(WORK, check=True, capture_output=True)
    return perf_counter() - began


def room(folder: Path, rounds: int) -> tuple[Row, ...]:
    """What the tasks add to our processes, and to a process with threads."""
    pairs = list(alternate(rounds, lambda: our_room(folder), their_room))
    grown = [Series.of(pair[side][1] - pair[side][0] for pair in pairs) for side in (0, 1)]
    whole = [Series.of(pair[side][1] for pair in pairs) for side in (0, 1)]
    ours, theirs = grown
    return (
        Row(
            what=f"memory that {MANY} tasks add : {MANY} threads in subprocess",
            ours=ours.text(" kB", 1e-3),
            peer=theirs.text(" kB", 1e-3),
            ratio=f"{digits(ours.median / theirs.median)}×",
            goal="< 1×",
            met=ours.median < theirs.median,
        ),
        Row(
            what="memory of all of it: daemon and keeper : a Python with threads",
            ours=whole[0].text(" MB", 1e-6),
            peer=whole[1].text(" MB", 1e-6),
            ratio=f"{digits(whole[0].median / whole[1].median)}×",
        ),
    )


def our_room(folder: Path) -> tuple[float, float]:
    """Before, and while they run; PSS in bytes."""
    with home(folder, f"roles: {{default: {MANY}}}\n") as made:
        made.start()
        pids = made.pids()
        with made.control() as control:
            for _ in range(WARMING):
                until_ended(control, {control.submit(made.spec("true")).id})
            before = least(lambda: memory(pids))
            tasks = control.submit_all([made.spec(*WORK)] * MANY)
            time.sleep(0.5)
            during = least(lambda: memory(pids))
            until_ended(control, {task.id for task in tasks})
    return before, during


def their_room() -> tuple[float, float]:
    before, during = in_a_child("concurrency_threads")
    return float(before), float(during)


def least(look: Callable[[], Memory]) -> float:
    return min(look().pss for _ in "123")


def created_together(folder: Path, rounds: int) -> Row:
    """Ten callers at once, each with a connection of its own."""
    with home(folder) as made:
        made.start()
        took = Series.of(ten(made) for _ in range(rounds))
    return Row(
        what=f"{TOGETHER} tasks created together, by {TOGETHER} clients",
        ours=took.text(" ms", 1e3),
        goal="< 2 s, by far",
        met=took.median < 0.2,
    )


def ten(made: Home) -> float:
    gate = threading.Barrier(TOGETHER + 1)

    def create(_: int) -> str:
        with made.control() as control:
            control.health()  # connected
            gate.wait()
            return control.submit(made.spec("true")).id

    with ThreadPoolExecutor(TOGETHER) as pool:
        made_ids = pool.map(create, range(TOGETHER))
        gate.wait()
        began = perf_counter()
        tasks = set(made_ids)
        took = perf_counter() - began
    with made.control() as control:
        until_ended(control, tasks)
    return took


def submit_many(control: SyncControl, spec: TaskSpec, crowd: int) -> None:
    """As many at a time as the daemon takes."""
    for start in range(0, crowd, AT_ONCE):
        control.submit_all([spec] * min(AT_ONCE, crowd - start))


def many(folder: Path, crowd: int) -> tuple[Row, ...]:
    looks = []
    with home(folder, "roles: {default: 8}\n") as made:
        made.start()
        with made.control() as control:
            began = perf_counter()
            submit_many(control, made.spec("true"), crowd)
            submitted = perf_counter() - began
            while True:
                looked = perf_counter()
                subprocess.run([INSPAN, "ls"], env=made.env, check=True, capture_output=True)
                looks.append(perf_counter() - looked)
                counts = control.list().counts
                ended = sum(number for state, number in counts.items() if state in TERMINAL)
                if ended == crowd:
                    break
                if perf_counter() - began > 600:
                    raise TimeoutError(f"{counts} after 600 s")
                time.sleep(LOOK)
            took = perf_counter() - began
    seen = Series.of(looks)
    return (
        Row(
            what=f"`inspan ls` while {crowd} trivial tasks run: median, and the slowest",
            ours=seen.text(" ms", 1e3),
            goal="< 0.3 s, all of them",
            met=max(looks) < 0.3,
        ),
        Row(
            what=f"all {crowd} ended",
            ours=f"{counts.get('completed', 0)} completed in {took:.0f} s"
            f" ({crowd / took:.0f}/s; submitted in {submitted:.2f} s)",
            goal="all",
            met=counts.get("completed", 0) == crowd,
        ),
    )
