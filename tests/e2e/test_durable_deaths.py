"""Durable functions in processes that are killed: at boundaries, within steps, at any moment."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from inspan import durable
from inspan.model.promise import Promise
from inspan.store.sqlite import SqliteStore
from inspan.store.verify import verify

pytestmark = pytest.mark.requirement("D6", "D8")

ROOT = Path(__file__).parents[2]
#: Every boundary in turn, and the inside of every step.
POINTS = [
    "before one", "begin one", "done one", "after one",
    "begin bad", "after bad",
    "asleep", "after sleep",
    "begin wide 1", "done wide 2", "after wide",
    "begin inside 0", "done inside 1", "after inner",
    "pending approval", "after approval",
    "begin two", "done two", "after two",
]  # fmt: skip
STEPS = ["one", "bad", "wide 0", "wide 1", "wide 2", "inside 0", "inside 1", "two"]


def start(folder: Path, point: str = "") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.real.deaths", str(folder), point],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), *sys.path))},
    )


def run(folder: Path, point: str = "") -> tuple[int, str]:
    with start(folder, point) as process:
        try:
            told, _ = process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return process.returncode, told


def lines(folder: Path) -> list[str]:
    return (folder / "log").read_text().splitlines() if (folder / "log").exists() else []


def approve(folder: Path) -> None:
    """As another process would, while nobody else has the folder open."""

    async def settle() -> None:
        async with durable.open(folder) as runtime:
            await runtime.promises.resolve("approval", {"by": "somebody"}, key="k")

    asyncio.run(settle())


def stored(folder: Path, promise: str) -> Promise:
    async def read() -> Promise:
        store = await SqliteStore.open(folder / "durable.db")
        found = await store.promise(promise)
        await store.close()
        assert found is not None
        return found

    return asyncio.run(read())


def right(value: list[Any]) -> bool:
    one, chance, bad, *rest = value
    return (
        one == 7
        and 0 <= chance < 1
        and bad == "the step 'bad' failed: ValueError: bad"
        and rest == [0, 1, 2, 0, 1, {"by": "somebody"}, {"last": True}]
    )


def test_a_run_that_is_killed_at_every_boundary_and_within_every_step(tmp_path: Path) -> None:
    seen: list[float] = []
    for number, point in enumerate(POINTS):
        before = len(lines(tmp_path))
        assert run(tmp_path, point)[0] == -signal.SIGKILL, point
        assert lines(tmp_path)[-1] == point
        fresh = lines(tmp_path)[before:]
        # What a death left behind it is never begun again.
        for earlier in POINTS[:number]:
            if earlier.startswith("after"):
                gone = before_in_the_function(earlier)
                assert not [line for line in fresh if line in gone], (point, earlier)
        if point == "asleep":
            seen.append(slept(tmp_path))
        if point == "pending approval":
            approve(tmp_path)
    code, told = run(tmp_path)
    assert code == 0
    value = json.loads(told)
    assert right(value)
    assert run(tmp_path) == (0, told)
    begun = Counter(line for line in lines(tmp_path) if line.startswith("begin"))
    # One that was killed within is begun again; `bad` has two tries after each death.
    assert begun["begin one"] == begun["begin two"] == 3
    assert begun["begin bad"] == 3
    assert sum(begun[f"begin wide {number}"] for number in range(3)) <= 3 * 3
    assert seen[0] == stored(tmp_path, "r/4").completed_at
    assert verify(tmp_path / "durable.db").problems == ()


def before_in_the_function(point: str) -> set[str]:
    """The steps that were stored when the function got to ``point``."""
    order = {"after one": 1, "after bad": 2, "after sleep": 2, "after wide": 5, "after inner": 7}
    return {f"begin {step}" for step in STEPS[: order.get(point, 7 + (point == "after two"))]}


def slept(folder: Path) -> float:
    """Let the time of the sleep pass while nobody lives; when it was."""
    sleeping = stored(folder, "r/4")
    assert not sleeping.settled
    assert sleeping.timeout_at is not None
    while time.time() <= sleeping.timeout_at:
        time.sleep(0.01)
    return sleeping.timeout_at


def test_a_run_that_is_killed_at_any_moment(tmp_path: Path) -> None:
    """Whatever the moment: a step whose successor has begun is never begun again."""
    asyncio.run(asked(tmp_path))
    code = -signal.SIGKILL
    for number in range(40):
        with start(tmp_path) as process:
            assert process.stdout is not None
            had = len(lines(tmp_path))
            deadline = time.monotonic() + 30
            # The line to die behind comes later each time, and the moment after it is chance's.
            while process.poll() is None and len(lines(tmp_path)) < had + 1 + number % 3:
                assert time.monotonic() < deadline
                time.sleep(0.0005)
            if number < 8:
                process.kill()
            told = process.communicate(timeout=30)[0]
            code = process.returncode
        assert code in (0, -signal.SIGKILL)
        if code == 0:
            break
    assert code == 0
    assert right(json.loads(told))
    log = lines(tmp_path)
    for before, after in (("one", "bad"), ("bad", "wide 0"), ("wide 2", "inside 0"),
                          ("inside 1", "two")):  # fmt: skip
        begun = [place for place, line in enumerate(log) if line == f"begin {before}"]
        assert max(begun) < log.index(f"begin {after}")


async def asked(folder: Path) -> None:
    """The promise is there and settled before anybody asks for it."""
    async with durable.open(folder) as runtime:
        await runtime.promises.create("approval")
        await runtime.promises.resolve("approval", {"by": "somebody"})
