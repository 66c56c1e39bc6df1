"""The real agents on terminals under inspan: what is promised of them where nothing but the screen
tells what they do. After each run none of their processes is left.
"""

from __future__ import annotations

import sys

import pytest

from inspan.errors import IllegalTransition
from inspan.model.activity import Activity, Doing
from inspan.model.agent import Ending, Mode
from inspan.model.task import Task, TaskState
from tests.agents.agent import PROMPT, SECOND_PROMPT, Agent
from tests.agents.endpoint.scenario import ANSWER, WRITTEN, Say, Slowly
from tests.agents.guided import AGENTS, Guided
from tests.agents.guides import WANTED, Guide
from tests.agents.promised import expected
from tests.real.daemon import Daemon

pytestmark = [
    pytest.mark.agents,
    pytest.mark.timeout(240),
    pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc"),
]


#: Each agent that is run on a terminal.
EACH = pytest.mark.parametrize(
    "agent", [pytest.param(each, id=each.name) for each in WANTED if AGENTS[each.name].quit]
)


def does(guided: Guided, task: str, daemon: Daemon, doing: Doing) -> None:
    """Wait until its screen says so."""
    seen: list[Activity] = []
    with daemon.control() as control:

        def is_so() -> bool:
            try:
                seen[:] = [control.activity(task)]
            except IllegalTransition as over:
                raise AssertionError(f"{over.message}; before that: {seen}") from over
            return seen[0].doing is doing

        guided.until(is_so, f"it to be {doing}")


def rests(guided: Guided, task: str, daemon: Daemon) -> None:
    does(guided, task, daemon, Doing.IDLE)


def began(guided: Guided) -> str:
    task = guided.add("--timeout", "150s")
    guided.until(guided.asked, "its model to be asked")
    return task


def begins_anew(guided: Guided, task: str) -> Task:
    """It is resumed, and its model is asked once more."""
    before = len(guided.steps)
    guided.inspan("resume", task)
    guided.until(lambda: len(guided.steps) > before, "its model to be asked again")
    known = guided.task(task)
    assert (known.state, known.attempt) == (TaskState.RUNNING, 2)
    guided.inspan("cancel", task)
    assert guided.ended(task).task.state is TaskState.CANCELLED
    return known


@EACH
def test_it_edits_a_file_and_ends_when_it_is_told_to(
    agent: Agent, guide: Guide, daemon: Daemon
) -> None:
    guided = guide(agent, Mode.PTY, "write_file")
    task = guided.add("--timeout", "120s")
    guided.until(lambda: guided.wrote(WRITTEN.path), "it to write the file")
    rests(guided, task, daemon)
    assert guided.task(task).state is TaskState.RUNNING
    guided.inspan("send", "--no-enter", task, AGENTS[agent.name].quit)
    # What comes in one piece is taken for pasted, with its Enter.
    guided.inspan("send", "--no-enter", task, "\r")
    ran = guided.ended(task)
    assert ran.task.state is TaskState.COMPLETED, ran


@EACH
def test_a_second_prompt_is_asked_with_the_first_and_its_answer(
    agent: Agent, guide: Guide, daemon: Daemon
) -> None:
    guided = guide(agent, Mode.PTY, "two_turns")
    guided.script(Slowly(ANSWER, 1.0), Say("The second answer."))
    task = began(guided)
    does(guided, task, daemon, Doing.WORKING)
    kept = guided.inspan("send", "--key", "more", "--no-wait", task, SECOND_PROMPT.strip())
    waits = b"queued: it waits: its turn before that goes on\n"
    assert (kept.returncode, kept.stdout) == (3, waits), kept
    more = ("send", "--key", "more", "--timeout", "90s", task, SECOND_PROMPT.strip())
    sent = guided.inspan(*more)
    assert (sent.returncode, sent.stdout) == (0, b"started: a turn has it\n"), sent
    guided.until(lambda: len(guided.steps) == 2, "its model to be asked again")
    asked = repr(guided.steps[-1].body)
    for words in (PROMPT.splitlines()[-1], ANSWER, SECOND_PROMPT.strip()):
        assert words in asked
    rests(guided, task, daemon)
    guided.inspan("cancel", task)


@pytest.mark.parametrize(
    ("agent", "row"),
    [
        pytest.param(each, row, id=f"{row}-{each.name}")
        for each in WANTED
        for row in ("unauthorized", "rate_limited_then_ok", "cut")
        # What tries again for minutes does so here, too.
        if AGENTS[each.name].quit
        and expected(each.name, AGENTS[each.name].mode, row) is not Ending.STOPPED
    ],
)
def test_it_stays_whatever_its_models_service_says(
    agent: Agent, row: str, guide: Guide, daemon: Daemon
) -> None:
    guided = guide(agent, Mode.PTY, row)
    task = began(guided)
    rests(guided, task, daemon)
    assert guided.task(task).state is TaskState.RUNNING
    guided.inspan("cancel", task)
    assert guided.ended(task).task.state is TaskState.CANCELLED


@EACH
def test_it_is_interrupted_and_begins_anew(agent: Agent, guide: Guide) -> None:
    guided = guide(agent, Mode.PTY, "hang_then_ok")
    task = began(guided)
    assert guided.inspan("interrupt", task).returncode == 0
    ran = guided.ended(task)
    assert (ran.task.state, ran.events[-1].kind) == (TaskState.INTERRUPTED, "task.interrupted")
    assert not guided.left
    begins_anew(guided, task)


@EACH
def test_it_is_killed_and_begins_anew(agent: Agent, guide: Guide) -> None:
    guided = guide(agent, Mode.PTY, "hang_then_ok")
    task = began(guided)
    guided.killed(task)
    begins_anew(guided, task)
