"""What code asks of its host, where the host, its store or its time stands against it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
import anyio.abc
import pytest

from inspan.model.promise import PromiseState
from tests.fakes.rest import at_rest
from tests.unit.engine.asks_stage import World, begun

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("D7")]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with begun() as made:
        yield made


async def test_a_capability_that_breaks_is_told_to_the_code_and_ends_nothing(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    _, run = await world.opened()
    world.tasks.broken = True
    run.ask("tasks.submit", {"command": ["true"]})
    await at_rest()
    assert run.asked == ["settle promise-1 None tasks.submit failed: ValueError: oh"]
    assert "tasks.submit failed" in caplog.text
    world.tasks.broken = False
    run.ask("tasks.submit", {"command": ["true"]}, "promise-2")
    await at_rest()
    assert run.asked[1:] == ["settle promise-2 t1 None"]


async def test_what_is_done_just_as_it_is_given_up_is_told_once(world: World) -> None:
    session, run = await world.opened()
    world.tasks.slow = anyio.Event()
    run.ask("tasks.submit", {"command": ["true"]})
    await at_rest()
    run.withdraw()
    world.tasks.slow.set()  # it goes on behind the withdrawal, and before anybody hears of that
    await at_rest()
    assert run.asked == ["settle promise-1 None Nobody waits for it any more."]
    promise = await world.store.promise(f"code/{session.id}/promise-1")
    assert promise is not None
    assert promise.state is PromiseState.CANCELED
    assert len(world.tasks.made) == 1


async def test_an_answer_that_cannot_be_stored_is_given_by_the_next_engine(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    _, run = await world.opened()
    world.store.full = True
    run.ask("tasks.submit", {"command": ["true"]})
    await at_rest()
    assert run.asked == []
    assert "not answered: the disk is full" in caplog.text
    world.store.full = False
    await world.begin()
    assert run.asked == ["settle promise-1 t1 None"]
    assert (world.tasks.sent, len(world.tasks.made)) == (2, 1)


async def test_an_answer_that_no_message_can_hold_is_told_as_an_error(world: World) -> None:
    session, run = await world.opened()
    run.ask("human.ask", {"question": "Well?"})
    await at_rest()
    await world.code.answer(session.id, f"code/{session.id}/promise-1", "x" * (9 << 20))
    await at_rest()
    (said,) = run.asked
    assert said.startswith("settle promise-1 None More than 8 MiB")
