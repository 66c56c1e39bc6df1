"""Agents that speak the Agent Client Protocol, as runs: processes that play what real ones said."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from inspan.agents.registry import find
from inspan.engine.ports import Asks, Began, Finished, Observation, Order, Run
from inspan.keeper.client import KeeperClient, ensure
from inspan.model.agent import Ending, Mode
from inspan.model.ids import session_id, ulid
from inspan.model.task import TerminalSpec
from inspan.providers import agentrun
from inspan.providers.agent import AgentProvider
from inspan.providers.process import Processes
from tests.real.goldens import ROOT

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("A2", "C4", "C5")]

PLAYER = Path(__file__).parents[2] / "fakes" / "golden_agent.py"


class Home:
    """A keeper, and a folder in which agents are players of goldens."""

    def __init__(self, root: Path, keeper: KeeperClient) -> None:
        self.root = root
        self.keeper = keeper
        (root / "work").mkdir()
        (root / "bin").mkdir()

    def provider(self, agent: str) -> AgentProvider:
        async def get() -> KeeperClient:
            return self.keeper

        dialect = find(agent)
        assert dialect is not None
        return AgentProvider(dialect, Processes(get, self.root / "recordings"))

    def plays(self, agent: str, scenario: str, *, then: str = "exit $?") -> Order:
        """What starts ``agent`` to play ``scenario`` and, at the end of its input, do ``then``."""
        command = shlex.join([sys.executable, str(PLAYER), str(ROOT / agent / "acp" / scenario)])
        program = self.root / "bin" / agent
        program.write_text(f"#!/bin/sh\n{command}\n{then}\n")
        program.chmod(0o755)
        return Order(
            session=session_id(ulid(0, os.urandom(10)), 1),
            command=(),
            prompt="do it",
            cwd=str(self.root / "work"),
            env={"PATH": f"{self.root / 'bin'}:{os.environ['PATH']}"},
            terminal=TerminalSpec(),
        )

    def heard(self) -> bytes:
        """What the agent was sent."""
        return (self.root / "work" / "heard").read_bytes()


@pytest.fixture
async def home() -> AsyncIterator[Home]:
    # A socket's path may not be longer than about 100 bytes, and pytest's own are.
    root = Path(tempfile.mkdtemp(prefix="ia-"))
    keeper = await ensure(root / "k.sock", root)
    try:
        yield Home(root, keeper)
    finally:
        await keeper.shutdown(force=True)
        await keeper.close()
        shutil.rmtree(root)


async def _all(run: Run) -> list[Observation]:
    with anyio.fail_after(30):
        return [seen async for seen in run.observations()]


def _finished(seen: list[Observation]) -> Finished:
    assert isinstance(seen[-1], Finished)
    return seen[-1]


@pytest.mark.parametrize("agent", ["gemini", "opencode"])
async def test_it_is_greeted_asked_and_let_go(home: Home, agent: str) -> None:
    seen = await _all(await home.provider(agent).open(home.plays(agent, "answer")))
    (began,) = [item.agent for item in seen if isinstance(item, Began)]
    assert began.mode is Mode.ACP
    outcome = _finished(seen).outcome
    assert outcome is not None
    assert outcome.ending is Ending.DONE
    methods = [b'"initialize"', b'"session/new"', b'"session/prompt"']
    assert all(word in line for word, line in zip(methods, home.heard().splitlines(), strict=True))


@pytest.mark.parametrize("agent", ["gemini", "opencode"])
@pytest.mark.parametrize("adopted", [False, True], ids=["all along", "by another daemon"])
async def test_a_permission_is_asked_for_and_given(home: Home, agent: str, adopted: bool) -> None:
    provider, order = home.provider(agent), home.plays(agent, "permission_allow")
    run = await provider.open(order)
    with anyio.fail_after(30):
        observations = run.observations()
        asked = await _asks(observations)
        if adopted:
            await observations.aclose()  # type: ignore[attr-defined]  # the daemon is gone
            taken_up = await provider.adopt(order)
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
    assert len(home.heard().splitlines()) == 4
    assert b'"outcome":"selected"' in home.heard()


async def _asks(observations: AsyncIterator[Observation]) -> Asks:
    async for seen in observations:
        if isinstance(seen, Asks):
            return seen
    raise AssertionError("it asked nothing")


async def test_one_that_stays_when_its_input_has_ended_is_told_to_go(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agentrun, "_LINGER", 0.2)
    order = home.plays("opencode", "answer", then="exec sleep 600")
    finished = _finished(await _all(await home.provider("opencode").open(order)))
    assert finished.exit.signal == signal.SIGTERM
    assert finished.outcome is not None
    assert finished.outcome.ok
