"""What an agent is refused of Control, and that nothing happened where it was."""

from __future__ import annotations

from dataclasses import replace

import anyio
import pytest

from inspan.control import EventQuery
from inspan.errors import Conflict, NotGranted, SessionNotFound, TaskNotFound
from inspan.model import event as e
from inspan.model.agent import Mode
from inspan.model.budget import Budget
from inspan.model.delegation import Delegation
from inspan.model.task import Handover, Needs, Task, TaskKind, TaskSpec, TaskState, Verdict
from inspan.server.base import NoBase
from inspan.server.leash import Leash
from tests.fakes.control import FakeControl

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("C9")]

AGENT = TaskSpec(provider="claude", prompt="work", cwd="/", delegates=True)
WISH = TaskSpec(provider="claude", prompt="a part of it", cwd="")


class OnTerminals(NoBase):
    """A base by whose settings all agents are spoken to on a terminal."""

    def by_lines(self, provider: str, mode: Mode | None) -> bool:
        del provider, mode
        return False


class World:
    """An agent at work, one child of it, and a stranger."""

    def __init__(self) -> None:
        self.control = FakeControl()

    async def begin(self) -> World:
        self.own = self.control.start((await self.control.submit(AGENT)).id)
        self.leash = self.of(self.own)
        self.child = await self.leash.submit(WISH)
        self.stranger = await self.control.submit(replace(AGENT, name="stranger"))
        return self

    def of(self, task: Task, base: NoBase | None = None) -> Leash:
        return Leash(self.control, task.id, Delegation(), base or NoBase(), anyio.Lock())

    async def typed_child(self) -> Task:
        """One that a person handed over to an agent on a terminal."""
        spec = replace(AGENT, parent=self.own.id, mode=Mode.PTY)
        return self.control.start((await self.control.submit(spec)).id)


@pytest.fixture
async def world() -> World:
    return await World().begin()


@pytest.mark.parametrize("why", ["never", "over"])
async def test_whose_agent_may_hand_in_nothing_hands_in_nothing(world: World, why: str) -> None:
    if why == "never":
        leash = world.of(await world.control.submit(replace(AGENT, delegates=False)))
    else:
        world.control.ends(world.own.id)
        leash = world.leash
    before = len(world.control.tasks)
    with pytest.raises(NotGranted, match="may hand in nothing") as told:
        await leash.submit(WISH)
    assert "A person" in told.value.hint
    assert len(world.control.tasks) == before


async def test_an_agent_on_a_terminal_is_not_handed_in(world: World) -> None:
    before = len(world.control.tasks)
    with pytest.raises(NotGranted, match="on a terminal"):
        await world.of(world.own, OnTerminals()).submit_all((WISH, WISH))
    assert len(world.control.tasks) == before


async def test_nothing_is_typed_into_a_childs_terminal(world: World) -> None:
    child = await world.typed_child()
    with pytest.raises(NotGranted, match="typed into a terminal"):
        await world.leash.prompt(child.id, "y")
    assert child.session is not None
    assert world.control.sessions[child.session].typed == b""


async def test_a_child_without_a_session_has_nothing_to_be_read(world: World) -> None:
    with pytest.raises(SessionNotFound, match="no session yet"):
        await world.leash.read(world.child.id)


async def test_only_the_question_that_was_looked_at_is_answered(world: World) -> None:
    child = world.control.start(world.child.id)
    needs = Needs("question", "Which?", id="q2")
    world.control._record(child.id, e.NeedsInput(child.attempt, needs))
    with pytest.raises(NotGranted, match="not what it asks now") as told:
        await world.leash.answer(child.id, "this", question="q1")
    assert "Look at it again" in told.value.hint
    assert (await world.leash.get(child.id)).state is TaskState.WAITING
    answered = await world.leash.answer(child.id, "this", question="q2")
    assert answered.state is TaskState.RUNNING


async def test_an_agent_raises_no_budget_and_hands_nothing_over(world: World) -> None:
    world.control.ends(world.control.start(world.child.id).id, 3)
    for more in ({"budget": Budget(cost=9.0)}, {"to": Handover(provider="codex")}):
        with pytest.raises(NotGranted, match="raises no budget") as told:
            await world.leash.resume(world.child.id, **more)
        assert "A person" in told.value.hint
    assert (await world.leash.get(world.child.id)).state is TaskState.FAILED


async def test_a_child_that_is_over_is_not_sent_back(world: World) -> None:
    world.control.ends(world.control.start(world.child.id).id)
    before = len(world.control.tasks)
    with pytest.raises(NotGranted, match="not sent back") as told:
        await world.leash.decide(world.child.id, Verdict.SEND_BACK, ("again",))
    assert "`submit` another" in told.value.hint
    assert len(world.control.tasks) == before


@pytest.mark.parametrize("verb", ["prune", "shutdown", "attach", "code", "merge", "replan"])
async def test_what_there_is_of_control_beside_that_is_refused_by_name(
    world: World, verb: str
) -> None:
    with pytest.raises(NotGranted, match=f"no `{verb}` here"):
        getattr(world.leash, verb)


async def test_an_agent_steers_neither_itself_nor_its_goal(world: World) -> None:
    goal = await world.control.submit(replace(AGENT, kind=TaskKind.GOAL))
    spec = replace(AGENT, correlation=goal.correlation)
    own = world.control.start((await world.control.submit(spec)).id)
    leash = world.of(own)
    assert (await leash.get(goal.id)).id == goal.id
    for task in (own, goal):
        before = await world.control.get(task.id)
        for verb in (leash.cancel, leash.interrupt, leash.resume):
            with pytest.raises(NotGranted, match="but those it handed in"):
                await verb(task.id)
        assert await world.control.get(task.id) == before


async def test_of_what_is_anothers_it_learns_not_even_that_it_is_there(world: World) -> None:
    told = []
    for ref in (world.stranger.id, "stranger", world.own.id[:4]):
        with pytest.raises(TaskNotFound) as caught:
            await world.leash.get(ref)
        told.append(caught.value.message.replace(ref, ""))
    assert len(set(told)) == 1  # also where several tasks fit, which would be named
    for query in (EventQuery(), EventQuery(task=world.stranger.id)):
        with pytest.raises(TaskNotFound):
            await world.leash.history(query)


async def test_as_many_may_be_open_as_the_rules_have_it(world: World) -> None:
    width = Delegation().width
    with pytest.raises(Conflict, match=f"{width} children may be open") as told:
        await world.leash.submit_all((WISH,) * width)
    assert "`wait`" in told.value.hint
