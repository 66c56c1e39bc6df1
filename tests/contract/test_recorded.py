"""What every Control promises of recordings: when what was printed came, and where a text is."""

from __future__ import annotations

import pytest

from inspan.control import SearchQuery
from inspan.errors import BadInput
from inspan.model.task import TERMINAL
from tests.fakes.hands import Hand, reached, running

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("A5", "C6")]


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
    behind = await hand.control.times(task.id, 1 << 60, None, 2)
    assert (behind.size, behind.ended, behind.began) == (10, False, told.began)
    assert behind.until >= told.until
    await hand.ends(task)
    await reached(hand.control, task, *TERMINAL)
    told = await hand.control.times(task.session, 5, 8, 2)
    assert told.ended
    assert told.marks[0].offset <= 5
    assert len(told.marks) <= 2
    with pytest.raises(BadInput):
        await hand.control.times(task.session, 5, 4)


async def test_a_frame_lies_before_what_was_asked_for(hand: Hand) -> None:
    """Drawn on an empty terminal, and the recording behind it: that is what was shown."""
    task = await running(hand)
    assert task.session
    await hand.prints(task, b"one\r\ntwo\r\n")
    for offset in (0, 5, 10, 1 << 30):
        frame = await hand.control.frame(task.id, offset)
        assert frame.offset <= min(offset, 10)
        assert (frame.cols, frame.rows) > (0, 0)
        assert not frame.more
    assert await hand.control.frame(task.session, 10) == frame
    with pytest.raises(BadInput):
        await hand.control.frame(task.id, -1)


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
