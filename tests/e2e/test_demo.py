"""The demo, as a new user would run it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.real.console import Console


@pytest.mark.timeout(150)
@pytest.mark.requirement("A4", "B5", "B7")
def test_the_demo_ends_green_and_leaves_nothing() -> None:
    with Console() as console:
        before = {path.name for path in Path("/tmp").glob("inspan-demo-*")}
        with console.start("demo", "--json") as process:
            out, err = process.communicate(timeout=120)
        told = json.loads(out)
        assert (told["troubles"], process.returncode, err) == ([], 0, b"")
        assert len(told["tasks"]) >= 6
        assert len(told["daemons"]) == 2
        assert told["adopted"] >= 3
        assert {path.name for path in Path("/tmp").glob("inspan-demo-*")} <= before
