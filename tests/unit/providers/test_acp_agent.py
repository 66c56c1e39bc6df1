"""Agents that speak the Agent Client Protocol, as runs: processes that play what real ones said."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from dataclasses import replace

import anyio
import pytest

from inspan.agents.registry import find
from inspan.engine.ports import Asks, Began, Decided, Finished, Observation, Run
from inspan.model.agent import Ending, Mode
from inspan.model.permission import Decision, Policy, rule
from inspan.providers import agentrun
from inspan.providers.agent import AgentProvider
from tests.real.agenthome import AgentHome, agent_home

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("A2", "C4", "C5")]


@pytest.fixture
async def home() -> AsyncIterator[AgentHome]:
    async with agent_home() as made:
        yield made


def provider(home: AgentHome, agent: str) -> AgentProvider:
    dialect = find(agent)
    assert dialect is not None
    return home.provider(dialect=dialect)


async def _all(run: Run) -> list[Observation]:
    with anyio.fail_after(30):
        return [seen async for seen in run.observations()]


def _finished(seen: list[Observation]) -> Finished:
    assert isinstance(seen[-1], Finished)
    return seen[-1]


@pytest.mark.parametrize("agent", ["gemini", "opencode"])
async def test_it_is_greeted_asked_and_let_go(home: AgentHome, agent: str) -> None:
    seen = await _all(
        await provider(home, agent).open(home.plays("answer", agent=agent, mode="acp"))
    )
    (began,) = [item.agent for item in seen if isinstance(item, Began)]
    assert began.mode is Mode.ACP
    outcome = _finished(seen).outcome
    assert outcome is not None
    assert outcome.ending is Ending.DONE
    methods = ["initialize", "session/new", "session/prompt"]
    assert [line["method"] for line in home.heard()] == methods


@pytest.mark.parametrize("agent", ["gemini", "opencode"])
@pytest.mark.parametrize("adopted", [False, True], ids=["all along", "by another daemon"])
async def test_a_permission_is_asked_for_and_given(
    home: AgentHome, agent: str, adopted: bool
) -> None:
    provided, order = provider(home, agent), home.plays("permission_allow", agent=agent, mode="acp")
    run = await provided.open(order)
    with anyio.fail_after(30):
        observations = run.observations()
        asked = await _asks(observations)
        if adopted:
            await observations.aclose()  # type: ignore[attr-defined]  # the daemon is gone
            taken_up = await provided.adopt(order)
            assert taken_up is not None
            run, observations = taken_up, taken_up.observations()
            asked = await _asks(observations)
        assert asked.needs.question == "execute: touch permitted.txt"
        await run.answer(asked.needs, "allow")
        rest = [item async for item in observations]
    outcome = _finished(rest).outcome
    assert outcome is not None
    assert outcome.ok
    # One that was taken up was not asked for anything twice.
    *_, answer = home.heard()
    assert len(home.heard()) == 4
    assert answer["result"]["outcome"]["outcome"] == "selected"


async def test_a_file_that_it_had_leave_for_is_written_for_it_as_a_real_one_asks(
    home: AgentHome,
) -> None:
    """Its folder is not the one that it was recorded in: what it wants is outside, and refused."""
    order = home.plays("write_file_served", agent="gemini", mode="acp")
    order = replace(order, permissions=Policy((rule(Decision.ALLOW, "edit"),)))
    seen = await _all(await provider(home, "gemini").open(order))
    assert [type(item) for item in seen if isinstance(item, Asks)] == []
    allowed, refused = home.heard()[-2:]
    assert allowed["result"]["outcome"]["optionId"] == "proceed_once"
    assert "outside of the workspace" in refused["error"]["message"]
    # One decision: the second request is a part of the first.
    assert len([item for item in seen if isinstance(item, Decided)]) == 1


async def _asks(observations: AsyncIterator[Observation]) -> Asks:
    async for seen in observations:
        if isinstance(seen, Asks):
            return seen
    raise AssertionError("it asked nothing")


async def test_one_that_stays_when_its_input_has_ended_is_told_to_go(
    home: AgentHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agentrun, "_LINGER", 0.2)
    order = home.plays("answer", agent="opencode", mode="acp", then="exec sleep 600")
    finished = _finished(await _all(await provider(home, "opencode").open(order)))
    assert finished.exit.signal == signal.SIGTERM
    assert finished.outcome is not None
    assert finished.outcome.ok
