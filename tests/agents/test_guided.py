"""The real agents under inspan, each through every row: state, event, exit status and message.

What is promised is what docs/agents.md says. After each run none of its processes is left.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from inspan.cli import exits
from inspan.model.activity import Doing
from inspan.model.agent import Ending, Mode
from inspan.model.task import TaskState
from tests.agents.agent import Agent
from tests.agents.endpoint.scenario import ANSWER, WRITTEN
from tests.agents.endpoint.serve import serving
from tests.agents.guided import AGENTS, Guidance, Guided, Ran
from tests.agents.install import needed
from tests.agents.kinds import wanted
from tests.agents.play import PLAIN
from tests.real.daemon import Daemon
from tests.unit.agents.expected import ending

pytestmark = [
    pytest.mark.agents,
    pytest.mark.timeout(240),
    pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc"),
]

WANTED: Final = wanted(os.environ.get("AGENTS", ""))


def only(fits: Callable[[Guidance], object]) -> pytest.MarkDecorator:
    """Each agent that the test is for."""
    agents = [agent for agent in WANTED if fits(AGENTS[agent.name])]
    return pytest.mark.parametrize("agent", agents, ids=[agent.name for agent in agents])


#: Those that nobody needs to answer in, and one that lasts until it is told to end.
ROWS: Final = (*(row for row in PLAIN if row != "run_command"), "hang")
#: What is said of each ending: state, the kind of the last event, exit status, reason.
SAID: Final = {
    Ending.DONE: (TaskState.COMPLETED, "task.completed", exits.DONE, None),
    Ending.LOGIN: (TaskState.ERROR, "task.errored", exits.OURS, "login"),
    Ending.QUOTA: (TaskState.FAILED, "task.failed", exits.FAILED, "quota"),
    Ending.OVERLOADED: (TaskState.FAILED, "task.failed", exits.FAILED, "overloaded"),
    Ending.CUT: (TaskState.FAILED, "task.failed", exits.FAILED, "cut"),
    Ending.STOPPED: (TaskState.FAILED, "task.failed", exits.FAILED, "deadline"),
}

Guide = Callable[..., Guided]


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    with Daemon() as daemon:
        yield daemon


@pytest.fixture
def guide(daemon: Daemon, tmp_path: Path) -> Iterator[Guide]:
    """Makes the one agent of a test ready to be run, and looks that nothing of it is left."""
    made: list[Guided] = []

    def guided(agent: Agent, mode: Mode, scenario: str, *, ask: bool = False) -> Guided:
        prefix = needed(agent)
        made.append(Guided(agent, mode, scenario, prefix, daemon, endpoint, root=tmp_path, ask=ask))
        return made[-1]

    with serving() as endpoint:
        yield guided
    left = [each.left for each in made]
    for each in made:
        each.end()
    assert not any(left)


def _expected(agent: Agent, row: str) -> Ending:
    """As its golden transcript ended, but for those that were let go on for minutes."""
    if row == "hang" or row in AGENTS[agent.name].tries_long:
        return Ending.STOPPED
    return ending(agent.name, row)


def _is_told(ran: Ran, how: Ending) -> None:
    state, event, status, reason = SAID[how]
    told = (ran.task.state, ran.events[-1].kind, ran.status)
    assert told == (state, event, status), ran
    if reason is None:
        assert ran.task.reason is None
    else:
        assert ran.task.reason is not None
        assert ran.task.reason.code == reason
        assert f"inspan: {ran.task.reason.message.splitlines()[0]}" in ran.err


@only(lambda _: True)
@pytest.mark.parametrize("row", ROWS)
def test_it_ends_as_is_promised(agent: Agent, row: str, guide: Guide) -> None:
    how = _expected(agent, row)
    guided = guide(agent, AGENTS[agent.name].mode, row)
    ran = guided.run("--timeout", "20s" if how is Ending.STOPPED else "90s")
    _is_told(ran, how)
    if row in ("answer", "slow", "rate_limited_then_ok"):
        assert ANSWER in ran.out
    assert guided.wrote(WRITTEN.path) == (WRITTEN.content if row == "write_file" else None)


@only(lambda guidance: guidance.asks)
@pytest.mark.parametrize("answer", ["allow", "deny"])
def test_it_asks_and_is_answered(agent: Agent, answer: str, guide: Guide) -> None:
    guided = guide(agent, AGENTS[agent.name].mode, "permission", ask=True)
    task = guided.add("--timeout", "90s")
    guided.until(lambda: guided.task(task).needs, "it to ask")
    needs = guided.task(task).needs
    assert needs is not None
    assert guided.task(task).state is TaskState.WAITING
    assert needs.kind == "permission"
    assert "touch permitted.txt" in needs.question
    assert guided.inspan("answer", task, answer).returncode == 0
    ran = guided.ended(task)
    assert ran.task.state is TaskState.COMPLETED, ran
    assert (guided.wrote("permitted.txt") is not None) == (answer == "allow")


@only(lambda guidance: guidance.files)
@pytest.mark.parametrize("word", ["allow", "deny"])
def test_rules_hold_for_what_it_writes_without_asking(
    agent: Agent, word: str, guide: Guide
) -> None:
    guided = guide(agent, AGENTS[agent.name].mode, "write_file")
    ran = guided.run(f"--{word}", "edit", "--timeout", "90s")
    assert ran.task.state is TaskState.COMPLETED, ran
    assert guided.wrote(WRITTEN.path) == (WRITTEN.content if word == "allow" else None)
    decided = [event.fact for event in ran.events if event.kind == "permission.decided"]
    assert len(decided) == 1, ran


@only(lambda guidance: guidance.resumes)
def test_it_is_interrupted_and_resumed(agent: Agent, guide: Guide) -> None:
    guided = guide(agent, AGENTS[agent.name].mode, "hang_then_ok")
    task = guided.add("--timeout", "90s")
    guided.until(guided.asked, "its model to be asked")
    assert guided.inspan("interrupt", task).returncode == 0
    ran = guided.ended(task)
    assert (ran.task.state, ran.events[-1].kind) == (TaskState.INTERRUPTED, "task.interrupted")
    assert not guided.left
    guided.inspan("resume", task)
    ran = guided.ended(task)
    assert ran.task.state is TaskState.COMPLETED, ran
    assert ran.task.attempt == 2


@only(lambda guidance: guidance.resumes)
def test_it_is_killed_and_resumed(agent: Agent, guide: Guide) -> None:
    guided = guide(agent, AGENTS[agent.name].mode, "hang_then_ok")
    task = guided.add("--timeout", "90s")
    guided.until(guided.asked, "its model to be asked")
    pid = guided.task(task).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    ran = guided.ended(task)
    assert ran.task.state is TaskState.INTERRUPTED, ran
    assert ran.task.reason is not None
    assert ran.task.reason.code == "killed"
    assert not guided.left
    guided.inspan("resume", task)
    ran = guided.ended(task)
    if AGENTS[agent.name].forgets_young:
        assert ran.task.reason is not None
        assert ran.task.reason.code == "forgotten"
        guided.inspan("resume", task)
        ran = guided.ended(task)
    assert ran.task.state is TaskState.COMPLETED, ran


@only(lambda guidance: guidance.quit)
def test_it_edits_a_file_on_its_terminal(agent: Agent, guide: Guide, daemon: Daemon) -> None:
    guided = guide(agent, Mode.PTY, "write_file")
    task = guided.add("--timeout", "120s")
    guided.until(lambda: guided.wrote(WRITTEN.path), "it to write the file")
    with daemon.control() as control:
        if AGENTS[agent.name].ruled:
            guided.until(lambda: control.activity(task).doing is Doing.IDLE, "it to come to rest")
        assert guided.task(task).state is TaskState.RUNNING
        guided.inspan("send", "--no-enter", task, AGENTS[agent.name].quit)
        # What comes in one piece is taken for pasted, with its Enter.
        guided.inspan("send", "--no-enter", task, "\r")
    ran = guided.ended(task)
    assert ran.task.state is TaskState.COMPLETED, ran
