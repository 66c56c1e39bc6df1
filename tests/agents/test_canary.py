"""The real agents, run by a daemon whose environment is full of secrets: none of them gets one.

What the tests of goldens cannot show: that a real agent, the model that it talks to, the commands
that it runs and the files that it keeps of itself have nothing of the daemon's.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from inspan.model.task import TaskState, is_terminal
from tests.agents.agent import PROMPT, Agent
from tests.agents.endpoint.scenario import Execute, Say, Turn, Write
from tests.agents.endpoint.serve import serving
from tests.agents.guided import AGENTS, Guided, Ran
from tests.agents.install import needed
from tests.agents.kinds import wanted
from tests.real.daemon import Daemon
from tests.real.watching import watching

pytestmark = [
    pytest.mark.agents,
    pytest.mark.timeout(240),
    pytest.mark.requirement("C2", "C9"),
    pytest.mark.skipif(sys.platform != "linux", reason="environments are found in /proc"),
]

#: Names that agents look for by themselves, and one that nobody does.
CANARIES: Final = {
    name: f"canary-{os.urandom(8).hex()}"
    for name in (
        *("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY", "MISTRAL_API_KEY"),
        *("AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "SOME_TOKEN"),
    )
}
#: It tells its model what is in its environment, and leaves it in a file.
TELLS: Final = (Execute("env | tee seen.txt; sleep 0.2"), Say("I looked."))
#: Those that ask before a command and are not told to, or that run none.
WRITES: Final = (Write("seen.txt", "nothing\n"), Say("I wrote."))
SEES: Final = [agent for agent in wanted(os.environ.get("AGENTS", "")) if agent.name in AGENTS]


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    daemon = Daemon()
    daemon.env.update(CANARIES)
    with daemon:
        yield daemon


def _turns(agent: Agent) -> tuple[Turn, ...]:
    return WRITES if agent.name == "aider" else TELLS


def _allowed(guided: Guided, task: str) -> Ran:
    """Once it rests: whatever it asks is allowed."""
    while True:
        guided.until(
            lambda: guided.task(task).needs or is_terminal(guided.task(task).state),
            "it to ask or to end",
        )
        if guided.task(task).needs is None:
            return guided.ended(task)
        guided.inspan("answer", task, "allow")


@pytest.mark.parametrize("agent", SEES, ids=[agent.name for agent in SEES])
def test_an_agent_gets_nothing_of_the_daemons(agent: Agent, daemon: Daemon, tmp_path: Path) -> None:
    prefix, mode = needed(agent), AGENTS[agent.name].mode
    assert daemon.process is not None
    mine, keeper = daemon.process.pid, daemon.keeper_pid()
    roots = [pid for pid in (mine, keeper) if pid is not None]
    with serving() as endpoint, watching(lambda: roots) as watched:
        guided = Guided(agent, mode, "answer", prefix, daemon, endpoint, root=tmp_path)
        guided.script(*_turns(agent))
        try:
            ran = _allowed(guided, guided.add("--timeout", "90s"))
        finally:
            guided.end()
    assert ran.task.state is TaskState.COMPLETED, ran
    assert guided.wrote("seen.txt")
    assert PROMPT.splitlines()[-1] in guided.told_model
    itself = Path(f"/proc/{mine}/cmdline").read_bytes()
    for value in CANARIES.values():
        assert watched.naming(value) == set()
        assert watched.having(value) <= {itself}
        assert value not in guided.told_model
        assert value not in ran.out + ran.err
        found = [
            path
            for folder in (tmp_path, daemon.home, daemon.places.runtime_dir)
            for path in folder.rglob("*")
            if path.is_file() and value.encode() in path.read_bytes()
        ]
        assert found == []
