"""The real agents in a sandbox under inspan: they do their work there, and write nowhere else."""

from __future__ import annotations

import shlex
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from inspan.model.task import TaskState
from tests.agents.agent import Agent
from tests.agents.endpoint.scenario import ANSWER, WRITTEN, Execute, Say
from tests.agents.guided import AGENTS
from tests.agents.guides import WANTED, Guide
from tests.agents.install import CACHE
from tests.real.daemon import Daemon
from tests.real.sandbox import needs_sandbox

pytestmark = [
    pytest.mark.agents,
    pytest.mark.requirement("A2", "C9"),
    pytest.mark.timeout(240),
    pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc"),
    needs_sandbox,
]

EVERY = pytest.mark.parametrize("agent", WANTED, ids=[agent.name for agent in WANTED])
#: Those that run a command without being told to by a person.
RUNNING = pytest.mark.parametrize(
    "agent",
    [agent for agent in WANTED if agent.name != "aider"],
    ids=lambda agent: str(agent.name),
)


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    # A checkout below /tmp is in no sandbox, and the agents are in it.
    shown = f"sandbox: {{read: [{CACHE.resolve()}]}}\n"
    with Daemon(f"roles: {{default: 20}}\n{shown}") as daemon:
        yield daemon


@pytest.fixture
def outside() -> Iterator[Path]:
    """A folder on the disk that is in no workspace."""
    with tempfile.TemporaryDirectory(prefix="outside-", dir=CACHE.parent) as folder:
        yield Path(folder)


@EVERY
def test_it_edits_a_file_of_its_workspace(agent: Agent, guide: Guide) -> None:
    guided = guide(agent, AGENTS[agent.name].mode, "write_file")
    # It adds a file to git before it writes to it, and a checkout's `.git` is only read.
    place = ("--worktree",) if agent.name == "aider" else ()
    ran = guided.run("--sandbox", *place, "--timeout", "90s")
    assert ran.task.state is TaskState.COMPLETED, ran
    worked = ran.task.workspace.path if ran.task.workspace else ran.task.spec.cwd
    assert (Path(worked) / WRITTEN.path).read_text() == WRITTEN.content


@RUNNING
def test_its_commands_write_nowhere_else(agent: Agent, guide: Guide, outside: Path) -> None:
    guided = guide(agent, AGENTS[agent.name].mode, "run_command")
    there = shlex.quote(str(outside / "there.txt"))
    guided.script(Execute(f"echo in > here.txt; echo out > {there}; echo end"), Say(ANSWER))
    ran = guided.run("--sandbox", "--allow", "execute", "--timeout", "90s")
    assert ran.task.state is TaskState.COMPLETED, ran
    assert guided.wrote("here.txt") == "in\n"
    assert list(outside.iterdir()) == []


@EVERY
def test_without_a_network_its_model_is_never_asked(agent: Agent, guide: Guide) -> None:
    guided = guide(agent, AGENTS[agent.name].mode, "answer")
    ran = guided.run("--sandbox", "--network", "none", "--timeout", "20s")
    assert ran.task.state in (TaskState.FAILED, TaskState.ERROR), ran
    assert not guided.asked()
