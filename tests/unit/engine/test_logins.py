"""Logins as the engine meets them, with a real process that answers for the agent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from inspan.engine.ports import Finished
from inspan.engine.rules import Rules
from inspan.model.agent import Ending, Outcome
from inspan.model.task import Exit, Reason, Task, TaskState
from inspan.providers.login import CIRCUIT_OPEN, MAX_ATTEMPTS_EXCEEDED, NOT_LOGGED_IN
from tests.real.agentstage import AgentStage, agent_stage, eventually
from tests.real.goldens import golden
from tests.unit.engine.stage import Stage, settle

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("C2", "C4", "C7")]

ANSWER = golden("claude", "stdio", "answer").folder / "stdout"


@pytest.fixture
async def stage() -> AsyncIterator[AgentStage]:
    async with agent_stage(Rules(default_slots=20)) as made:
        yield made


def _answers(stage: AgentStage, login: str, work: str = "") -> Path:
    """An agent that does its work; asked for its login it runs ``login``. Where asking is noted."""
    asked = stage.home.root / "asked"
    program = stage.home.root / "bin" / "claude"
    program.write_text(f"#!/bin/sh\nread prompt; {work or ':'}; cat {ANSWER}\n")
    program.chmod(0o755)
    stage.home.tells_login(f"echo x >>{asked}; times=$(wc -l <{asked}); {login}; exit 0")
    return asked


def _count(asked: Path) -> int:
    return len(asked.read_text().splitlines()) if asked.exists() else 0


async def _why(stage: AgentStage, task: Task, step: float = 0.0) -> str:
    """Why the task is an error: the word in brackets."""
    ended = await stage.comes_to(task, TaskState.ERROR, step=step)
    assert ended.reason is not None
    assert ended.pid is None
    return ended.reason.message.partition("(")[2].partition(")")[0]


async def test_three_logins_of_which_the_third_succeeds_are_two_pauses(stage: AgentStage) -> None:
    asked = _answers(stage, "test $times -ge 3 || kill -9 $$")
    task = await stage.submit(stage.spec())
    at: list[float] = []

    async def done() -> bool:
        await stage.clock.advance(0.1)
        at.extend([stage.clock.monotonic()] * (_count(asked) - len(at)))
        return await stage.state(task) is TaskState.COMPLETED

    await eventually(done)
    assert len(at) == 3
    assert at[1] - at[0] >= 0.9
    assert at[2] - at[1] >= 1.9


async def test_three_failures_are_the_end_and_nothing_more_is_tried(stage: AgentStage) -> None:
    asked = _answers(stage, "kill -9 $$")
    task = await stage.submit(stage.spec())
    ended = await stage.comes_to(task, TaskState.ERROR, step=0.5)
    assert ended.reason is not None
    assert ended.reason.code == "max-attempts-exceeded"
    assert MAX_ATTEMPTS_EXCEEDED in ended.reason.message
    assert "log in" in ended.reason.hint
    await stage.clock.advance(1000)
    assert _count(asked) == 3
    assert "spawned" not in await stage.facts(task)


async def test_the_breaker_opens_and_lets_one_try_when_it_has_rested(stage: AgentStage) -> None:
    asked = _answers(stage, """echo '{"loggedIn": false}'""")
    for _ in range(3):
        assert await _why(stage, await stage.submit(stage.spec())) == NOT_LOGGED_IN
    assert await _why(stage, await stage.submit(stage.spec())) == CIRCUIT_OPEN
    assert _count(asked) == 3
    let_go = stage.home.root / "go"
    _answers(stage, ":", f"until test -e {let_go}; do sleep 0.02; done")
    await stage.clock.advance(60)
    probe = await stage.submit(stage.spec())
    await stage.tells(probe, "spawned")
    assert await _why(stage, await stage.submit(stage.spec())) == CIRCUIT_OPEN
    let_go.touch()
    await stage.comes_to(probe, TaskState.COMPLETED)
    await stage.comes_to(await stage.submit(stage.spec()), TaskState.COMPLETED)
    assert _count(asked) == 4  # a good answer is believed for a while


async def test_twenty_that_wait_for_one_account_ask_once(stage: AgentStage) -> None:
    asked = _answers(stage, "sleep 0.2")
    tasks = [await stage.submit(stage.spec()) for _ in range(20)]
    for task in tasks:
        await stage.comes_to(task, TaskState.COMPLETED)
    assert _count(asked) == 1


async def test_twenty_whose_account_cannot_be_reached_do_not_thunder(stage: AgentStage) -> None:
    asked = _answers(stage, "kill -9 $$")
    tasks = [await stage.submit(stage.spec()) for _ in range(20)]
    whys = [await _why(stage, task, step=0.5) for task in tasks]
    assert sorted(whys) == [CIRCUIT_OPEN] * 17 + [MAX_ATTEMPTS_EXCEEDED] * 3
    assert _count(asked) == 9


async def test_a_login_that_is_lost_in_the_middle_is_an_error_that_says_so() -> None:
    fakes = Stage()
    async with fakes.running() as engine:
        task = await fakes.submit()
        outcome = Outcome(Ending.LOGIN, "the login has expired", "Log in again.")
        fakes.run_of(task).say(Finished(Exit(1), 0, outcome))
        await settle()
        found = await engine.get(task.id)
        assert found.state is TaskState.ERROR
        assert found.reason == Reason("login", "the login has expired", "Log in again.")
