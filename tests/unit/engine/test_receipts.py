"""The engine hands a prompt over once for each key, by fakes of the world that it can lose."""

from __future__ import annotations

from collections.abc import Callable

import anyio
import pytest

from inspan.control import EventQuery
from inspan.engine.ports import Order, Reached
from inspan.errors import BadInput, Conflict, InputFull, KeyReused, WriterTaken
from inspan.model import event as e
from inspan.model import receipt as r
from inspan.model.session import Answers
from inspan.model.task import Task, TaskState
from tests.fakes.provider import FakeProvider, FakeRun
from tests.unit.engine import stage as st

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("C4", "B4")]

LOST = r.Arrival(r.Stage.WRITTEN, lost=True, why="no")


class PromptedRun(FakeRun):
    """It takes prompts, and tells what the test says of them."""

    way = r.Way.LINES

    def __init__(self, order: Order, pid: int) -> None:
        super().__init__(order, pid)
        self.prompts: dict[str, str] = {}
        self.refuses: Conflict | None = None
        self.fails: InputFull | None = None
        #: Whether it can tell what it was handed.
        self.remembers = True

    async def check_prompt(self, text: str) -> None:
        if self.refuses is not None:
            raise self.refuses
        assert text

    async def prompt(self, key: str, text: str) -> r.Arrival:
        await anyio.lowlevel.checkpoint()
        if self.fails is not None:
            raise self.fails
        assert key not in self.prompts
        self.prompts[key] = text
        return r.Arrival(r.Stage.WRITTEN)

    async def knows(self, key: str) -> bool | None:
        return key in self.prompts if self.remembers else None

    def share(self, taken: Callable[[], bool]) -> None:
        assert not taken()

    def reach(self, key: str, arrival: r.Arrival) -> None:
        self.say(Reached(key, arrival))


class Agents(FakeProvider):
    """``FakeProvider`` with runs that take prompts."""

    async def open(self, order: Order) -> FakeRun:
        run = self.runs[order.session] = PromptedRun(order, 7)
        return run


class Stage(st.Stage):
    def __init__(self) -> None:
        super().__init__()
        self.shell = Agents()

    def agent_of(self, task: Task) -> PromptedRun:
        run = self.run_of(task)
        assert isinstance(run, PromptedRun)
        return run

    async def told(self, task: Task) -> list[e.PromptAccepted | e.PromptSettled]:
        facts = [event.fact for event in await self.store.history(EventQuery(task=task.id))]
        return [fact for fact in facts if isinstance(fact, e.PromptAccepted | e.PromptSettled)]


async def test_its_receipt_follows_it_to_the_turn() -> None:
    stage = Stage()
    async with stage.running() as engine:
        task = await stage.submit()
        written = await engine.prompt(task.id, "go", key="k")
        assert (written.stage, written.settled) == (r.Stage.WRITTEN, False)
        stage.agent_of(task).reach("k", r.Arrival(r.Stage.STARTED))
        arrived = await engine.prompt(task.id, "go", key="k", wait=30)
        assert (arrived.stage, arrived.arrived) == (r.Stage.STARTED, True)
        assert stage.agent_of(task).prompts == {"k": "go"}
    accepted, settled = await stage.told(task)
    assert isinstance(accepted, e.PromptAccepted)
    assert settled == e.PromptSettled(1, "k", r.Stage.STARTED)


async def test_many_who_ask_at_once_hand_it_over_once() -> None:
    stage = Stage()
    async with stage.running() as engine:
        task = await stage.submit()
        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(lambda: engine.prompt(task.id, "go", key="k"))
        assert stage.agent_of(task).prompts == {"k": "go"}
        with pytest.raises(KeyReused):
            await engine.prompt(task.id, "stop", key="k")


async def test_whoever_asked_may_go_and_it_is_handed_over_all_the_same() -> None:
    stage = Stage()
    async with stage.running() as engine:
        task = await stage.submit()
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: engine.prompt(task.id, "go", key="k", wait=1000))
            await st.settle()
            group.cancel_scope.cancel()
        await st.settle()
        assert stage.agent_of(task).prompts == {"k": "go"}


async def test_a_refusal_is_raised_and_leaves_the_key_free() -> None:
    stage = Stage()
    async with stage.running() as engine:
        task = await stage.submit()
        stage.agent_of(task).refuses = Conflict("not now")
        with pytest.raises(Conflict, match="not now"):
            await engine.prompt(task.id, "go", key="k")
        stage.agent_of(task).refuses = None
        assert await stage.told(task) == []
        assert (await engine.prompt(task.id, "go", key="k")).stage is r.Stage.WRITTEN


