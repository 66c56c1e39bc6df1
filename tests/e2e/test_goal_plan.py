"""The plan of a real goal by ``inspan plan``: shown, replaced while it is asked, approved."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.test_goal import begin, console, ended, merged, untouched
from tests.real.console import Console
from tests.real.daemon import until

pytestmark = [pytest.mark.timeout(240), pytest.mark.requirement("A6")]
__all__ = ["console"]

SHORTER = "steps:\n- name: only\n  prompt: write c.txt four\n  minutes: 2\n"


def shown(console: Console, goal: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(console.say("plan", "show", goal, "--json"))
    return told


def test_a_plan_is_shown_replaced_and_approved(console: Console) -> None:
    goal = begin(console)
    first: dict[str, Any] = ended(console, goal)["needs"]
    assert first["options"] == ["approve", "reject"]
    told = shown(console, goal)
    assert (told["version"], told["order"]) == (1, ["one", "two", "three"])
    assert told["minutes"] == {"sum": 3, "longest": 2}
    assert "└─ three" in console.say("plan", "show", "last")
    file = console.home / "plan.yaml"
    file.write_text(SHORTER)
    assert "version 2 of the plan: 1 step" in console.say("plan", "edit", goal, "--file", str(file))

    def asked_anew() -> bool:
        needs: dict[str, Any] = ended(console, goal).get("needs") or first
        return bool(needs["id"] != first["id"])

    until(asked_anew, "the other plan is asked about")
    assert "version 2 of the plan is approved" in console.say("plan", "approve", "last")
    assert ended(console, goal)["state"] == "completed"
    assert merged(console, goal, "c.txt") == "four\n"
    assert merged(console, goal, "a.txt") == "zero\n"
    refused = console.run("plan", "edit", goal, "--file", str(file))
    assert (refused.returncode, b"completed" in refused.stderr) == (2, True)
    untouched(console)
