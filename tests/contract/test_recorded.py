"""What every Control promises of recordings: when what was printed came, and where a text is."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
import pytest

from inspan.control import Control, SearchQuery
from inspan.errors import BadInput
from inspan.model.task import TERMINAL, Task, TaskState
from tests.fakes.hands import CONTROLS, Factory, Hand

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("A5", "C6")]


@pytest.fixture(params=[factory for _, factory in CONTROLS], ids=[name for name, _ in CONTROLS])
async def hand(request: pytest.FixtureRequest) -> AsyncIterator[Hand]:
    factory: Factory = request.param
    async with factory() as made:
        with anyio.fail_after(20):
            yield made


async def reached(control: Control, task: Task, *states: TaskState) -> Task:
    """The task once it is in one of ``states``."""
    async for _ in control.watch(0, task=task.id):
        found = await control.get(task.id)
        if found.state in states:
            return found
    raise AssertionError("a watch ended by itself")


async def running(hand: Hand) -> Task:
    task = await hand.control.submit(hand.spec)
    await hand.start(task)
    return await reached(hand.control, task, TaskState.RUNNING)


async def test_it_is_told_when_what_is_recorded_came(hand: Hand) -> None:
    task = await running(hand)
    assert task.session
    await hand.prints(task, b"one\r\n")
    await hand.prints(task, b"two\r\n")
    told = await hand.control.times(task.id)
    assert (told.size, told.ended) == (10, False)
    assert [mark.offset for mark in told.marks] == sorted(mark.offset for mark in told.marks)
    assert [mark.at for mark in told.marks] == sorted(mark.at for mark in told.marks)
    assert told.began <= told.marks[0].at <= told.marks[-1].at <= told.until
    await hand.ends(task)
    await reached(hand.control, task, *TERMINAL)
    told = await hand.control.times(task.session, 5, 8, 2)
    assert told.ended
    assert told.marks[0].offset <= 5
    assert len(told.marks) <= 2
    with pytest.raises(BadInput):
        await hand.control.times(task.session, 5, 4)


async def test_what_was_printed_is_found(hand: Hand) -> None:
    first, second = await running(hand), await running(hand)
    assert first.session
    assert second.session
    await hand.prints(first, b"one\r\na \x1b[31mNee\x1b[0mdle\r\nthree\r\n")
    await hand.prints(second, b"the needle\r\nits needle\r\n")
    found = await hand.control.search(SearchQuery(text="needle"))
    assert [(hit.session, hit.line) for hit in found.hits] == [
        (second.session, "the needle"),
        (second.session, "its needle"),
        (first.session, "a Needle"),
    ]
    assert found.next is None
    hit = found.hits[-1]
    assert (hit.before, hit.after) == ("one", "three")
    assert b"Nee" in (await hand.control.read(hit.session, hit.offset - 20, 20))[0].data  # type: ignore[union-attr]
    lines, after = [], None
    for _ in range(10):
        query = SearchQuery(text="Needle", case=False, limit=1, after=after, task=second.id)
        page = await hand.control.search(query)
        assert len(page.hits) <= 1
        lines += [hit.line for hit in page.hits]
        if (after := page.next) is None:
            break
    assert lines == ["the needle", "its needle"]
    exact = await hand.control.search(SearchQuery(text="Needle", case=True, task=first.session))
    assert [hit.line for hit in exact.hits] == ["a Needle"]
    for query in (SearchQuery(text=" "), SearchQuery(text="a", after="nowhere:else")):
        with pytest.raises(BadInput):
            await hand.control.search(query)
