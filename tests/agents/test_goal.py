"""A goal by real agents: one plans, two work side by side, a third rejects once, all is merged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from inspan.control import EventQuery
from inspan.model.event import SentBack
from inspan.model.goal import GoalPlan, PlanStep, as_told
from inspan.model.permission import Decision, Policy, rule
from inspan.model.task import OnCrash, Patience, TaskKind, TaskSpec, TaskState
from inspan.swarm.wishes import Wishes
from tests.agents.agent import Agent, Place, Wish
from tests.agents.endpoint.scenario import Say, Write
from tests.agents.endpoint.serve import Endpoint, serving
from tests.agents.install import CACHE, installed
from tests.agents.kinds import AGENTS, wanted
from tests.agents.play import found_by_name, made
from tests.real.daemon import Daemon

pytestmark = [
    pytest.mark.agents,
    pytest.mark.requirement("A3", "A6", "A7"),
    pytest.mark.timeout(300),
    pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc"),
]

THREE = tuple(AGENTS[name] for name in ("claude", "codex", "opencode"))
PLAN = GoalPlan(
    summary="two files",
    steps=(
        PlanStep(name="one", prompt="Write one.txt."),
        PlanStep(name="two", prompt="Write two.txt."),
    ),
)
NO = {"verdict": "reject", "findings": [{"file": "one.txt", "line": 1, "what": "it is too short"}]}
YES = {"verdict": "accept", "summary": "It does what was asked."}
CHECK = "test -s one.txt || test -s two.txt"


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with serving() as endpoint:
        yield endpoint


@pytest.fixture
def place() -> Iterator[Place]:
    # Codex distrusts a home below the folder for temporary files.
    with tempfile.TemporaryDirectory(prefix="goal-", dir=CACHE.parent) as root:
        yield made(Place(Path(root)))


def _env(agent: Agent, place: Place, endpoint: Endpoint) -> dict[str, str]:
    wish = Wish(place, endpoint.base("answer", _instance(agent, place)))
    place.put(agent.files(wish))
    return found_by_name(agent, wish, CACHE / agent.name)


def _instance(agent: Agent, place: Place) -> str:
    return f"{place.root.name}-{agent.name}"


def _git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=n", "-c", "user.email=a@b")
    ran = subprocess.run(
        ["git", *who, *words], cwd=folder, capture_output=True, text=True, check=True
    )
    return ran.stdout


def test_what_two_did_and_a_third_reviewed_comes_together(endpoint: Endpoint, place: Place) -> None:
    there = wanted(os.environ.get("AGENTS", ""))
    if not all(agent in there and installed(agent) for agent in THREE):
        pytest.skip("claude, codex and opencode are not all installed: make test-agents")
    claude, codex, opencode = (_instance(agent, place) for agent in THREE)
    planned = f"This is the plan.\n```json\n{json.dumps(as_told(PLAN))}\n```"
    done = Say("I wrote the file.")
    endpoint.script(claude, Say(planned), Write("one.txt", "one\n"), done)
    endpoint.script(codex, Write("two.txt", "two\n"), done)
    endpoint.script(opencode, Say(json.dumps(NO)), Say(json.dumps(YES)))
    _git(place.work, "init", "--quiet", "-b", "main")
    _git(place.work, "commit", "--quiet", "--allow-empty", "-m", "first")
    env: dict[str, str] = {}
    paths = []
    for agent in THREE:
        own = _env(agent, place, endpoint)
        paths.append(own["PATH"].partition(":")[0])
        env = {**env, **own}
    names = ("claude", "codex")
    wishes = Wishes(
        planner="claude", workers=names, reviewers=("opencode",), checks=(CHECK,), yes=True
    )
    with Daemon() as daemon, daemon.control() as control:
        goal = control.submit(
            TaskSpec(
                kind=TaskKind.GOAL,
                provider="queen",
                role="queen",
                prompt="Have two files.",
                command=wishes.argv(),
                cwd=str(place.work),
                env={
                    **env,
                    "PATH": ":".join([*paths, os.environ["PATH"]]),
                    "INSPAN_HOME": str(daemon.home),
                },
                permissions=Policy((rule(Decision.ALLOW, "*"),), None),
                patience=Patience(deadline=None, lifted=True),
                on_crash=OnCrash.RESUME,
            )
        )
        over = control.wait(goal.id, 240)
        events = control.history(EventQuery(correlation=over.correlation, limit=1000))
    assert over.state is TaskState.COMPLETED, over.reason
    branch = f"inspan/goal-{goal.id[-6:]}"
    assert _git(place.work, "show", f"{branch}:one.txt") == "one\n"
    assert _git(place.work, "show", f"{branch}:two.txt") == "two\n"
    assert sum(isinstance(event.fact, SentBack) for event in events) == 1
    asked = json.dumps([request.body for request in endpoint.requests(opencode)])
    assert "You review the work of somebody else" in asked
    assert "too short" in json.dumps(
        [request.body for name in (claude, codex) for request in endpoint.requests(name)]
    )
    assert _git(place.work, "status", "--porcelain") == ""
