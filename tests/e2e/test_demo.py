"""The demo, as a new user would run it."""

from __future__ import annotations

import json
import signal
import tempfile
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
