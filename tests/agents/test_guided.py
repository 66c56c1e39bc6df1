"""The real agents under inspan, each through every row: state, event, exit status and message.

What is promised is what docs/agents.md says. After each run none of its processes is left.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from inspan.model.agent import Ending, Mode
from inspan.model.task import TaskState
from tests.agents.agent import PROMPT, SECOND_PROMPT, Agent
from tests.agents.endpoint.scenario import ANSWER, WRITTEN, Say, Slowly
from tests.agents.guided import AGENTS, Guidance, Ran
from tests.agents.guides import WANTED, Guide
from tests.agents.promised import ROWS, SAID, expected

pytestmark = [
    pytest.mark.agents,
    pytest.mark.timeout(240),
    pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc"),
]


def each(fits: Callable[[Guidance, Mode], object]) -> pytest.MarkDecorator:
    """Each agent in each mode without a terminal that the test is for."""
    cases = [
        pytest.param(agent, mode, id=f"{agent.name}-{mode}")
        for agent in WANTED
        for mode in AGENTS[agent.name].modes
        if fits(AGENTS[agent.name], mode)
    ]
    return pytest.mark.parametrize(("agent", "mode"), cases)


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


@each(lambda *_: True)
@pytest.mark.parametrize("row", ROWS)
def test_it_ends_as_is_promised(agent: Agent, mode: Mode, row: str, guide: Guide) -> None:
    how = expected(agent.name, mode, row)
    guided = guide(agent, mode, row)
    ran = guided.run("--timeout", "20s" if how is Ending.STOPPED else "90s")
    _is_told(ran, how)
    if row in ("answer", "slow", "rate_limited_then_ok"):
        assert ANSWER in ran.out
    assert guided.wrote(WRITTEN.path) == (WRITTEN.content if row == "write_file" else None)


@each(Guidance.asks_in)
@pytest.mark.parametrize("answer", ["allow", "deny"])
def test_it_asks_and_is_answered(agent: Agent, mode: Mode, answer: str, guide: Guide) -> None:
    guided = guide(agent, mode, "permission", ask=True)
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


@each(lambda guidance, mode: guidance.files and mode not in guidance.one_shot)
@pytest.mark.parametrize("word", ["allow", "deny"])
def test_rules_hold_for_what_it_writes_without_asking(
    agent: Agent, mode: Mode, word: str, guide: Guide
) -> None:
    guided = guide(agent, mode, "write_file")
    ran = guided.run(f"--{word}", "edit", "--timeout", "90s")
    assert ran.task.state is TaskState.COMPLETED, ran
    assert guided.wrote(WRITTEN.path) == (WRITTEN.content if word == "allow" else None)
    decided = [event.fact for event in ran.events if event.kind == "permission.decided"]
    assert len(decided) == 1, ran


@each(lambda guidance, _: guidance.resumes)
def test_it_is_interrupted_and_resumed(agent: Agent, mode: Mode, guide: Guide) -> None:
    guided = guide(agent, mode, "hang_then_ok")
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


@each(lambda guidance, _: guidance.resumes)
def test_it_is_killed_and_resumed(agent: Agent, mode: Mode, guide: Guide) -> None:
    guided = guide(agent, mode, "hang_then_ok")
    task = guided.add("--timeout", "90s")
    guided.until(guided.asked, "its model to be asked")
    guided.killed(task)
    guided.inspan("resume", task)
    ran = guided.ended(task)
    # Claude Code writes its conversation beside asking its model, and may be killed in between.
    forgotten = ran.task.reason is not None and ran.task.reason.code == "forgotten"
    if AGENTS[agent.name].forgets_young or forgotten:
        assert forgotten, ran
        guided.inspan("resume", task)
        ran = guided.ended(task)
    assert ran.task.state is TaskState.COMPLETED, ran


@each(Guidance.takes_more_in)
def test_a_second_prompt_is_asked_with_the_first_and_its_answer(
    agent: Agent, mode: Mode, guide: Guide
) -> None:
    guided = guide(agent, mode, "two_turns")
    guided.script(Slowly(ANSWER, 1.0), Say("The second answer."))
    task = guided.add("--timeout", "90s")
    guided.until(guided.asked, "its model to be asked")
    sent = guided.inspan("send", task, SECOND_PROMPT.strip())
    assert (sent.returncode, sent.stdout) == (0, b"started: a turn has it\n"), sent
    ran = guided.ended(task)
    assert (ran.task.state, ran.task.attempt) == (TaskState.COMPLETED, 1), ran
    asked = repr(guided.steps[-1].body)
    for words in (PROMPT.splitlines()[-1], SECOND_PROMPT.strip()):
        assert words in asked
    assert (ANSWER in asked) is not AGENTS[agent.name].breaks_off
    assert "The second answer." in guided.inspan("logs", task).stdout.decode()