@pytest.mark.parametrize("text", ["", " \n\t"])
async def test_nothing_is_no_prompt(text: str) -> None:
    stage = Stage()
    async with stage.running() as engine:
        task = await stage.submit()
        with pytest.raises(BadInput):
            await engine.prompt(task.id, text)


@pytest.mark.parametrize("key", ["", "k" * (r.KEY_MOST + 1)])
async def test_a_key_has_bounds(key: str) -> None:
    stage = Stage()
    async with stage.running() as engine:
        task = await stage.submit()
        with pytest.raises(BadInput):
            await engine.prompt(task.id, "go", key=key)


async def test_what_could_not_be_written_is_lost_and_raised() -> None:
    stage = Stage()
    async with stage.running() as engine:
        task = await stage.submit()
        stage.agent_of(task).fails = InputFull("it does not read")
        with pytest.raises(InputFull):
            await engine.prompt(task.id, "go", key="k")
        _, settled = await stage.told(task)
        assert settled == e.PromptSettled(1, "k", r.Stage.QUEUED, lost=True, why="it does not read")


async def test_the_next_engine_hands_it_over_only_where_it_never_was() -> None:
    stage = Stage()
    async with stage.running() as engine:
        task = await stage.submit()
        await engine.prompt(task.id, "go", key="k")
    async with stage.running() as engine:
        assert (await engine.prompt(task.id, "go", key="k")).stage is r.Stage.QUEUED
        stage.agent_of(task).prompts.clear()  # it was accepted, and not written
        assert (await engine.prompt(task.id, "go", key="k")).stage is r.Stage.WRITTEN
        assert stage.agent_of(task).prompts == {"k": "go"}


async def test_what_nobody_can_tell_is_not_handed_over_again() -> None:
    stage = Stage()
    async with stage.running() as engine:
        task = await stage.submit()
        await engine.prompt(task.id, "go", key="k")
    stage.agent_of(task).prompts.clear()
    stage.agent_of(task).remembers = False
    async with stage.running() as engine:
        receipt = await engine.prompt(task.id, "go", key="k", wait=30)
        assert receipt.lost
        assert "not known" in receipt.why
        assert stage.agent_of(task).prompts == {}


async def test_what_is_told_again_after_an_adoption_is_stored_once() -> None:
    stage = Stage()
    async with stage.running() as engine:
        task = await stage.submit()
        await engine.prompt(task.id, "go", key="k")
        stage.agent_of(task).reach("k", r.Arrival(r.Stage.STARTED))
        await st.settle()
    async with stage.running():
        await st.settle()  # the fake tells all of it again
    assert len(await stage.told(task)) == 2


async def test_what_no_turn_had_at_the_end_is_lost() -> None:
    stage = Stage()
    async with stage.running() as engine:
        task = await stage.submit()
        await engine.prompt(task.id, "go", key="k")
        stage.agent_of(task).finish()
        await st.settle()
        assert await stage.state(task) is TaskState.COMPLETED
        receipt = await engine.prompt(task.id, "go", key="k", wait=30)
        assert (receipt.lost, receipt.why) == (True, "it ended before a turn had it")
        with pytest.raises(Conflict):
            await engine.prompt(task.id, "go on", key="k-2")


async def test_what_an_agent_declines_is_lost_and_says_why() -> None:
    stage = Stage()
    async with stage.running() as engine:
        task = await stage.submit()
        await engine.prompt(task.id, "go", key="k")
        stage.agent_of(task).reach("k", LOST)
        receipt = await engine.prompt(task.id, "go", key="k", wait=30)
        assert (receipt.stage, receipt.lost, receipt.why) == (r.Stage.WRITTEN, True, "no")


async def test_on_a_screen_where_somebody_types_nothing_is_handed_over() -> None:
    stage = Stage()
    async with stage.running() as engine:
        task = await stage.submit()
        stage.agent_of(task).way = r.Way.SCREEN
        async with engine.attach(f"{task.id}-1", writer=True, answers=Answers.NEW):
            with pytest.raises(WriterTaken, match="somebody types") as refused:
                await engine.prompt(task.id, "go", key="k")
            assert "until they leave" in refused.value.hint
            assert stage.agent_of(task).prompts == {}
        assert await stage.told(task) == []
        assert (await engine.prompt(task.id, "go", key="k")).stage is r.Stage.WRITTEN
