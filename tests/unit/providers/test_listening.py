import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from inspan.providers.listening import Ears, News
from inspan.terminal.announce import Waiting, Working, encode

pytestmark = pytest.mark.anyio

ASKS = Waiting("question", "Go?", ("yes",))


async def test_the_last_of_several_announcements_counts(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    raw.write_bytes(b"a" + encode(ASKS) + b"b" + encode(Working()) + b"c")
    ears = Ears(raw, whole=True)
    assert await ears.hear(raw.stat().st_size) == Working()
    assert await ears.hear(raw.stat().st_size) is None


@pytest.mark.parametrize("before", [0, (1 << 18) - 5, 1 << 19, 3_000_001])
async def test_it_is_heard_wherever_it_is_cut(tmp_path: Path, before: int) -> None:
    raw = tmp_path / "raw"
    raw.write_bytes(b"x" * before + encode(ASKS))
    ears = Ears(raw, whole=True)
    heard = [await ears.hear(size) for size in (before + 7, raw.stat().st_size)]
    assert heard == [None, ASKS]


async def test_an_adopted_one_is_listened_to_from_near_its_end(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    raw.write_bytes(encode(ASKS) + b"x" * (1 << 20))
    assert await Ears(raw, whole=False).hear(raw.stat().st_size) is None
    raw.write_bytes(encode(ASKS) + b"x" * 100)
    assert await Ears(raw, whole=False).hear(raw.stat().st_size) == ASKS


async def test_a_recording_that_is_not_there_says_nothing(tmp_path: Path) -> None:
    assert await Ears(tmp_path / "none", whole=True).hear(100) is None


async def test_what_comes_sooner_ends_the_wait_and_not_the_iterator() -> None:
    gate, closed = asyncio.Event(), []

    async def told() -> AsyncGenerator[int, None]:
        try:
            yield 1
            await gate.wait()
            yield 2
        finally:
            closed.append(True)

    news = News(told())
    assert await news.next(None) == 1
    sooner = asyncio.get_running_loop().create_future()
    sooner.set_result(None)
    assert await news.next(sooner) is None
    gate.set()
    assert await news.next(None) == 2
    assert await news.next(None) is None
    await news.close()
    assert closed == [True]


async def test_closing_it_ends_a_wait_that_is_under_way() -> None:
    closed = []

    async def told() -> AsyncGenerator[int, None]:
        try:
            await asyncio.Event().wait()
            yield 1
        finally:
            closed.append(True)

    news = News(told())
    sooner = asyncio.get_running_loop().create_future()
    sooner.set_result(None)
    assert await news.next(sooner) is None
    await news.close()
    assert len(asyncio.all_tasks()) <= 2  # the test's own
