"""The demo, as a new user would run it."""

from __future__ import annotations

import json
import signal
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest

from tests.real.console import Console


@pytest.mark.timeout(150)
@pytest.mark.requirement("A4", "B5", "B7")
def test_the_demo_ends_green_and_leaves_nothing() -> None:
    with Console() as console:
        # A place of its own, since others may run a demo meanwhile.
        with (
            tempfile.TemporaryDirectory(dir="/tmp") as place,
            console.start("demo", "--json", env={"TMPDIR": place}) as process,
        ):
            out, err = process.communicate(timeout=120)
            left = [path.name for path in Path(place).iterdir()]
        told = json.loads(out)
        assert (told["troubles"], process.returncode, err) == ([], 0, b"")
        assert len(told["tasks"]) >= 6
        assert len(told["daemons"]) == 2
        assert told["adopted"] >= 3
        assert left == []


@pytest.mark.timeout(240)
@pytest.mark.requirement("A3", "A6", "A7", "B5")
def test_the_demo_of_a_goal_ends_green_and_leaves_nothing() -> None:
    with Console() as console:
        with (
            tempfile.TemporaryDirectory(dir="/tmp") as place,
            console.start("demo", "goal", "--json", env={"TMPDIR": place}) as process,
        ):
            out, err = process.communicate(timeout=200)
            left = [path.name for path in Path(place).iterdir()]
        told = json.loads(out)
        assert (told["troubles"], process.returncode, err) == ([], 0, b"")
        assert told["goal"]["state"] == "completed"
        assert {one["state"] for one in told["steps"]} == {"done"}
        assert len(told["daemons"]) == 2
        assert told["adopted"] >= 3
        assert told["tests"] == "Ran 9 tests: OK; Ran 5 tests: OK"
        assert left == []


@pytest.mark.timeout(240)
@pytest.mark.requirement("B5", "B7")
@pytest.mark.parametrize("word", ["hands shipping", "a new daemon has taken over"])
def test_a_demo_of_a_goal_that_is_interrupted_leaves_nothing(word: str) -> None:
    with (
        Console() as console,
        tempfile.TemporaryDirectory(dir="/tmp") as place,
        console.start("demo", "goal", env={"TMPDIR": place}) as process,
    ):
        assert process.stdout is not None
        while (line := process.stdout.readline()) and word.encode() not in line:
            pass
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=100)
        assert process.returncode == 130
        assert [path.name for path in Path(place).iterdir()] == []
        assert not [told for told in _running() if place in told]


def _running() -> list[str]:
    """The command lines and environments of what runs, where they may be read."""
    told = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            told.append((folder / "cmdline").read_text() + (folder / "environ").read_text())
    return told


@pytest.mark.timeout(150)
@pytest.mark.requirement("B5", "B7")
@pytest.mark.parametrize("word", ["running", "kill -9 of the daemon"])
def test_a_demo_that_is_interrupted_leaves_nothing(word: str) -> None:
    with (
        Console() as console,
        tempfile.TemporaryDirectory(dir="/tmp") as place,
        console.start("demo", env={"TMPDIR": place}) as process,
    ):
        assert process.stdout is not None
        while (line := process.stdout.readline()) and word.encode() not in line:
            pass
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        assert process.returncode == 130
        assert [path.name for path in Path(place).iterdir()] == []
