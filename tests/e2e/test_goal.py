"""A goal from words to merged work: a real daemon, real repositories, agents that cost nothing."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.real.console import MEASURED, Console
from tests.real.daemon import alive, until

pytestmark = [pytest.mark.timeout(240), pytest.mark.requirement("A3", "A6", "A7")]

#: A goal is a dozen of tasks: on a loaded machine they take their time.
PATIENCE = 150
AGENT = Path(__file__).parents[1] / "fakes" / "goal_agent.py"
ROLES = ("planner", "worker", "reviewer")
WHO = ("--planner", "planner", "--agent", "worker", "--reviewer", "reviewer")


def step(name: str, prompt: str, *after: str) -> dict[str, Any]:
    return {"name": name, "prompt": prompt, "after": list(after), "minutes": 1}


#: Two steps that change the same lines, one of them rejected once, and one that builds on both.
PLAN = {
    "summary": "three words",
    "steps": [
        step("one", "append a.txt one BUG"),
        step("two", "append a.txt two"),
        step("three", "write b.txt three", "one", "two"),
    ],
}


@pytest.fixture
def console() -> Iterator[Console]:
    config = f"{MEASURED}roles: {{default: 8, worker: 3}}\nproviders:\n"
    for role in ROLES:
        config += f"  {role}:\n    argv: [{sys.executable}, {AGENT}, {role}]\n    mode: stream\n"
    with Console(config) as console:
        git(console, "init", "--quiet", "-b", "main", str(repository(console)))
        (repository(console) / "a.txt").write_text("zero\n")
        git(console, "add", "a.txt")
        commit = ("-c", "user.name=n", "-c", "user.email=a@b", "commit", "--quiet", "-m", "first")
        git(console, *commit)
        (repository(console) / "mine.txt").write_text("not committed\n")
        yield console


def repository(console: Console) -> Path:
    return console.home / "the repository ü"


def git(console: Console, *words: str) -> str:
    place = repository(console)
    place.mkdir(exist_ok=True)
    ran = subprocess.run(["git", *words], cwd=place, capture_output=True, text=True, check=True)
    return ran.stdout


def begin(console: Console, *words: str, goal: str = f"ANSWER {json.dumps(PLAN)}") -> str:
    """The id of a goal that was handed in."""
    where = ("--cwd", str(repository(console)))
    return console.say("goal", goal, *WHO, *where, "--detach", *words)


def task(console: Console, ref: str) -> dict[str, Any]:
    return dict(json.loads(console.say("show", "--json", ref)))


def ended(console: Console, goal: str) -> dict[str, Any]:
    """The goal when it is over, or asks for somebody."""
    with console.start("wait", goal) as waiting:
        waiting.communicate(timeout=PATIENCE)
    return task(console, goal)


def of_goal(console: Console, goal: str) -> list[dict[str, Any]]:
    tasks = json.loads(console.say("ls", "--json", "--all"))["tasks"]
    return [one for one in tasks if one["spec"]["labels"].get("goal") == goal]


def merged(console: Console, goal: str, file: str) -> str:
    return git(console, "show", f"inspan/goal-{goal[-6:]}:{file}")


def untouched(console: Console) -> None:
    assert git(console, "status", "--porcelain") == "?? mine.txt\n"
    assert git(console, "log", "--format=%s", "main") == "first\n"
    assert (repository(console) / "a.txt").read_text() == "zero\n"


def test_a_goal_is_planned_done_reviewed_and_merged(console: Console) -> None:
    place = str(repository(console))
    words = ("goal", f"ANSWER {json.dumps(PLAN)}", *WHO, "--cwd", place, "--yes")
    up = console.home / "up"
    set_up = f'echo "$INSPAN_PHASE $INSPAN_STEP" >>"{up}"'
    with console.start(*words, "--check", "test -s a.txt", "--setup", set_up) as ran:
        out, err = ran.communicate(timeout=PATIENCE)
    assert ran.returncode == 0, (out, err)
    said = out.decode()
    assert "one: send back: a.txt:1: a BUG is in it" in said
    assert "in conflict: a.txt" in said
    assert "✓ one: worker, 2 attempts, " in said
    assert "3 of 3 done; leading it took " in said
    assert b"1 file here is not committed" in out + err
    (goal,) = goals(console)
    name = goal["id"][-6:]
    assert f"it is on inspan/goal-{name}: `inspan merge {name}` takes it over." in said
    # What was handed in last is the goal, though others came after it.
    assert "would merge inspan/goal-" in console.say("merge", "last", "--dry-run")
    assert goal["state"] == "completed"
    assert sorted(merged(console, goal["id"], "a.txt").split()) == ["one", "two", "zero"]
    assert merged(console, goal["id"], "b.txt") == "three\n"
    untouched(console)
    phases = Counter(
        (one["spec"]["labels"].get("step"), one["spec"]["labels"]["phase"])
        for one in of_goal(console, goal["id"])
    )
    assert {phases[name, "apply"] for name in ("one", "two", "three")} == {1}
    assert phases["one", "review"] >= 2
    # Each worktree is set up once, that of a step that was sent back too.
    done = Counter(up.read_text().splitlines())
    assert {done[f"apply {name}"] for name in ("one", "two", "three")} == {1}
    assert done["review one"] == phases["one", "review"]
    _told_in_words(console, goal["id"])
    # Planner, reviewers and checks leave no worktree behind.
    assert git(console, "worktree", "list", "--porcelain").count("worktree ") == 1
    # Nor do steps leave branches, and each can be looked at all the same.
    branches = git(console, "for-each-ref", "--format=%(refname:short)", "refs/heads").split()
    assert branches == [f"inspan/goal-{goal['id'][-6:]}", "main"]
    (three,) = [one for one in of_goal(console, goal["id"]) if one["spec"]["name"] == "three"]
    assert "+three" in console.say("diff", three["id"])


def _told_in_words(console: Console, goal: str) -> None:
    """What `inspan goal show`, `log` and `graph` say of it."""
    shown = json.loads(console.say("goal", "show", "--json"))
    steps = {one["name"]: one for one in shown["steps"]}
    assert {(one["state"], one["merged"]) for one in steps.values()} == {("done", True)}
    # Who brought two sides together was reviewed, too.
    assert steps["one"]["rounds"] >= 2
    assert steps["one"]["agent"] == "worker"
    for one in steps.values():
        git(console, "merge-base", "--is-ancestor", one["commit"], f"inspan/goal-{goal[-6:]}")
        assert one["started_at"] <= one["ended_at"]
    assert "3 of 3 steps done" in console.say("goal", "show", goal)
    log = console.say("goal", "log", "last")
    for sentence in (
        "asks planner",
        "hands three to worker",
        "sends one back, round 1: a.txt:1: a BUG is in it",
        "does not go together with what is merged: hands both to worker",
        f"one is merged as {steps['one']['commit'][:9]}",
        "the goal is completed: 3 of 3 done",
    ):
        assert sentence in log
    assert log.index("hands one to") < log.index("sends one back") < log.index("one is merged")
    assert console.say("goal", "graph", goal).count(" --> ") == 2
    drawn = ET.fromstring(console.say("goal", "graph", "--svg", goal))
    assert sum(node.tag.endswith("rect") for node in drawn.iter()) == 3
    watched = console.say("goal", "show", "--watch", goal)
    assert "✓ three  done" in watched


def goals(console: Console) -> list[dict[str, Any]]:
    """The goals, newest first."""
    tasks = json.loads(console.say("ls", "--json", "--all"))["tasks"]
    return [one for one in tasks if one["spec"]["kind"] == "goal"]


def test_a_plan_waits_for_approval_and_can_be_refused(console: Console) -> None:
    goal = begin(console)
    asked = ended(console, goal)
    assert asked["state"] == "waiting"
    assert "3 steps (one, two, three), 2 min at least" in asked["needs"]["question"]
    assert asked["needs"]["options"] == ["approve", "reject"]
    assert [one["spec"]["labels"]["phase"] for one in of_goal(console, goal)] == ["plan"]
    console.say("answer", goal, "reject")
    over = ended(console, goal)
    assert over["state"] == "failed"
    assert "was not approved" in over["reason"]["message"]
    other = begin(console)
    ended(console, other)
    console.say("answer", other, "approve")
    assert ended(console, other)["state"] == "completed"


def test_an_answer_that_is_no_plan_is_asked_for_again(console: Console) -> None:
    circle = {"steps": [step("a", "write a b", "b"), step("b", "write b b", "a")]}
    goal = begin(console, "--yes", goal=f"ANSWER {json.dumps(circle)}\nANSWER {json.dumps(PLAN)}")
    assert ended(console, goal)["state"] == "completed"
    plans = [one for one in of_goal(console, goal) if one["spec"]["labels"]["phase"] == "plan"]
    assert len(plans) == 2
    assert "a → b → a" in plans[0]["spec"]["prompt"]


def test_a_step_that_is_refused_says_what_can_be_done_about_that(console: Console) -> None:
    plan = console.home / "plan.json"
    plan.write_text(json.dumps({"steps": [{**step("a", "write a b"), "provider": "shel"}]}))
    goal = begin(console, "--yes", "--plan", str(plan))
    over = ended(console, goal)
    [failed] = over["outcome"]["failed"]
    assert failed["code"] == "provider-not-found"
    assert failed["hint"].startswith("Did you mean `shell`?")
    assert f"a: {failed['hint']}" in console.say("goal", "show", goal)


def test_a_step_that_fails_stops_those_that_wait_for_it_and_no_others(console: Console) -> None:
    steps = [
        step("bad", "fail 3"),
        step("good", "write c.txt good"),
        step("never", "write d.txt x", "bad"),
    ]
    goal = begin(console, "--yes", goal=f"ANSWER {json.dumps({'steps': steps})}")
    over = ended(console, goal)
    assert over["state"] == "failed"
    assert "1 of 3 done, merged" in over["reason"]["message"]
    assert "not begun: never" in over["reason"]["message"]
    why = "worker ended with status 3 and did not say that it was done"
    assert over["outcome"]["failed"] == [{"name": "bad", "code": "failed", "why": why, "hint": ""}]
    shown = json.loads(console.say("goal", "show", "--json"))
    assert [one["why"] for one in shown["steps"] if one["name"] == "bad"] == [why]
    assert f"`inspan merge {goal[-6:]}` takes over what is done." in over["reason"]["hint"]
    assert merged(console, goal, "c.txt") == "good\n"
    names = {one["spec"]["labels"].get("step") for one in of_goal(console, goal)}
    assert names == {None, "bad", "good"}


def test_what_a_reviewer_leaves_open_a_person_decides(console: Console) -> None:
    steps = [step("odd", "write c.txt ODD")]
    goal = begin(console, "--yes", goal=f"ANSWER {json.dumps({'steps': steps})}")
    asked = ended(console, goal)
    assert asked["state"] == "waiting"
    assert "looked at. Accept it all the same?" in asked["needs"]["question"]
    assert asked["needs"]["about"] == "odd"
    (odd,) = json.loads(console.say("goal", "show", "--json"))["steps"]
    assert (odd["state"], odd["why"]) == ("needs you", asked["needs"]["question"])
    console.say("answer", goal, "accept")
    assert ended(console, goal)["state"] == "completed"
    assert merged(console, goal, "c.txt") == "ODD\n"


def test_interrupted_it_stops_all_of_it_and_resumed_it_goes_on(console: Console) -> None:
    steps = [
        step("slow", "take 3 seconds\nwrite c.txt slow"),
        step("next", "write d.txt x", "slow"),
    ]
    goal = begin(console, "--yes", goal=f"ANSWER {json.dumps({'steps': steps})}")
    until(lambda: "running" in _states(console, goal, "slow"), "the step to run")
    console.say("interrupt", goal)
    assert _states(console, goal, "slow") == ["interrupted"]
    console.say("resume", goal)
    assert ended(console, goal)["state"] == "completed"
    assert _states(console, goal, "slow", "apply") == ["succeeded"]


def _states(console: Console, goal: str, name: str, phase: str = "apply") -> list[str]:
    return [
        one["state"]
        for one in of_goal(console, goal)
        if one["spec"]["labels"] == {"goal": goal, "step": name, "phase": phase}
    ]


def test_cancelled_nothing_of_it_works_on(console: Console) -> None:
    goal = begin(
        console, "--yes", goal=f"ANSWER {json.dumps({'steps': [step('slow', 'take 60 seconds')]})}"
    )
    until(lambda: "running" in _states(console, goal, "slow"), "the step to run")
    console.say("cancel", goal)
    assert ended(console, goal)["state"] == "cancelled"
    assert _states(console, goal, "slow") == ["cancelled"]


def test_a_queen_that_is_killed_comes_back_by_herself_but_not_for_ever(console: Console) -> None:
    go = console.home / "go"
    steps = [step("slow", f"await {go}\nwrite c.txt slow")]
    goal = begin(console, "--yes", goal=f"ANSWER {json.dumps({'steps': steps})}")
    until(lambda: "running" in _states(console, goal, "slow"), "the step to run", PATIENCE)
    for _ in range(3):
        killed = _queen(console, goal)
        os.kill(killed, signal.SIGKILL)
        gone(killed)
    until(lambda: task(console, goal)["state"] == "interrupted", "her to stay away", PATIENCE)
    assert "killed by SIGKILL" in task(console, goal)["reason"]["message"]
    # What works for the goal was not disturbed, and a person may have it led again.
    assert _states(console, goal, "slow") == ["running"]
    console.say("resume", goal)
    go.touch()
    assert ended(console, goal)["state"] == "completed"
    assert merged(console, goal, "c.txt") == "slow\n"
    assert len([one for one in of_goal(console, goal) if "step" in one["spec"]["labels"]]) == 2
    assert "another Queen takes it up" in console.say("goal", "log", goal)


def _queen(console: Console, goal: str) -> int:
    """Her process, once there is one."""
    found: list[int] = []

    def lives() -> bool:
        seen = task(console, goal)
        found[:] = [seen["pid"]] if seen["state"] == "running" and seen["pid"] else []
        return bool(found) and alive(found[0])

    until(lives, "a Queen to live", PATIENCE)
    return found[0]


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(1, 10))]
)
def test_killed_at_any_point_no_step_is_done_twice(console: Console, seed: int) -> None:
    """kill -9 of the Queen and of the daemon, at moments that chance chooses."""
    chance = random.Random(seed)
    goal = begin(console, "--yes", "--check", "test -s a.txt")
    for _ in range(4):
        seen = task(console, goal)
        if seen["state"] in ("completed", "failed"):
            break
        victim = seen["pid"] if chance.random() < 0.6 else _daemon(console)
        moment = chance.uniform(0.1, 1.5)
        time.sleep(moment)  # nothing is waited for: the moment of death is up to chance
        if victim:
            with suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)
            gone(victim)
        if task(console, goal)["state"] == "interrupted":
            console.say("resume", goal)
    over = ended(console, goal)
    if over["state"] == "interrupted":
        console.say("resume", goal)
        over = ended(console, goal)
    assert over["state"] == "completed", over["reason"]
    assert sorted(merged(console, goal, "a.txt").split()) == ["one", "two", "zero"]
    assert merged(console, goal, "b.txt") == "three\n"
    applied = [one for one in of_goal(console, goal) if one["spec"]["labels"]["phase"] == "apply"]
    assert len(applied) == 3
    log = git(console, "log", "--format=%(trailers:key=Inspan-Task)", f"inspan/goal-{goal[-6:]}")
    for one in applied:
        assert one["id"] in log
    untouched(console)


def gone(pid: int) -> None:
    until(lambda: not alive(pid), "it to be gone")


def _daemon(console: Console) -> int:
    return int(json.loads(console.say("status", "--json"))["daemon"]["pid"])
