"""Results that wait to be merged: which goes first, and what a person says of one meanwhile."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_goal import (
    PATIENCE,
    begin,
    console,
    ended,
    git,
    merged,
    of_goal,
    step,
    task,
)
from tests.real.console import Console
from tests.real.daemon import until

pytestmark = [pytest.mark.timeout(240), pytest.mark.requirement("A3", "A7")]
__all__ = ["console"]

STEPS = [
    step("first", "write first.txt x"),
    step("one", "await {go}\nappend a.txt one"),
    step("two", "await {go}\nappend a.txt two"),
    step("fits", "await {go}\nwrite d.txt x"),
]


def shown(console: Console) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in json.loads(console.say("goal", "show", "--json"))["steps"]}


def states(console: Console) -> list[str]:
    return [one["state"] for one in shown(console).values()]


def test_what_fits_goes_first_and_what_is_sent_back_meanwhile_is_reviewed_anew(
    console: Console,
) -> None:
    hold = console.home / "hold"
    goal = _all_wait(console, hold)
    told = "one and two will not go together: a.txt", "two and one will not go together: a.txt"
    until(lambda: any(text in console.say("logs", goal) for text in told), "a forecast", PATIENCE)
    one = shown(console)["one"]["task"]
    console.say("send-back", one, "--finding", "again")
    until(lambda: _is_done_again(console, one), "it to be done again", PATIENCE)
    hold.unlink()
    assert ended(console, goal)["state"] == "completed"
    assert sorted(merged(console, goal, "a.txt").split()) == ["one", "two", "zero"]
    reviewed = [made["spec"]["labels"].get("of", "") for made in of_goal(console, goal)]
    assert {f"{one}:1:0", f"{one}:2:0"} <= set(reviewed)
    branch = f"inspan/goal-{goal[-6:]}"
    log = git(console, "log", "--first-parent", "--reverse", "--format=%s", branch).splitlines()
    assert log[1:3] == ["first", "fits"]


def test_what_waits_for_its_turn_is_not_done_again_where_the_goal_is_interrupted(
    console: Console,
) -> None:
    hold = console.home / "hold"
    goal = _all_wait(console, hold)
    console.say("interrupt", goal)
    assert states(console)[1:] == ["merging"] * 3
    hold.unlink()
    console.say("resume", goal)
    assert ended(console, goal)["state"] == "completed"
    assert sorted(merged(console, goal, "a.txt").split()) == ["one", "two", "zero"]
    for one in shown(console).values():
        assert task(console, one["task"])["attempt"] == 1, one


def _all_wait(console: Console, hold: Path) -> str:
    """A goal whose first result is held as it is merged, while all others wait for their turn."""
    go = console.home / "go"
    hold.touch()
    plan = json.dumps({"steps": STEPS}).replace("{go}", str(go))
    # The check of what is merged first waits: only there the file is a part of the repository.
    waits = f"while [ -e '{hold}' ]; do sleep 0.1; done"
    check = f"git ls-files --error-unmatch first.txt || exit 0; {waits}"
    goal = begin(console, "--yes", "--check", check, goal=f"ANSWER {plan}")
    checks = ("check", "first")
    until(lambda: checks in map(_what, of_goal(console, goal)), "the first to merge", PATIENCE)
    go.touch()
    until(lambda: states(console) == ["merging"] * 4, "all to wait", PATIENCE)
    works = sorted(one["id"] for one in of_goal(console, goal) if _what(one)[0] == "apply")
    assert works == [shown(console)[one["name"]]["task"] for one in STEPS]
    return goal


def _is_done_again(console: Console, ref: str) -> bool:
    seen = task(console, ref)
    return (seen["attempt"], seen["state"]) == (2, "processing") and seen["exit"] is not None


def _what(made: dict[str, Any]) -> tuple[str, str | None]:
    labels = made["spec"]["labels"]
    return labels["phase"], labels.get("step")
