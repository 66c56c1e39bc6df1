"""The Queen: a thousand trivial steps as one plan, and steps that wait beside one another."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from inspan.cli.goalread import Watched
from inspan.model.pursuit import StepState
from inspan.model.session import Output
from inspan.model.task import Task
from tools.bench.homes import INSPAN, Home, home
from tools.bench.measure import Found, Row, Series, alternate, digits

SLOTS = 5
WAITS = ("sleep", "1")
#: Of how many of the steps before it one waits at most, and how far back they lie.
AFTER, BACK = 2, 40
PATIENCE = 600.0
_OWN = re.compile(r"leading it took ([0-9.]+) ms")


def run(folder: Path, *, quick: bool) -> Found:
    steps, waiting, rounds = (100, 20, 1) if quick else (1000, 40, 3)
    return Found(
        rows=(*trivial(folder, steps, rounds), beside(folder, waiting, rounds)),
        notes=(
            f"A plan of {steps} steps `true`, each after up to {AFTER} of the {BACK} before it,"
            " without worktrees and reviews, 8 slots: from `inspan goal --plan` until the goal is"
            " known to be over. Her processor time is what her own process says of itself.",
            f"{waiting} steps `{' '.join(WAITS)}` that need not wait for one another, {SLOTS}"
            " slots; one after the other: the same commands by subprocess.",
        ),
    )


def trivial(folder: Path, steps: int, rounds: int) -> tuple[Row, ...]:
    took, own = [], []
    for number in range(rounds):
        with home(folder, "roles: {default: 8}\n") as made:
            made.start()
            seconds, goal = pursued(made, plan_of(steps, number))
            took.append(seconds)
            own.append(processor(made, goal))
    whole, each = Series.of(took), Series.of(own)
    return (
        Row(
            what=f"{steps} trivial steps as one plan",
            ours=whole.text(" s"),
            ratio=f"{digits(steps / whole.median)} steps/s",
            goal="< 60 s",
            met=max(whole.values) < 60,
        ),
        Row(what="her own processor time for each of them", ours=each.text(" ms")),
    )


def beside(folder: Path, steps: int, rounds: int) -> Row:
    plan = [step(str(number), WAITS, ()) for number in range(steps)]
    with home(folder, f"roles: {{default: {SLOTS}}}\n") as made:
        made.start()
        pairs = list(alternate(rounds, lambda: pursued(made, plan)[0], lambda: in_turn(steps)))
    mine, theirs = (Series.of(column) for column in zip(*pairs, strict=True))
    times = theirs.over(mine)
    return Row(
        what=f"{steps} steps that wait 1 s each, {SLOTS} slots : one after the other",
        ours=mine.text(" s"),
        peer=theirs.text(" s"),
        ratio=f"{times.text('×')} as fast",
        goal="≥ 3.80×",
        met=times.median >= 3.8,
    )


def in_turn(steps: int) -> float:
    began = perf_counter()
    for _ in range(steps):
        subprocess.run(WAITS, check=True, capture_output=True)
    return perf_counter() - began


def step(name: str, command: Sequence[str], after: Sequence[str]) -> dict[str, Any]:
    """One that runs a command in the folder of the goal, and is looked at by nobody."""
    return {
        "name": name,
        "provider": "shell",
        "command": list(command),
        "workspace": "here",
        "review": False,
        "after": list(after),
    }


def plan_of(steps: int, seed: int) -> list[dict[str, Any]]:
    """A graph without a circle, always the same for a seed."""
    chance = random.Random(seed)
    plan = []
    for number in range(steps):
        near = range(max(0, number - BACK), number)
        before = chance.sample(near, min(len(near), chance.randint(0, AFTER)))
        plan.append(step(str(number), ("true",), [str(one) for one in before]))
    return plan


def pursued(made: Home, plan: list[dict[str, Any]]) -> tuple[float, Task]:
    """How long a goal of that plan took. Raises RuntimeError where a step was not done."""
    place = repository(made)
    file = place / ".git" / "plan.json"
    file.write_text(json.dumps({"steps": plan}))
    began = perf_counter()
    words = ("goal", "--plan", str(file), "--reviewer", "none", "--cwd", str(place), "--detach")
    said = subprocess.run(
        [INSPAN, *words], env=made.env, capture_output=True, text=True, check=True
    )
    with made.control() as control:
        goal = control.wait(said.stdout.strip(), timeout=PATIENCE)
        took = perf_counter() - began
        told = Watched(control, goal)
        told.read()
    undone = [one for one in told.story.pursuit.steps if one.state is not StepState.DONE]
    if undone or len(told.story.pursuit.steps) != len(plan):
        raise RuntimeError(f"{len(undone)} of {len(plan)} steps were not done: {goal.reason}")
    return took, goal


def repository(made: Home) -> Path:
    place = made.places.state_dir / "repository"
    if not place.exists():
        place.mkdir()
        env = {"PATH": os.environ["PATH"], "HOME": str(place), "GIT_CONFIG_NOSYSTEM": "1"}
        who = ("-c", "user.name=n", "-c", "user.email=a@b")
        for words in (("init", "--quiet"), (*who, "commit", "-qm", "first", "--allow-empty")):
            subprocess.run(["git", "-C", str(place), *words], env=env, check=True)
    return place


def processor(made: Home, goal: Task) -> float:
    """Milliseconds for each step, as the Queen says at the end."""
    with made.control() as control:
        said, offset = b"", 0
        while chunks := control.read(goal.id, offset, 1 << 20):
            new = b"".join(chunk.data for chunk in chunks if isinstance(chunk, Output))
            said, offset = said + new, offset + len(new)
            if not new:
                break
    found = _OWN.search(said.decode())
    if found is None:
        raise RuntimeError("she did not say how much processor time she took")
    return float(found[1])
