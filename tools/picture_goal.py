"""The goal of `inspan demo goal` for a picture: it is really planned, done, reviewed and merged."""

from __future__ import annotations

import json
from typing import Final

from inspan.cli import demo_goal
from tests.real.console import Console

#: Seconds that each step takes: long enough to be drawn in the middle of it.
TAKES: Final = 5.0


def goal(console: Console) -> None:
    """Hand it in; its plan needs no approval."""
    stage = console.home / "demo"
    stage.mkdir()
    place = demo_goal.prepare(stage)
    script = stage / "agents" / "script.json"
    script.write_text(json.dumps(json.loads(script.read_text()) | {"takes": TAKES}))
    (console.home / "config.yaml").write_text((stage / "state" / "config.yaml").read_text())
    console.say("goal", *demo_goal.words(place), "--detach")
