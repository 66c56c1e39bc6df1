"""The real agents against the model endpoint: each play goes as its golden transcript says.

`make test-agents` installs them first. What they do is a fact about their pinned versions; a test
that fails here after a new version is pinned says what a provider has to learn.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agents.agent import PROMPT, Agent, Json, Mode
from tests.agents.drive import marked
from tests.agents.endpoint.serve import Endpoint, serving
from tests.agents.install import needed
from tests.agents.kinds import wanted
from tests.agents.play import Performed, Play, perform, plays, version
from tests.agents.record import GOLDEN, facts

pytestmark = [
    pytest.mark.agents,
    pytest.mark.timeout(240),
    pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc"),
]

EVERY = [
    pytest.param(agent, mode, play, id=f"{agent.name}-{mode.name}-{play.name}")
    for agent in wanted(os.environ.get("AGENTS", ""))
    for mode in agent.modes
    for play in plays(mode)
]


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with serving() as endpoint:
        yield endpoint


def performed(agent: Agent, mode: Mode, play: Play, endpoint: Endpoint, root: Path) -> Performed:
    """With the play that it goes on with, where there is one, just before."""
    earlier = None
    if play.after is not None:
        before = next(each for each in plays(mode) if each.name == play.after)
        earlier = performed(agent, mode, before, endpoint, root)
    return perform(agent, mode, play, endpoint, needed(agent), root / play.name, earlier)


@pytest.mark.parametrize(("agent", "mode", "play"), EVERY)
def test_it_does_what_its_golden_transcript_says(
    agent: Agent, mode: Mode, play: Play, endpoint: Endpoint, tmp_path: Path
) -> None:
    done = performed(agent, mode, play, endpoint, tmp_path)
    assert not marked(done.mark)
    folder = GOLDEN / agent.name / mode.name / play.name
    golden = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    now = facts(done, endpoint)
    compared = ("exit", "signal", "past_deadline", "files")
    assert {name: now[name] for name in compared} == {name: golden[name] for name in compared}
    assert bool(now["left_behind"]) == bool(golden["left_behind"])
    # How often it has asked by the deadline, and which side requests, depend on the machine's pace.
    whole = set if golden["past_deadline"] else list
    assert whole(_steps(now)) == whole(_steps(golden))
    if play.after is not None and golden["prompt_arrived"] != "no":
        assert PROMPT.splitlines()[-1] in repr(endpoint.steps(done.instance)[-1].body)


def _steps(facts: Json) -> list[str]:
    return [request for request in facts["requests"] if not request.startswith("side")]


@pytest.mark.parametrize("agent", wanted(os.environ.get("AGENTS", "")), ids=lambda each: each.name)
def test_its_version_is_the_pinned_one(agent: Agent, tmp_path: Path) -> None:
    assert agent.version in version(agent, needed(agent), tmp_path / "version")
