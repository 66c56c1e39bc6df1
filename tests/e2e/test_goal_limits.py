"""What keeps a goal within bounds, and what its programs are told."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_goal import begin, console, ended, git, of_goal, repository, step, task
from tests.real.console import Console
from tests.real.daemon import until

pytestmark = [pytest.mark.timeout(240), pytest.mark.requirement("A6", "C7")]
__all__ = ["console"]

#: It speaks as Claude Code does, and uses two tokens in each turn.
AGENT = Path(__file__).parents[1] / "fakes" / "turning_agent.py"


def _installed(console: Console) -> None:
    """Its turns end at once in the repository, and elsewhere when they are let."""
    folder = console.home / "bin"
    folder.mkdir()
    claude = folder / "claude"
    claude.write_text(f'#!/bin/sh\n[ "$1" = auth ] || exec {sys.executable} {AGENT}\n')
    claude.chmod(0o755)
    console.env["PATH"] = f"{folder}:{console.env['PATH']}"
    (repository(console) / "go-1").touch()


def _of(console: Console, goal: str, name: str) -> dict[str, Any]:
    found = [one for one in of_goal(console, goal) if one["spec"]["labels"].get("step") == name]
    return found[0] if found else {"state": "none"}


def _written(one: dict[str, Any]) -> tuple[int, int]:
    """What its agent wrote, in tokens: until the budget was raised or it began again, and since."""
    return one["used_before"]["written"], one["usage"]["written"]


def test_a_budget_is_that_of_all_its_tasks_and_one_that_is_raised_counts_on(
    console: Console,
) -> None:
    _installed(console)
    own = {"provider": "claude", "review": False}
    steps = [
        {**step("one", "x"), **own, "workspace": "here"},
        {**step("two", "x", "one"), **own, "workspace": "here"},
        {**step("three", "x", "two"), **own, "workspace": "folder"},
    ]
    plan = console.home / "plan.json"
    plan.write_text(json.dumps({"steps": steps}))
    goal = begin(console, "--plan", str(plan), "--budget", "3", goal="all three")
    stopped = ended(console, goal)
    assert (stopped["state"], stopped["reason"]["code"]) == ("interrupted", "budget")
    assert "--budget 6" in stopped["reason"]["hint"]
    assert _of(console, goal, "three")["state"] in ("none", "interrupted")
    refused = console.run("resume", goal)
    assert (refused.returncode, b"used up" in refused.stderr) == (2, True)
    console.say("resume", goal, "--budget", "100")
    until(lambda: _of(console, goal, "three")["state"] == "running", "the third step")
    Path(_of(console, goal, "three")["workspace"]["path"], "go-1").touch()
    assert ended(console, goal)["state"] == "completed"
    # The third may have begun, and have said something, before it heard that nothing is left.
    before, since = _written(task(console, goal))
    assert before >= 2
    assert before + since == sum(sum(_written(one)) for one in of_goal(console, goal))
    assert git(console, "log", "--format=%s", "main") == "first\n"


def test_steps_that_fail_alike_are_asked_about_before_others_begin(console: Console) -> None:
    steps = [step(f"s{number}", "fail 3") for number in range(12)]
    goal = begin(console, "--yes", goal=f"ANSWER {json.dumps({'steps': steps})}")
    needs = ended(console, goal)["needs"]
    assert "3 steps in a row came to the same" in json.dumps(needs)
    assert needs["options"] == ["go on", "stop"]
    console.say("answer", goal, "stop")
    told = ended(console, goal)
    assert told["state"] == "failed"
    assert "not begun: " in told["reason"]["message"]


def test_a_program_is_told_what_it_is_at(console: Console) -> None:
    told = {**step("tell", ""), "provider": "shell", "command": ["env"], "workspace": "folder"}
    plan = console.home / "plan.json"
    plan.write_text(json.dumps({"steps": [told]}))
    goal = begin(console, "--plan", str(plan), goal="tell")
    assert ended(console, goal)["state"] == "completed"
    (one,) = of_goal(console, goal)
    env = dict(line.split("=", 1) for line in console.say("logs", one["id"]).splitlines())
    marks = {f"INSPAN_{name}": env[f"INSPAN_{name}"] for name in ("GOAL", "STEP", "PHASE", "TASK")}
    assert marks == {
        "INSPAN_GOAL": goal,
        "INSPAN_STEP": "tell",
        "INSPAN_PHASE": "apply",
        "INSPAN_TASK": one["id"],
    }
    assert (env["INSPAN_ATTEMPT"], env["INSPAN_MODE"]) == ("1", "one-shot")
