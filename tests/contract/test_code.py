"""What code sessions promise through every Control, in process or over the wire.

The cells are Python that both a real worker and the fake one run: see ``tests/fakes/code.py``.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import replace

import anyio
import pytest

from inspan.control import Code
from inspan.errors import (
    BadInput,
    Conflict,
    KeyReused,
    NotFound,
    SessionEnded,
    SessionNotFound,
)
from inspan.model.code import (
    Cell,
    CellBegan,
    CellEnd,
    CellEnded,
    CellEntered,
    CellOptions,
    CellState,
    CheckpointMade,
    CheckpointRestored,
    CodeEvent,
    CodeSession,
    Given,
    Opened,
    Printed,
    RunEnded,
    Wanted,
)
from inspan.model.session import CodeState
from tests.fakes.hands import CODES, CodeFactory, CodeHand

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("A1", "D1", "D2")]

SLEEP = "import time\ntime.sleep(60)"


@pytest.fixture(params=[factory for _, factory in CODES], ids=[name for name, _ in CODES])
async def hand(request: pytest.FixtureRequest) -> AsyncIterator[CodeHand]:
    factory: CodeFactory = request.param
    async with factory() as made:
        with anyio.fail_after(30):
            yield made


async def told(events: AsyncGenerator[CodeEvent, None]) -> list[CodeEvent]:
    """All of them."""
    async with aclosing(events):
        return [event async for event in events]


async def end_of(code: Code, cell: Cell) -> CellEnd:
    """How a cell ended."""
    last = (await told(code.follow(cell.session, cell=cell.id)))[-1].fact
    assert isinstance(last, CellEnded)
    return last.end


async def ran(code: Code, session: CodeSession, text: str) -> CellEnd:
    return await end_of(code, await code.execute(session.id, text))


async def first(code: Code, session: CodeSession, kind: type, since: int = 0) -> CodeEvent:
    """The first event with such a fact, once it is there."""
    async with aclosing(code.follow(session.id, since)) as events:
        async for event in events:
            if isinstance(event.fact, kind):
                return event
    raise AssertionError(f"the session was over before {kind.__name__}")


# ── sessions ──────────────────────────────────────────────────────────────────


async def test_a_session_is_opened_and_known_by_its_id_and_its_name(hand: CodeHand) -> None:
    spec = replace(hand.spec, name="näme")
    made = await hand.code.open(spec)
    assert made.id.startswith("py-")
    assert made.state is CodeState.READY
    assert made.spec == spec
    assert made.run == 1
    assert made.pid
    assert (await hand.code.get(made.id)).id == made.id
    assert (await hand.code.get("näme")).id == made.id
    assert [one.id for one in await hand.code.list()] == [made.id]


@pytest.mark.parametrize("name", ["", "last", "-c", "a b", "a/b", "x" * 65, "\x1b"])
async def test_what_cannot_be_typed_is_no_name(hand: CodeHand, name: str) -> None:
    with pytest.raises(BadInput, match="is no name for a session"):
        await hand.code.open(replace(hand.spec, name=name))
    assert await hand.code.list(ended=True) == ()


async def test_two_open_sessions_have_two_names(hand: CodeHand) -> None:
    spec = replace(hand.spec, name="mine")
    made = await hand.code.open(spec)
    with pytest.raises(Conflict):
        await hand.code.open(spec)
    await hand.code.close(made.id)
    again = await hand.code.open(spec)
    assert again.id != made.id
    assert (await hand.code.get("mine")).id == again.id


async def test_a_key_opens_one_session_however_often_it_is_sent(hand: CodeHand) -> None:
    made = await hand.code.open(hand.spec, key="once")
    assert (await hand.code.open(hand.spec, key="once")).id == made.id
    with pytest.raises(KeyReused):
        await hand.code.open(replace(hand.spec, name="other"), key="once")
    with pytest.raises(BadInput):
        await hand.code.open(hand.spec, key="")
    assert len(await hand.code.list()) == 1


async def test_what_is_not_there_is_not_found(hand: CodeHand) -> None:
    with pytest.raises(SessionNotFound):
        await hand.code.get("nobody")
    with pytest.raises(SessionNotFound):
        await hand.code.execute("nobody", "1")
    with pytest.raises(SessionNotFound):
        await told(hand.code.follow("nobody"))
    made = await hand.code.open(hand.spec)
    with pytest.raises(NotFound):
        await told(hand.code.follow(made.id, cell="c9"))
    with pytest.raises(NotFound):
        await hand.code.restore(made.id)


async def test_a_closed_session_can_be_read_and_runs_nothing(hand: CodeHand) -> None:
    made = await hand.code.open(hand.spec)
    await ran(hand.code, made, "print('a')")
    closed = await hand.code.close(made.id)
    assert closed.state is CodeState.TERMINATED
    assert closed.reason is not None
    assert closed.ended_at is not None
    with pytest.raises(SessionEnded):
        await hand.code.execute(made.id, "1")
    assert await hand.code.list() == ()
    (there,) = await hand.code.list(ended=True)
    assert (there.id, there.cells, there.state) == (made.id, 1, CodeState.TERMINATED)
    events = await hand.code.transcript(made.id)
    assert [event.seq for event in events] == [*range(1, len(events) + 1)]
    assert isinstance(events[0].fact, Opened)
    assert isinstance(events[-1].fact, RunEnded)
    assert tuple(await told(hand.code.follow(made.id, 0))) == events
    assert (await hand.code.close(made.id)).state is CodeState.TERMINATED


# ── cells ─────────────────────────────────────────────────────────────────────


async def test_a_cell_has_its_events_in_order_and_one_end(hand: CodeHand) -> None:
    made = await hand.code.open(hand.spec)
    cell = await hand.code.execute(made.id, "print('a')\n6 * 7")
    assert (cell.session, cell.number, cell.state) == (made.id, 1, CellState.WAITING)
    events = await told(hand.code.follow(made.id, cell=cell.id))
    facts = [event.fact for event in events]
    assert facts[0] == CellEntered(cell.id, 1, "print('a')\n6 * 7")
    assert isinstance(facts[1], CellBegan)
    assert "".join(fact.text for fact in facts if isinstance(fact, Printed)) == "a\n"
    assert isinstance(facts[-1], CellEnded)
    assert (facts[-1].end.state, facts[-1].end.repr) == (CellState.DONE, "42")
    assert facts[-1].end.value == 42
    assert await told(hand.code.follow(made.id, events[-1].seq, cell=cell.id)) == []
    assert (await hand.code.get(made.id)).cells == 1


async def test_a_cell_is_handed_in_and_followed_in_one(hand: CodeHand) -> None:
    made = await hand.code.open(replace(hand.spec, name="mine"))
    text = "print('a')\n6 * 7"
    for number, session in ((1, made.id), (2, "mine")):
        options = CellOptions(store=False)
        events = await told(hand.code.run(session, text, options))
        entered = events[0].fact
        assert isinstance(entered, CellEntered)
        assert entered == CellEntered(entered.cell, number, text, options)
        assert isinstance(events[-1].fact, CellEnded)
        assert events[-1].fact.end.repr == "42"
        assert await told(hand.code.follow(made.id, cell=entered.cell)) == events
    await hand.code.close(made.id)
    for session, refusal in (("nobody", SessionNotFound), (made.id, SessionEnded)):
        with pytest.raises(refusal):
            await told(hand.code.run(session, "1"))
    assert (await hand.code.get(made.id)).cells == 2


async def test_a_cell_runs_on_where_its_reader_leaves(hand: CodeHand) -> None:
    made = await hand.code.open(hand.spec)
    async with aclosing(hand.code.run(made.id, "name = input('who? ')\nname")) as events:
        async for event in events:
            if isinstance(event.fact, Wanted):
                wanted, seen = event.fact, event.seq
                break
    await hand.code.answer(made.id, wanted.request, "me")
    rest = await told(hand.code.follow(made.id, seen, cell=wanted.cell))
    assert isinstance(rest[-1].fact, CellEnded)
    assert rest[-1].fact.end.value == "me"


async def test_names_are_remembered_from_cell_to_cell(hand: CodeHand) -> None:
    made = await hand.code.open(hand.spec)
    await ran(hand.code, made, "x = 20")
    assert (await ran(hand.code, made, "x + 1")).value == 21


async def test_a_cell_that_raises_says_what(hand: CodeHand) -> None:
    made = await hand.code.open(hand.spec)
    end = await ran(hand.code, made, "raise ValueError('no')")
    assert end.state is CellState.FAILED
    assert end.error is not None
    assert (end.error.name, end.error.message) == ("ValueError", "no")
    assert end.error.traceback


async def test_cells_run_in_the_order_in_which_they_were_handed_in(hand: CodeHand) -> None:
    made = await hand.code.open(hand.spec)
    cells = [await hand.code.execute(made.id, f"print({number})") for number in range(5)]
    await end_of(hand.code, cells[-1])
    events = await hand.code.transcript(made.id)
    text = "".join(event.fact.text for event in events if isinstance(event.fact, Printed))
    assert text == "0\n1\n2\n3\n4\n"
    assert [cell.number for cell in cells] == [1, 2, 3, 4, 5]
    assert len({cell.id for cell in cells}) == 5


async def test_a_page_of_the_transcript_goes_on_where_the_last_ended(hand: CodeHand) -> None:
    made = await hand.code.open(hand.spec)
    await ran(hand.code, made, "print('a')")
    whole = await hand.code.transcript(made.id)
    pages = [*await hand.code.transcript(made.id, 0, 2)]
    pages += await hand.code.transcript(made.id, pages[-1].seq)
    assert tuple(pages) == whole


async def test_a_line_is_asked_for_and_given_once(hand: CodeHand) -> None:
    made = await hand.code.open(hand.spec)
    cell = await hand.code.execute(made.id, "name = input('who? ')\nprint(name)")
    wanted = (await first(hand.code, made, Wanted)).fact
    assert isinstance(wanted, Wanted)
    assert (wanted.cell, wanted.prompt) == (cell.id, "who? ")
    with pytest.raises(Conflict):
        await hand.code.answer(made.id, "another", "x")
    await hand.code.answer(made.id, wanted.request, "me")
    assert (await end_of(hand.code, cell)).state is CellState.DONE
    with pytest.raises(Conflict):
        await hand.code.answer(made.id, wanted.request, "you")
    facts = [event.fact for event in await hand.code.transcript(made.id)]
    assert facts.count(Given(wanted.request)) == 1
    assert "".join(fact.text for fact in facts if isinstance(fact, Printed)) == "me\n"


async def test_a_line_that_is_no_more_wanted_is_given(hand: CodeHand) -> None:
    made = await hand.code.open(hand.spec)
    cell = await hand.code.execute(made.id, "name = input('who? ')")
    wanted = (await first(hand.code, made, Wanted)).fact
    assert isinstance(wanted, Wanted)
    await hand.code.interrupt(made.id, cell.id)
    facts = [event.fact for event in await hand.code.transcript(made.id)]
    given = facts.index(Given(wanted.request))
    assert isinstance(facts[given + 1], CellEnded)


async def test_the_cell_that_runs_is_interrupted_and_those_behind_it_go_on(hand: CodeHand) -> None:
    made = await hand.code.open(hand.spec)
    cell = await hand.code.execute(made.id, SLEEP)
    behind = await hand.code.execute(made.id, "print('on')")
    await first(hand.code, made, CellBegan)
    assert (await hand.code.get(made.id)).state is CodeState.BUSY
    ended = await hand.code.interrupt(made.id)
    assert ended is not None
    assert (ended.id, ended.state) == (cell.id, CellState.INTERRUPTED)
    assert ended.end is not None
    assert (await end_of(hand.code, behind)).state is CellState.DONE
    assert (await hand.code.get(made.id)).state is CodeState.READY
    assert await hand.code.interrupt(made.id) is None


async def test_a_cell_that_waits_for_its_turn_can_be_interrupted(hand: CodeHand) -> None:
    made = await hand.code.open(hand.spec)
    await hand.code.execute(made.id, SLEEP)
    behind = await hand.code.execute(made.id, "print('never')")
    await first(hand.code, made, CellBegan)
    ended = await hand.code.interrupt(made.id, behind.id)
    assert ended is not None
    assert (ended.id, ended.state) == (behind.id, CellState.INTERRUPTED)
    await hand.code.interrupt(made.id)


async def test_what_could_follow_and_what_is_known_of_a_name(hand: CodeHand) -> None:
    made = await hand.code.open(hand.spec)
    await ran(hand.code, made, "elephant = 1")
    found = await hand.code.complete(made.id, "eleph", 5)
    assert "elephant" in found.matches
    assert (found.start, found.end) == (0, 5)
    assert await hand.code.inspect(made.id, "elephant", 3)


# ── ends and checkpoints ──────────────────────────────────────────────────────


async def test_a_death_ends_the_cells_and_then_the_session(hand: CodeHand) -> None:
    made = await hand.code.open(hand.spec)
    before = await hand.code.execute(made.id, SLEEP)
    cell = await hand.code.execute(made.id, "import os\nos._exit(3)")
    behind = await hand.code.execute(made.id, "1")
    await first(hand.code, made, CellBegan)
    await hand.code.interrupt(made.id, before.id)
    assert (await end_of(hand.code, cell)).state is CellState.LOST
    assert (await end_of(hand.code, behind)).state is CellState.LOST
    ends = [event.fact for event in await told(hand.code.follow(made.id, 0))]
    assert isinstance(ends[-1], RunEnded)
    assert ends[-1].reason.code == "session-died"
    over = await hand.code.get(made.id)
    assert over.state is CodeState.TERMINATED
    assert over.reason == ends[-1].reason
    with pytest.raises(SessionEnded):
        await hand.code.execute(made.id, "1")


async def test_a_session_that_died_has_its_names_back_in_another_process(hand: CodeHand) -> None:
    made = await hand.code.open(hand.spec)
    await ran(hand.code, made, "x = 20")
    saved = await hand.code.checkpoint(made.id, "kept")
    assert saved.name == "kept"
    assert "x" in saved.names
    await ran(hand.code, made, "import os\nos._exit(3)")
    restored = await hand.code.restore(made.id)
    assert (restored.name, "x" in restored.names) == ("kept", True)
    assert (await ran(hand.code, made, "x + 1")).value == 21
    now = await hand.code.get(made.id)
    assert (now.run, now.state) == (2, CodeState.READY)
    assert now.cells == 3
    facts = [event.fact for event in await hand.code.transcript(made.id)]
    assert [fact.run for fact in facts if isinstance(fact, Opened | RunEnded)] == [1, 1, 2]
    assert CheckpointMade(saved) in facts
    assert CheckpointRestored(restored) in facts


async def test_checkpoints_are_listed_and_named(hand: CodeHand) -> None:
    made = await hand.code.open(hand.spec)
    await ran(hand.code, made, "x = 1")
    one = await hand.code.checkpoint(made.id)
    two = await hand.code.checkpoint(made.id, "two")
    assert [saved.name for saved in await hand.code.checkpoints(made.id)] == [one.name, "two"]
    assert one.name
    assert two.size > 0
    await ran(hand.code, made, "x = 2")
    await hand.code.restore(made.id, one.name)
    assert (await ran(hand.code, made, "x")).value == 1
    with pytest.raises(NotFound):
        await hand.code.restore(made.id, "three")
    with pytest.raises(BadInput):
        await hand.code.checkpoint(made.id, "../three")
