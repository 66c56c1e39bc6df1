"""Agents that speak the Agent Client Protocol by a second program: it has to be there too."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspan.agents.acp import AcpTalk
from inspan.agents.claude import Claude
from inspan.agents.codex import Codex
from inspan.agents.dialect import Turn
from inspan.clock import SystemClock
from inspan.errors import BadInput, ProgramNotFound
from inspan.keeper.client import KeeperClient
from inspan.model.agent import Mode
from inspan.model.budget import Budget
from inspan.model.task import TaskSpec
from inspan.providers.agent import AgentProvider
from inspan.providers.process import Processes
from inspan.providers.screens import Screens

pytestmark = pytest.mark.requirement("A2", "C5")

AGENTS = pytest.mark.parametrize("dialect", [Claude(), Codex()], ids=["claude", "codex"])


async def no_keeper() -> KeeperClient:
    raise AssertionError("nothing is started")


def provider(dialect: Claude | Codex, tmp_path: Path) -> AgentProvider:
    return AgentProvider(dialect, Processes(no_keeper, tmp_path, Screens(SystemClock())))


def spec(tmp_path: Path, *programs: str, **more: object) -> TaskSpec:
    for program in programs:
        (tmp_path / program).write_text("#!/bin/sh\n")
        (tmp_path / program).chmod(0o755)
    wanted = {"command": (), "prompt": "do it", "mode": Mode.ACP, **more}
    return TaskSpec(cwd=str(tmp_path), env={"PATH": str(tmp_path)}, **wanted)  # type: ignore[arg-type]


@AGENTS
def test_where_it_is_missing_the_command_is_told_that_installs_it(
    dialect: Claude | Codex, tmp_path: Path
) -> None:
    adapter = dialect.adapters[Mode.ACP]
    with pytest.raises(ProgramNotFound) as refused:
        provider(dialect, tmp_path).check(spec(tmp_path, dialect.program))
    assert adapter.program in refused.value.message
    assert refused.value.hint == f"Install it: `{adapter.install}`."
    # It is needed for that mode alone.
    provider(dialect, tmp_path).check(spec(tmp_path, mode=Mode.STREAM))
    provider(dialect, tmp_path).check(spec(tmp_path, adapter.program))


@AGENTS
def test_the_agent_has_to_be_there_too(dialect: Claude | Codex, tmp_path: Path) -> None:
    with pytest.raises(ProgramNotFound, match=f"The agent {dialect.name} is not installed"):
        provider(dialect, tmp_path).check(spec(tmp_path, dialect.adapters[Mode.ACP].program))


@AGENTS
def test_it_is_spoken_to_over_the_protocol(dialect: Claude | Codex) -> None:
    turn = Turn(prompt="-x", mode=Mode.ACP, arguments=("--debug",), resume="a-1")
    assert dialect.argv(turn) == (dialect.adapters[Mode.ACP].program, "--debug")
    assert isinstance(dialect.talk(turn), AcpTalk)
    # Its own language stays the one that it is spoken to in unless somebody says otherwise.
    assert dialect.modes[0] is Mode.STREAM


@AGENTS
def test_no_budget_can_be_held_there(dialect: Claude | Codex, tmp_path: Path) -> None:
    asked = spec(tmp_path, budget=Budget(tokens=1))
    with pytest.raises(BadInput, match="over an adapter never tells"):
        provider(dialect, tmp_path).check_budget(asked)
