"""An overloaded provider has fewer slots for a while."""

from __future__ import annotations

import pytest

from inspan.engine.ports import BacksOff, Finished
from inspan.engine.rules import Rules
from inspan.model.agent import Ending, Outcome
from inspan.model.task import Exit, Task, TaskState
from tests.fakes.provider import FakeRun
from tests.unit.engine.stage import Stage, settle

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("B2", "C5")]

OVERLOADED = Outcome(Ending.OVERLOADED, "the service is overloaded")


def _stage(**most: int) -> Stage:
    return Stage(Rules(default_slots=20, providers=most))


async def _ends(run: FakeRun, outcome: Outcome) -> None:
    run.say(Finished(Exit(0 if outcome.ok else 1), 0, outcome))
    await settle()


async def _running(stage: Stage, tasks: list[Task]) -> int:
    return [await stage.state(task) for task in tasks].count(TaskState.RUNNING)


async def test_a_provider_has_a_limit_beside_that_of_the_role() -> None:
    stage = _stage(shell=2)
    async with stage.running():
        tasks = [await stage.submit() for _ in range(3)]
        assert await _running(stage, tasks) == 2
        stage.run_of(tasks[0]).finish()
        await settle()
        assert await stage.state(tasks[2]) is TaskState.RUNNING


async def test_overload_halves_its_slots_and_quiet_gives_them_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stage = _stage(shell=4)
    async with stage.running():
        tasks = [await stage.submit() for _ in range(12)]
        await stage.clock.advance(10)
        for task in tasks[:4]:  # a burst: they meet it together
            await _ends(stage.run_of(task), OVERLOADED)
        assert await _running(stage, tasks) == 2
        (warning,) = (await stage.engine.health()).warnings
        assert warning == "shell is overloaded: 2 at once rather than 4, and one more in 60 s"
        assert "shell is overloaded" in caplog.text
        await stage.clock.advance(61)
        assert await _running(stage, tasks) == 3
        await stage.clock.advance(60)
        assert await _running(stage, tasks) == 4
        assert (await stage.engine.health()).warnings == ()


async def test_a_success_gives_one_back() -> None:
    stage = _stage(shell=4)
    async with stage.running():
        tasks = [await stage.submit() for _ in range(12)]
        await _ends(stage.run_of(tasks[0]), OVERLOADED)
        assert await _running(stage, tasks) == 3  # they are let end
        await stage.clock.advance(10)
        await _ends(stage.run_of(tasks[1]), Outcome(Ending.DONE))
        assert await _running(stage, tasks) == 3


async def test_an_agent_that_often_tries_again_tells_of_an_overload() -> None:
    stage = _stage(shell=4)
    async with stage.running():
        tasks = [await stage.submit() for _ in range(6)]
        for _ in range(2):
            stage.run_of(tasks[0]).say(BacksOff(1.0, "overloaded"))
        await settle()
        assert (await stage.engine.health()).warnings == ()
        stage.run_of(tasks[0]).say(BacksOff(1.0, "overloaded"))
        await settle()
        assert (await stage.engine.health()).warnings


async def test_one_that_tries_again_for_another_reason_tells_of_none() -> None:
    stage = _stage(shell=4)
    async with stage.running():
        task = await stage.submit()
        for ending in (Ending.CUT, Ending.LOGIN, Ending.FAILED):
            stage.run_of(task).say(BacksOff(1.0, "it broke off", ending))
        await settle()
        assert (await stage.engine.health()).warnings == ()


async def test_an_adopted_task_takes_its_place() -> None:
    stage = _stage(shell=1)
    async with stage.running():
        first = await stage.submit()
    async with stage.running():
        second = await stage.submit()
        assert await _running(stage, [first, second]) == 1
        stage.run_of(first).finish()
        await settle()
        assert await stage.state(second) is TaskState.RUNNING


async def test_a_restart_gives_no_slot_back_that_an_overload_took() -> None:
    stage = _stage(shell=4)
    async with stage.running():
        tasks = [await stage.submit() for _ in range(12)]
        await stage.clock.advance(10)
        for task in tasks[:4]:
            await _ends(stage.run_of(task), OVERLOADED)
        assert await _running(stage, tasks) == 2
        met = [await stage.facts(task) for task in tasks[:4]]
        assert sum(facts.count("overloaded") for facts in met) == 1  # they met one
        await stage.clock.advance(30)
    async with stage.running():
        assert await _running(stage, tasks) == 2
        (warning,) = (await stage.engine.health()).warnings
        assert warning == "shell is overloaded: 2 at once rather than 4, and one more in 30 s"
        await stage.clock.advance(31)
        assert await _running(stage, tasks) == 3
    await stage.clock.advance(60)
    async with stage.running():
        assert await _running(stage, tasks) == 4
        assert (await stage.engine.health()).warnings == ()


async def test_a_restart_remembers_a_provider_that_had_no_limit() -> None:
    stage = _stage()
    async with stage.running():
        tasks = [await stage.submit() for _ in range(8)]
        for _ in range(3):
            stage.run_of(tasks[0]).say(BacksOff(1.0, "overloaded"))
        await settle()
        for task in tasks:
            stage.run_of(task).finish()
        await settle()
    async with stage.running():
        again = [await stage.submit() for _ in range(8)]
        assert await _running(stage, again) == 4
        for _ in range(4):
            await stage.clock.advance(60)
        assert await _running(stage, again) == 8


async def test_what_the_settings_allow_now_counts_beside_an_overload_of_before() -> None:
    stage = _stage(shell=8)
    async with stage.running():
        tasks = [await stage.submit() for _ in range(12)]
        await _ends(stage.run_of(tasks[0]), OVERLOADED)
    stage.rules = Rules(default_slots=20, providers={"shell": 2})
    async with stage.running():
        for task in tasks[1:8]:
            stage.run_of(task).finish()
        await settle()
        assert await _running(stage, tasks) == 2


async def test_an_overload_of_long_ago_is_forgotten() -> None:
    stage = _stage(shell=200)
    stage.rules = Rules(default_slots=200, providers={"shell": 200})
    async with stage.running():
        tasks = [await stage.submit() for _ in range(200)]
        await _ends(stage.run_of(tasks[0]), OVERLOADED)
        for task in tasks[1:]:
            stage.run_of(task).finish()
        await settle()
    await stage.clock.advance(3601)
    async with stage.running():
        assert (await stage.engine.health()).warnings == ()
