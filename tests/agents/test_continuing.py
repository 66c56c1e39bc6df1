"""The real agents, given a second task that goes on with the conversation of the first."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from inspan.model.task import TaskState
from tests.agents.agent import PROMPT, SECOND_PROMPT, Agent
from tests.agents.endpoint.serve import serving
from tests.agents.guided import AGENTS, Guided
from tests.agents.install import needed
from tests.agents.kinds import wanted
from tests.agents.play import next_minute
from tests.real.daemon import Daemon

pytestmark = [
    pytest.mark.agents,
    pytest.mark.timeout(240),
    pytest.mark.requirement("C4"),
]

RESUMES: Final = [
    agent for agent in wanted(os.environ.get("AGENTS", "")) if AGENTS[agent.name].resumes
]


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    with Daemon() as daemon:
        yield daemon


@pytest.mark.parametrize("agent", RESUMES, ids=[agent.name for agent in RESUMES])
def test_its_model_is_told_what_was_said_before(
    agent: Agent, daemon: Daemon, tmp_path: Path
) -> None:
    prefix, mode = needed(agent), AGENTS[agent.name].mode
    with serving() as endpoint:
        guided = Guided(agent, mode, "two_turns", prefix, daemon, endpoint, root=tmp_path)
        try:
            before = guided.ended(guided.add("--timeout", "90s"))
            known = len(guided.told_model)
            if any(one.loses_young_sessions for one in agent.modes if one.name == mode.value):
                next_minute()
            again = guided.run("--continue", before.task.id, prompt=SECOND_PROMPT)
            left = guided.left
        finally:
            guided.end()
    assert before.task.state is TaskState.COMPLETED, before
    assert again.task.state is TaskState.COMPLETED, again
    assert again.task.spec.continues == before.task.id
    told = guided.told_model[known:]
    assert PROMPT.splitlines()[-1] in told
    assert SECOND_PROMPT.strip() in told
    assert not left
