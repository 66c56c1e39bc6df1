"""What a task may use is counted over its attempts, and used up stops it."""

from __future__ import annotations

import pytest

from inspan.engine.ports import Began, Counted, Finished
from inspan.engine.rules import Rules
from inspan.errors import BadInput
from inspan.model.agent import AgentSession, Ending, Mode, Outcome, Usage
from inspan.model.budget import Budget, OverBudget
from inspan.model.task import Exit, OnLimit, Task, TaskSpec, TaskState
from tests.fakes.provider import FakeProvider
from tests.unit.engine.stage import Stage, settle

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("C4", "C5")]

AGENTS = TaskSpec(provider="claude", prompt="do it", cwd="/")
STOPPED = Outcome(Ending.STOPPED, "it was interrupted")


class Agent(FakeProvider):
    """It tells what it uses; tokens only, where the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens_only = False

    def check_budget(self, spec: TaskSpec) -> None:
        if self.tokens_only and spec.budget is not None and spec.budget.cost is not None:
            raise BadInput("it never tells what it costs")


def _stage() -> Stage:
    stage = Stage()
    stage.shell = Agent()
    stage.shell.yields_to = "nothing"
    return stage


async def _uses(stage: Stage, task: Task, usage: Usage, attempt: int = 1) -> None:
    run = stage.run_of(task, attempt)
    run.say(Began(AgentSession(id="a-1", mode=Mode.STREAM)))
    run.say(Counted(usage))
    await settle()


async def _ends(stage: Stage, task: Task, outcome: Outcome, attempt: int = 1) -> Task:
    stage.run_of(task, attempt).say(Finished(Exit(0 if outcome.ok else 1), 0, outcome))
    await settle()
    return await stage.engine.get(task.id)


async def test_a_budget_that_is_used_up_interrupts_and_says_how_to_go_on() -> None:
    stage = _stage()
    async with stage.running():
        task = await stage.submit(budget=Budget(tokens=100))
        await _uses(stage, task, Usage(read=90, written=9))
        assert stage.run_of(task).asked == []
        await _uses(stage, task, Usage(read=90, written=10))
        assert stage.run_of(task).asked == ["interrupt"]
        rests = await _ends(stage, task, STOPPED)
        assert rests.state is TaskState.INTERRUPTED
        assert rests.reason is not None
        assert rests.reason.code == "budget"
        assert "100 of 100 tokens" in rests.reason.message
        assert "--budget 200" in rests.reason.hint


async def test_it_goes_on_with_more_and_all_attempts_count() -> None:
    stage = _stage()
    async with stage.running():
        task = await stage.submit(budget=Budget(tokens=100, cost=5))
        await _uses(stage, task, Usage(read=100, cost=1.0))
        await _ends(stage, task, STOPPED)
        for more in (None, Budget(tokens=100), Budget(cost=9)):
            with pytest.raises(BadInput, match="used up"):
                await stage.engine.resume(task.id, budget=more)
        again = await stage.engine.resume(task.id, budget=Budget(tokens=300))
        await settle()
        assert again.allowance == Budget(tokens=300, cost=5)
        order = stage.run_of(task, 2).order
        assert (order.resumes, order.cost_most) == ("a-1", 4.0)
        await _uses(stage, task, Usage(read=199), 2)
        assert stage.run_of(task, 2).asked == []
        await _uses(stage, task, Usage(read=200), 2)
        assert stage.run_of(task, 2).asked == ["interrupt"]


async def test_to_stop_is_to_fail_and_no_retry_follows() -> None:
    stage = _stage()
    async with stage.running():
        task = await stage.submit(budget=Budget(cost=2, over=OverBudget.STOP), retries=3)
        await _uses(stage, task, Usage(cost=2.5))
        failed = await _ends(stage, task, STOPPED)
        assert failed.state is TaskState.FAILED
        assert failed.reason is not None
        assert failed.reason.message == "it has used $2.50 of $2.00"


async def test_one_that_is_done_all_the_same_is_done() -> None:
    stage = _stage()
    async with stage.running():
        task = await stage.submit(budget=Budget(tokens=10))
        await _uses(stage, task, Usage(read=10))
        done = await _ends(stage, task, Outcome(Ending.DONE))
        assert done.state is TaskState.COMPLETED


async def test_an_agent_that_kept_to_its_budget_itself_is_asked_about_too() -> None:
    stage = _stage()
    async with stage.running():
        task = await stage.submit(budget=Budget(cost=2))
        assert stage.run_of(task).order.cost_most == 2
        rests = await _ends(stage, task, Outcome(Ending.BUDGET, "it has used up its budget"))
        assert rests.state is TaskState.INTERRUPTED
        assert rests.reason is not None
        assert "--budget '$4'" in rests.reason.hint


async def test_an_adopted_attempt_is_held_to_it() -> None:
    stage = _stage()
    async with stage.running():
        task = await stage.submit(budget=Budget(tokens=10))
        await _uses(stage, task, Usage(read=9))
    stage.run_of(task).say(Counted(Usage(read=10)))
    async with stage.running():
        await settle()
        assert stage.run_of(task).asked == ["interrupt"]


@pytest.mark.parametrize("budget", [Budget(cost=0), Budget(tokens=0), Budget(cost=float("nan"))])
async def test_a_budget_of_nothing_is_refused(budget: Budget) -> None:
    stage = _stage()
    async with stage.running():
        with pytest.raises(BadInput, match="more than nothing"):
            await stage.submit(budget=budget)


async def test_a_budget_that_cannot_be_measured_is_refused() -> None:
    stage = _stage()
    assert isinstance(stage.shell, Agent)
    stage.shell.tokens_only = True
    async with stage.running():
        with pytest.raises(BadInput, match="never tells"):
            await stage.submit(budget=Budget(cost=1))
        task = await stage.submit(budget=Budget(tokens=1))
        await _uses(stage, task, Usage(read=1))
        await _ends(stage, task, STOPPED)
        with pytest.raises(BadInput, match="never tells"):
            await stage.engine.resume(task.id, budget=Budget(cost=1))
    plain = Stage()
    async with plain.running():
        with pytest.raises(BadInput, match="does not tell what it uses"):
            await plain.submit(budget=Budget(tokens=1))


async def test_who_names_no_budget_has_that_of_the_settings() -> None:
    stage = _stage()
    stage.rules = Rules(budget=Budget(tokens=10))
    stage.providers["claude"] = stage.shell
    async with stage.running():
        usual = await stage.submit(AGENTS)
        assert usual.allowance == Budget(tokens=10)
        asked = await stage.submit(AGENTS, budget=Budget(cost=1))
        assert asked.allowance == Budget(cost=1)
        none = await stage.submit(AGENTS, budget=Budget())
        assert none.allowance is None
        assert (await stage.submit()).allowance is None
        one = await stage.engine.submit(AGENTS, key="k")
    stage.rules = Rules(budget=Budget(tokens=20))
    async with stage.running():  # the same request makes the same task
        assert (await stage.engine.submit(AGENTS, key="k")).id == one.id


async def test_a_parked_task_takes_a_larger_budget_with_it() -> None:
    stage = _stage()
    async with stage.running():
        task = await stage.submit(budget=Budget(tokens=100), on_limit=OnLimit.WAIT)
        await _uses(stage, task, Usage(read=90, written=9))
        limit = Outcome(Ending.QUOTA, "the limit is reached", "", stage.clock.now() + 3600)
        assert (await _ends(stage, task, limit)).is_parked
        with pytest.raises(BadInput, match="used up"):
            await stage.engine.resume(task.id, budget=Budget(tokens=90))
        woken = await stage.engine.resume(task.id, budget=Budget(tokens=300))
        assert woken.allowance == Budget(tokens=300)
        await settle()
        await _uses(stage, task, Usage(read=150), attempt=2)
        assert stage.run_of(task, 2).asked == []
