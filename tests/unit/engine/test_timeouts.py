"""Time runs out for real agents: warnings, what voids them, and that nothing is left at the end."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from inspan.engine.rules import Rules
from inspan.model import event as e
from inspan.model.task import Patience, Task, TaskState
from inspan.model.timeouts import Timeouts
from tests.real.agentstage import AgentStage, agent_stage, eventually
from tests.real.daemon import alive
from tests.unit.engine.stage import Stage, limited, settle

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("B4", "C3")]

#: It says a word whenever it gets one, leaves its own session in a child, and ends by no word.
QUIET = """
setsid sleep 1000 & echo $! > child
echo $$ > self
exec 3<>words
while read word <&3; do echo "{}"; done
"""


@asynccontextmanager
async def _quiet(rules: Rules | None = None) -> AsyncIterator[AgentStage]:
    async with agent_stage(rules) as made:
        made.runs(QUIET)
        os.mkfifo(made.home.work / "words")
        yield made


@pytest.fixture
async def stage() -> AsyncIterator[AgentStage]:
    async with _quiet() as made:
        yield made


async def _started(stage: AgentStage) -> tuple[Task, list[int]]:
    """A task whose agent spoke just now, after the first warning, and its processes."""
    task = await stage.submit(stage.spec())

    await _warned(stage, task, 1)
    await _speaks(stage, task, 1)
    files = [stage.home.work / name for name in ("self", "child")]
    return await stage.engine.get(task.id), [int(file.read_text()) for file in files]


async def _warned(stage: AgentStage, task: Task, times: int) -> None:
    """Silence, until that was warned of so often."""

    async def told() -> bool:
        await stage.clock.advance(10)
        return (await stage.facts(task)).count("idle_warned") == times

    await eventually(told)


async def _speaks(stage: AgentStage, task: Task, warnings: int) -> None:
    """The agent prints something after so many warnings, and the last of these is void."""
    (stage.home.work / "words").write_text("on\n")
    await stage.tells(task, "stirred", warnings)
    assert (await stage.engine.get(task.id)).idle_warned_at is None


async def test_silence_is_warned_of_at_270_s_and_at_300_s_nothing_is_left(
    stage: AgentStage,
) -> None:
    task, processes = await _started(stage)
    await stage.clock.advance(269)
    assert (await stage.facts(task)).count("idle_warned") == 1
    await stage.clock.advance(1)
    assert (await stage.facts(task)).count("idle_warned") == 2
    await stage.clock.advance(29)
    assert await stage.state(task) is TaskState.RUNNING
    failed = await stage.comes_to(task, TaskState.FAILED, step=1)
    assert failed.reason is not None
    assert (failed.reason.code, failed.reason.message) == ("idle", "was silent for 300 s")
    assert "--idle" in failed.reason.hint
    assert not any(alive(process) for process in processes)


async def test_the_limit_of_silence_follows_an_agents_own_rhythm(stage: AgentStage) -> None:
    task, processes = await _started(stage)
    for number in range(2, 4):
        await _warned(stage, task, number)
        await _speaks(stage, task, number)
    await stage.clock.advance(500)
    assert await stage.state(task) is TaskState.RUNNING
    failed = await stage.comes_to(task, TaskState.FAILED, step=10)
    warnings = [event.fact for event in await stage.events(task)]
    limit = max(fact.limit for fact in warnings if isinstance(fact, e.IdleWarned))
    assert 540 <= limit <= 1200  # twice the longest of its pauses, at most four times as long
    assert failed.reason is not None
    assert failed.reason.code == "idle"
    assert not any(alive(process) for process in processes)


async def test_an_agent_that_goes_on_is_ended_when_its_session_has_lasted_an_hour() -> None:
    async with _quiet(limited(stretch=1)) as stage:
        task, processes = await _started(stage)
        assert task.started_at is not None
        for number in range(2, 14):
            left = task.started_at + 3600 - stage.clock.now()
            if left <= 300:
                break
            await stage.clock.advance(280)
            await _speaks(stage, task, number)
        await stage.clock.advance(left - 31)
        assert "deadline_warned" not in await stage.facts(task)
        await stage.clock.advance(2)
        assert "deadline_warned" in await stage.facts(task)
        failed = await stage.comes_to(task, TaskState.FAILED, step=1)
    assert failed.reason is not None
    assert (failed.reason.code, failed.reason.message) == ("deadline", "ran longer than 3600 s")
    assert not any(alive(process) for process in processes)


async def test_a_question_that_is_open_stops_the_clocks(stage: AgentStage) -> None:
    stage.home.plays("permission_allow")
    stage.home.tells_login("exit 0")
    task = await stage.submit(stage.spec())
    waiting = await stage.comes_to(task, TaskState.WAITING)
    await stage.clock.advance(3000)
    assert await stage.state(task) is TaskState.WAITING
    assert "idle_warned" not in await stage.facts(task)
    assert waiting.needs is not None
    await stage.engine.answer(task.id, "allow")
    await stage.comes_to(task, TaskState.COMPLETED)


async def test_one_that_was_warned_of_and_then_asked_is_warned_of_again() -> None:
    stage = Stage()
    async with stage.running():
        task = await stage.submit(patience=Patience(deadline=None, idle=300, lifted=True))
        await stage.clock.advance(271)
        stage.run_of(task).ask("Proceed?")
        await settle()
        assert (await stage.engine.get(task.id)).idle_warned_at is None
        await stage.engine.answer(task.id, "yes")
        await stage.clock.advance(271)
        assert (await stage.facts(task)).count("idle_warned") == 2


async def test_the_next_engine_knows_what_was_warned_of() -> None:
    stage = Stage()
    async with stage.running():
        task = await stage.submit(patience=Patience(deadline=None, idle=300, lifted=True))
        await stage.clock.advance(271)
    async with stage.running():
        stage.run_of(task).print()
        await settle()
        assert (await stage.engine.get(task.id)).idle_warned_at is None


async def test_a_deadline_is_warned_of_too_once() -> None:
    stage = Stage(limited(command=100, warning=30))
    async with stage.running():
        task = await stage.submit()
        await stage.clock.advance(69)
        assert "deadline_warned" not in await stage.facts(task)
        await stage.clock.advance(20)
        assert (await stage.facts(task)).count("deadline_warned") == 1
        await stage.clock.advance(12)
        assert await stage.state(task) is TaskState.FAILED


async def test_figures_that_have_changed_count_for_what_starts_then() -> None:
    figures = [Timeouts(command=100), Timeouts(command=500)]
    stage = Stage(Rules(timeouts=lambda: figures[0], default_slots=2))
    async with stage.running():
        before = await stage.submit()
        figures.pop(0)
        after = await stage.submit()
        await stage.clock.advance(101)
        assert await stage.state(before) is TaskState.FAILED
        assert await stage.state(after) is TaskState.RUNNING
