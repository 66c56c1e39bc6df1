"""A model without an agent around it as the planner and the reviewer of a whole goal."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import pytest

from tests.e2e.test_api_agent import CLAUDE, KEY, Service, serving
from tests.e2e.test_goal import AGENT, git, repository, step
from tests.real.console import MEASURED, Console

pytestmark = [pytest.mark.timeout(180), pytest.mark.requirement("A3", "A6")]


@pytest.fixture
def service() -> Iterator[Service]:
    with serving() as service:
        yield service


def test_a_model_plans_and_reviews_and_an_agent_works(service: Service) -> None:
    plan = {"steps": [step("word", "write c.txt four BUG")]}
    found = [{"file": "c.txt", "line": 1, "what": "a BUG is in it"}]
    said = (
        f"Here it is:\n```json\n{json.dumps(plan)}\n```",
        json.dumps({"verdict": "reject", "findings": found, "summary": "no"}),
        json.dumps({"verdict": "accept", "findings": [], "summary": "yes"}),
    )
    service.answers = [
        (200, {}, {**CLAUDE, "content": [{"type": "text", "text": text}]}) for text in said
    ]
    worker = f"providers:\n  worker: {{argv: [{sys.executable}, {AGENT}, worker], mode: stream}}\n"
    env = {
        "ANTHROPIC_API_KEY": KEY,
        "INSPAN_API_URL": service.url,
        "INSPAN_API_MODEL": "small",
        "INSPAN_API_PRICE": "2/10",
    }
    with Console(MEASURED + worker) as console:
        git(console, "init", "--quiet", "-b", "main")
        author = ("-c", "user.name=n", "-c", "user.email=a@b")
        git(console, *author, "commit", "--quiet", "--allow-empty", "-m", "first")
        who = ("--planner", "api", "--agent", "worker", "--reviewer", "api", "--yes")
        where = ("--cwd", str(repository(console)))
        with console.start("goal", "four, in c.txt", *who, *where, env=env) as ran:
            out, err = ran.communicate(timeout=120)
        assert ran.returncode == 0, (out, err)
        assert "word: send back: c.txt:1: a BUG is in it" in out.decode()
        goal = json.loads(console.say("goal", "show", "--json"))["goal"]
        assert git(console, "show", f"inspan/goal-{goal['id'][-6:]}:c.txt") == "four\n"
    # What the model used is what the goal has used: thrice the same.
    assert goal["usage"]["cost"] == pytest.approx(3 * (1500 * 2e-6 + 2000 * 10e-6))
    asked = [body["messages"][0]["content"] for _, _, body in service.asked]
    assert ["four, in c.txt" in asked[0], "+four BUG" in asked[1], "+four" in asked[2]] == [
        True
    ] * 3
    assert all(KEY not in json.dumps(body) for _, _, body in service.asked)
