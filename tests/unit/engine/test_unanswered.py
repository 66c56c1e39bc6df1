"""A permission that nobody gives in time, by a clock that the test holds."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from inspan.control import EventQuery
from inspan.engine.ports import Asks, Change, Decided, GoesOn, Order
from inspan.engine.rules import Rules
from inspan.errors import Conflict, IllegalTransition, SessionNotFound
from inspan.model import event as e
from inspan.model.permission import Decision, Policy, Rule
from inspan.model.task import Needs, Task, TaskState
from tests.fakes.provider import FakeProvider, FakeRun
from tests.unit.engine.stage import Stage, limited, settle

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("C4", "C9")]

FIRST = Needs("permission", "Bash: ls", ("allow", "deny"), id="r-1")
SECOND = Needs("permission", "Bash: rm", ("allow", "deny"), id="r-2")


async def asked(stage: Stage, own: Policy | None = None) -> Task:
    task = await stage.submit(permissions=own)
    stage.run_of(task).say(Asks(FIRST))
    await settle()
    return task


async def decided(stage: Stage, task: Task) -> list[e.PermissionDecided]:
    facts = [event.fact for event in await stage.store.history(EventQuery(task=task.id))]
    return [fact for fact in facts if isinstance(fact, e.PermissionDecided)]


async def test_after_its_time_it_is_denied_and_that_is_told() -> None:
    stage = Stage(replace(limited(command=100), permissions=Policy(expires=60)))
    async with stage.running():
        task = await asked(stage)
        await stage.clock.advance(59)
        assert stage.run_of(task).typed == b""
        await stage.clock.advance(2)
        assert stage.run_of(task).typed == b"deny\r"
        assert await stage.state(task) is TaskState.RUNNING
        (told,) = await decided(stage, task)
        assert (told.request, told.decision) == ("r-1", Decision.DENY)
        assert told.by == "nobody answered within 60 s"
        await stage.clock.advance(98)  # the deadline's clock stood meanwhile
        assert await stage.state(task) is TaskState.RUNNING
        await stage.clock.advance(3)
        assert await stage.state(task) is TaskState.FAILED


async def test_the_time_counts_from_the_question_through_the_death_of_an_engine() -> None:
    stage = Stage(Rules(permissions=Policy(expires=60)))
    async with stage.running():
        task = await asked(stage)
        await stage.clock.advance(50)
    async with stage.running():
        stage.run_of(task).say(Asks(FIRST))
        await settle()
        await stage.clock.advance(11)
        assert await stage.state(task) is TaskState.RUNNING
        assert len(await decided(stage, task)) == 1


async def test_a_task_may_wait_for_ever_and_another_for_less() -> None:
    stage = Stage(Rules(permissions=Policy(expires=60)))
    async with stage.running():
        patient = await asked(stage, Policy(expires=None))
        hasty = await asked(stage, Policy(expires=0))
        await settle()
        assert await stage.state(hasty) is TaskState.RUNNING
        await stage.clock.advance(1e6)
        assert await stage.state(patient) is TaskState.WAITING


async def test_who_answers_in_time_is_not_overruled() -> None:
    stage = Stage(Rules(permissions=Policy(expires=60)))
    async with stage.running():
        task = await asked(stage)
        await stage.engine.answer(task.id, "allow", question="r-1")
        await stage.clock.advance(200)
        assert stage.run_of(task).typed == b"allow\r"
        assert await decided(stage, task) == []


async def test_an_answer_to_one_question_never_meets_the_next() -> None:
    stage = Stage()
    async with stage.running():
        task = await asked(stage)
        stage.run_of(task).say(Asks(SECOND))
        await settle()
        with pytest.raises(Conflict):
            await stage.engine.answer(task.id, "allow", question="r-1")
        assert stage.run_of(task).typed == b""
        await stage.engine.answer(task.id, "allow", question="r-2")
        stage.run_of(task).say(GoesOn())
        await settle()
        assert await stage.state(task) is TaskState.RUNNING


async def test_what_a_rule_decided_is_a_fact_and_rules_for_all_are_for_each() -> None:
    for_all, own = Rule(Decision.DENY, "Bash"), Rule(Decision.ALLOW, "Read")
    stage = Stage(Rules(permissions=Policy((for_all,))))
    async with stage.running():
        task = await stage.submit(permissions=Policy((own,), expires=5))
        assert stage.run_of(task).order.permissions == Policy((for_all, own), expires=5)
        stage.run_of(task).say(Decided("r-1", "Bash: ls", Decision.DENY, "deny Bash"))
        await settle()
        assert await decided(stage, task) == [
            e.PermissionDecided(1, "r-1", "Bash: ls", Decision.DENY, "deny Bash")
        ]
        assert await stage.state(task) is TaskState.RUNNING


async def test_who_answers_just_after_its_process_has_ended_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its end is not stored yet, so that it still waits as far as anybody knows."""
    stage = Stage()
    async with stage.running() as engine:
        task = await asked(stage)
        commit, room = stage.store.commit, asyncio.Event()

        async def held(change: Change) -> None:
            await room.wait()
            await commit(change)

        monkeypatch.setattr(stage.store, "commit", held)
        stage.run_of(task).finish()
        await settle()
        assert await stage.state(task) is TaskState.WAITING
        with pytest.raises(IllegalTransition, match="has just ended"):
            await engine.answer(task.id, "allow")
        room.set()
        await settle()
        assert (await engine.get(task.id)).done


class DeafRun(FakeRun):
    """Its process has just ended, and nobody has seen that yet."""

    async def answer(self, needs: Needs, text: str) -> None:
        raise SessionNotFound(f"it asks nothing any more: {needs.question}, {text}")


class Deaf(FakeProvider):
    async def open(self, order: Order) -> FakeRun:
        run = self.runs[order.session] = DeafRun(order, 7)
        return run


async def test_what_could_not_be_denied_is_not_told_as_denied() -> None:
    stage = Stage(Rules(permissions=Policy(expires=60)))
    stage.shell = Deaf()
    async with stage.running():
        task = await asked(stage)
        await stage.clock.advance(61)
        assert await decided(stage, task) == []
        assert await stage.state(task) is TaskState.WAITING
