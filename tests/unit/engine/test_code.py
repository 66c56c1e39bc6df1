"""Code sessions of the engine: engines that come and go, slow readers, full stores."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import astuple, replace

import anyio
import anyio.abc
import pytest

from inspan.control import PrunePolicy
from inspan.engine.code.feed import RING
from inspan.engine.code.ports import CodeOrder, CodePorts, CodeSink
from inspan.engine.code.standing import Standing, standing, word
from inspan.engine.code.verbs import CodeVerbs
from inspan.engine.ports import Change
from inspan.errors import SessionEnded, SessionNotFound, StoreFailed, WorkerNotReady
from inspan.model.code import (
    CellBegan,
    CellEnd,
    CellEnded,
    CellEntered,
    CellState,
    CodeEvent,
    CodeSession,
    CodeSpec,
    Opened,
    Printed,
    RunEnded,
    Wanted,
)
from inspan.model.session import CodeState
from inspan.store.memory import MemoryStore
from inspan.store.transcripts import MemoryTranscripts
from tests.fakes.clock import FakeClock
from tests.fakes.code import FakeCodeProvider, FakeCodeRun
from tests.fakes.control import FakeControl
from tests.fakes.rest import at_rest
from tests.fakes.web import FakeWeb

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("D1", "D9")]

SPEC = CodeSpec(cwd="/", name="mine")


class FailingTranscripts(MemoryTranscripts):
    """Transcripts on a disk that may be full."""

    full = False

    def append(self, event: CodeEvent, mark: str, *, more: bool = False) -> None:
        if self.full:
            raise StoreFailed("the disk is full")
        super().append(event, mark, more=more)


class RefusingStore(MemoryStore):
    """A store that may be full, or slow."""

    refuses = False
    turn: asyncio.Event | None = None

    async def commit(self, change: Change) -> None:
        if self.turn is not None:
            await self.turn.wait()
        if self.refuses:
            raise StoreFailed("the disk is full")
        await super().commit(change)


class World:
    """In which engines come and go."""

    def __init__(self, group: anyio.abc.TaskGroup) -> None:
        self.group = group
        self.store = RefusingStore()
        self.workers = FakeCodeProvider()
        self.transcripts = FailingTranscripts()
        self.clock = FakeClock(rest=at_rest)
        self.code = self._verbs()

    def _verbs(self) -> CodeVerbs:
        ports = CodePorts(
            store=self.store,
            provider=self.workers,
            transcripts=self.transcripts,
            web=FakeWeb(),
            clock=self.clock,
        )
        return CodeVerbs(ports, self._spawn, FakeControl())

    def _spawn(self, work: Callable[[], Awaitable[None]]) -> None:
        self.group.start_soon(_run, work)

    async def again(self) -> None:
        """The engine is killed; another comes."""
        for run in self.workers.runs.values():
            run.quiet = True
        self.code = self._verbs()
        await self.code.load()
        await at_rest()

    async def opened(self) -> tuple[CodeSession, FakeCodeRun]:
        made = await self.code.open(SPEC)
        return made, self.workers.runs[f"{made.id}-1"]

    async def facts(self, session: CodeSession) -> list[object]:
        return [event.fact for event in await self.code.transcript(session.id)]


async def _run(work: Callable[[], Awaitable[None]]) -> None:
    await work()


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with anyio.create_task_group() as group:
        with anyio.fail_after(30):
            yield World(group)
        group.cancel_scope.cancel()


# ── an engine after another ───────────────────────────────────────────────────


async def test_a_cell_goes_on_while_there_is_no_engine_and_is_told_once(world: World) -> None:
    made, run = await world.opened()
    cell = await world.code.execute(made.id, "print(1)\nname = input('?')\nprint(name)\nprint(3)")
    await at_rest()
    run.quiet = True
    run.say(Printed(cell.id, "stdout", "2\n"))
    await world.again()
    found = await world.code.get("mine")
    assert (found.id, found.state, found.cells, found.run) == (made.id, CodeState.BUSY, 1, 1)
    await world.code.answer(made.id, f"{cell.id}-in", "4")
    async with aclosing(world.code.follow(made.id, cell=cell.id)) as events:
        facts = [event.fact async for event in events]
    assert "".join(fact.text for fact in facts if isinstance(fact, Printed)) == "1\n2\n4\n3\n"
    assert sum(isinstance(fact, Wanted | CellEnded) for fact in facts) == 2
    assert sum(isinstance(fact, Opened) for fact in await world.facts(made)) == 1


async def test_cells_go_on_in_their_numbers(world: World) -> None:
    made, _ = await world.opened()
    await world.code.execute(made.id, "1")
    await world.again()
    assert (await world.code.execute(made.id, "2")).id == "c2"


async def test_who_follows_from_ahead_is_told_of_nothing_before(world: World) -> None:
    made, _ = await world.opened()
    head = (await world.code.transcript(made.id))[-1].seq
    told: list[int] = []

    async def look() -> None:
        async with aclosing(world.code.follow(made.id, head + 1)) as events:
            told.append((await anext(events)).seq)

    world.group.start_soon(look)
    await at_rest()
    await world.code.execute(made.id, "1")
    await at_rest()
    assert told == [head + 2]


async def test_a_cell_that_never_reached_its_worker_runs_after_all(world: World) -> None:
    made, run = await world.opened()
    cell = await world.code.execute(made.id, "6 * 7")
    run.cells.clear()
    await world.again()
    async with aclosing(world.code.follow(made.id, cell=cell.id)) as events:
        facts = [event.fact async for event in events]
    (end,) = [fact.end for fact in facts if isinstance(fact, CellEnded)]
    assert (end.state, end.value) == (CellState.DONE, 42)


async def test_a_worker_that_died_meanwhile_is_told(world: World) -> None:
    made, run = await world.opened()
    await world.code.execute(made.id, "name = input('?')")
    await at_rest()
    run.quiet = True
    run.die()
    await world.again()
    found = await world.code.get(made.id)
    assert found.state is CodeState.TERMINATED
    assert found.reason is not None
    assert found.reason.code == "session-died"
    facts = await world.facts(made)
    assert sum(isinstance(fact, RunEnded) for fact in facts) == 1
    assert sum(isinstance(fact, CellEnded) for fact in facts) == 1
    await world.again()
    assert await world.facts(made) == facts
    assert (await world.code.open(SPEC)).id != made.id


async def test_the_end_of_one_run_does_not_end_the_next(world: World) -> None:
    made, run = await world.opened()
    await world.code.checkpoint(made.id, "kept")
    run.quiet = True
    run.die()
    world.workers.tidied = asyncio.Event()
    world.store.refuses = True
    await world.again()
    world.group.start_soon(world.code.restore, made.id)
    await at_rest()
    world.store.refuses = False
    await world.clock.advance(1.0)
    world.workers.tidied.set()
    await at_rest()
    found = await world.code.get(made.id)
    assert (found.run, found.state, found.reason) == (2, CodeState.READY, None)
    assert (await world.code.execute(made.id, "1")).number == 1


async def test_an_end_that_was_told_and_not_stored_is_not_told_again(world: World) -> None:
    made, _ = await world.opened()
    stored = await world.store.code_session(made.id)
    await world.code.close(made.id)
    facts = await world.facts(made)
    assert stored is not None
    await world.store.commit(Change(code=(stored,)))
    await world.again()
    assert await world.facts(made) == facts
    assert (await world.code.get(made.id)).state is CodeState.TERMINATED


async def test_a_session_that_was_being_opened_is_taken_up(world: World) -> None:
    made, run = await world.opened()
    stored = await world.store.code_session(made.id)
    assert stored is not None
    await world.store.commit(Change(code=(replace(stored, state=CodeState.STARTING, pid=None),)))
    await world.transcripts.remove(made.id)
    await world.again()
    assert (await world.code.get(made.id)).pid == run.pid
    assert [type(fact) for fact in await world.facts(made)] == [Opened]


async def test_who_asks_while_a_session_is_looked_for_waits(world: World) -> None:
    made, _ = await world.opened()
    world.code = world._verbs()
    await world.code.load()
    assert (await world.code.execute(made.id, "1")).number == 1


# ── trouble ───────────────────────────────────────────────────────────────────


async def test_a_session_that_does_not_start_is_over_and_its_name_is_free(world: World) -> None:
    world.workers.fails = WorkerNotReady("no such python")
    with pytest.raises(WorkerNotReady):
        await world.code.open(SPEC)
    (over,) = await world.code.list(ended=True)
    assert over.state is CodeState.TERMINATED
    assert over.reason is not None
    assert over.reason.code == "worker-not-ready"
    world.workers.fails = None
    assert (await world.code.open(SPEC)).state is CodeState.READY


async def test_a_session_that_cannot_be_stored_is_none_and_its_name_is_free(world: World) -> None:
    world.store.refuses = True
    with pytest.raises(StoreFailed):
        await world.code.open(SPEC)
    assert await world.code.list(ended=True) == ()
    assert world.workers.runs == {}
    world.store.refuses = False
    made, _ = await world.opened()
    assert (made.state, made.spec.name) == (CodeState.READY, "mine")


async def test_one_that_cannot_be_stored_as_begun_again_stays_over_and_can_be_later(
    world: World,
) -> None:
    made, run = await world.opened()
    await world.code.checkpoint(made.id, "kept")
    run.die()
    await at_rest()
    world.store.refuses = True
    with pytest.raises(StoreFailed):
        await world.code.restore(made.id, "kept")
    assert (await world.code.get(made.id)).state is CodeState.TERMINATED
    world.store.refuses = False
    other = await world.code.open(SPEC)
    await world.code.close(other.id)
    await world.code.restore(made.id, "kept")
    found = await world.code.get("mine")
    assert (found.id, found.run, found.state) == (made.id, 2, CodeState.READY)


async def test_a_session_that_is_ready_and_cannot_be_stored_as_such_is_of_use_all_the_same(
    world: World,
) -> None:
    class Filling(FakeCodeProvider):
        async def open(self, order: CodeOrder, sink: CodeSink) -> FakeCodeRun:
            run = await super().open(order, sink)
            world.store.refuses = True
            return run

    world.workers = Filling()
    world.code = world._verbs()
    made, _ = await world.opened()
    assert made.state is CodeState.READY
    cell = await world.code.execute(made.id, "kept = 6 * 7")
    world.store.refuses = False
    await world.again()
    found = await world.code.get("mine")
    assert (found.id, found.state, found.run) == (made.id, CodeState.READY, 1)
    assert (await world.code.execute(made.id, "kept")).number == cell.number + 1


async def test_nobody_waits_until_a_session_that_is_ready_is_stored_as_such(world: World) -> None:
    turn = asyncio.Event()

    class Stalling(FakeCodeProvider):
        async def open(self, order: CodeOrder, sink: CodeSink) -> FakeCodeRun:
            world.store.turn = turn
            return await super().open(order, sink)

    world.workers = Stalling()
    world.code = world._verbs()
    made, _ = await world.opened()
    assert (await world.code.execute(made.id, "kept = 6 * 7")).number == 1

    async def states() -> list[CodeState]:
        return [one.state for one in await world.store.code_sessions(ended=True)]

    assert (made.state, await states()) == (CodeState.READY, [CodeState.STARTING])
    async with anyio.create_task_group() as group:
        group.start_soon(world.code.close, made.id)
        await at_rest()
        turn.set()
    await at_rest()
    assert await states() == [CodeState.TERMINATED]


async def test_a_session_that_cannot_be_taken_up_is_over_and_says_why(world: World) -> None:
    made, _ = await world.opened()
    world.workers.fails = WorkerNotReady("its folder cannot be read")
    await world.again()
    found = await world.code.get(made.id)
    assert found.state is CodeState.TERMINATED
    assert found.reason is not None
    assert (found.reason.code, found.reason.message) == (
        "worker-not-ready",
        "its folder cannot be read",
    )
    world.workers.fails = None
    assert (await world.code.open(SPEC)).id != made.id


async def test_an_end_is_stored_once_the_store_takes_it(world: World) -> None:
    made, run = await world.opened()
    world.store.refuses = True
    run.die()
    await at_rest()
    stored = await world.store.code_session(made.id)
    assert stored is not None
    assert stored.open
    world.store.refuses = False
    await world.clock.advance(1.0)
    stored = await world.store.code_session(made.id)
    assert stored is not None
    assert not stored.open
    with pytest.raises(SessionEnded):
        await world.code.execute(made.id, "1")


async def test_an_end_is_told_though_the_transcript_has_no_room(world: World) -> None:
    made, _ = await world.opened()
    world.transcripts.full = True
    cell = await world.code.execute(made.id, "1")
    async with aclosing(world.code.follow(made.id, cell=cell.id)) as events:
        facts = [event.fact async for event in events]
    assert isinstance(facts[-1], CellEnded)


async def test_what_comes_with_more_is_told_with_it(world: World) -> None:
    made, run = await world.opened()
    async with aclosing(world.code.follow(made.id, 1)) as events:
        run.sink(CellBegan("c1", "simple_sync"), "2", more=True)
        end = CellEnded("c1", CellEnd(state=CellState.DONE))
        run.sink(end, "3")
        told = [await anext(events), await anext(events)]
    assert [(event.seq, event.fact) for event in told] == [
        (2, CellBegan("c1", "simple_sync")),
        (3, end),
    ]
    assert await world.code.transcript(made.id, 1) == tuple(told)
    assert await world.transcripts.last(made.id) == (3, "1 0 0  3")


async def test_a_reader_slower_than_the_ring_misses_nothing(world: World) -> None:
    made, run = await world.opened()
    async with aclosing(world.code.follow(made.id, 0)) as events:
        await anext(events)
        for number in range(2 * RING):
            run.say(Printed(None, "stdout", str(number)))
        texts = []
        async for event in events:
            assert isinstance(event.fact, Printed)
            texts.append(event.fact.text)
            if len(texts) == 2 * RING:
                break
    assert texts == [str(number) for number in range(2 * RING)]


async def test_what_a_session_may_not_ask_for_is_refused(world: World) -> None:
    _, run = await world.opened()
    run.ask("human.ask")
    await at_rest()
    refusal = "This session was not granted 'human', which 'human.ask' needs."
    assert run.asked[0].startswith(f"settle promise-1 None {refusal}")


async def test_every_session_can_be_closed_at_once(world: World) -> None:
    await world.opened()
    await world.code.open(CodeSpec(cwd="/"))
    await world.code.close_all()
    assert await world.code.list() == ()


def test_a_standing_is_read_back() -> None:
    for stands in (Standing(), Standing(3, 12, True, (4, 9), "17 0 5"), Standing(mark="x")):
        assert standing(word(*astuple(stands))) == stands
    assert standing("") == Standing()


# ── left alone ────────────────────────────────────────────────────────────────


async def test_an_idle_session_is_saved_and_closed_and_a_busy_one_is_not(world: World) -> None:
    made, _ = await world.opened()
    busy = await world.code.open(replace(SPEC, name="busy"))
    await world.code.execute(busy.id, "name = input('?')")
    await at_rest()
    assert await world.code.close_idle(60) == 0
    await world.clock.advance(61)
    assert await world.code.close_idle(60) == 1
    over = await world.code.get(made.id)
    assert over.reason is not None
    assert (over.state, over.reason.code) == (CodeState.TERMINATED, "idle")
    assert (await world.facts(made))[-1] == RunEnded(1, over.reason)
    assert (await world.code.restore(made.id)).name == "idle"
    closed = await world.code.close(made.id)
    assert closed.reason is not None
    assert closed.reason.code == "session-ended"
    assert (await world.code.get(busy.id)).state is CodeState.BUSY


async def test_a_cell_that_comes_while_a_session_is_closed_as_idle_is_refused_and_not_lost(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, run = await world.opened()
    close = run.close

    async def closed_meanwhile(deadline: float) -> None:
        with pytest.raises(SessionEnded, match=r"is over: Nothing happened in it for") as refused:
            await world.code.execute(made.id, "1")
        assert "restore" in refused.value.hint
        await close(deadline)

    monkeypatch.setattr(run, "close", closed_meanwhile)
    await world.clock.advance(61)
    assert await world.code.close_idle(60) == 1
    assert not any(isinstance(fact, CellEntered) for fact in await world.facts(made))


async def test_what_cannot_be_saved_stays_open(world: World) -> None:
    made, run = await world.opened()
    run.names["unsavable"] = 1
    await world.clock.advance(61)
    assert await world.code.close_idle(60) == 0
    assert (await world.code.get(made.id)).state is CodeState.READY
    del run.names["unsavable"]
    await world.clock.advance(61)
    assert await world.code.close_idle(60) == 1


async def test_a_session_that_is_over_is_forgotten_in_time(world: World) -> None:
    made, _ = await world.opened()
    policy = PrunePolicy(older_than=60)
    await world.code.checkpoint(made.id)
    await world.clock.advance(61)
    assert await world.code.prune(policy) == (0, 0)
    await world.code.close(made.id)
    assert await world.code.prune(policy) == (0, 0)
    await world.clock.advance(61)
    assert (await world.code.prune(replace(policy, dry_run=True)))[0] == 1
    assert (await world.code.prune(policy))[0] == 1
    assert world.workers.removed == [made.id]
    with pytest.raises(SessionNotFound):
        await world.code.get(made.id)
    assert (await world.code.open(SPEC, key="k")).id != made.id
