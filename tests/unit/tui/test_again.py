"""When what was lost is tried again, and that all of the screens do it in this one way."""

from __future__ import annotations

import re
from pathlib import Path

import anyio
import pytest

import inspan.tui
from inspan.errors import DaemonUnreachable
from inspan.tui.again import FIRST, LAST, Again
from inspan.tui.feed import Feed
from tests.fakes.control import FakeControl

pytestmark = [pytest.mark.requirement("E4")]


class Noted:
    """A clock that only notes for how long somebody would wait."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> float:
        return 0.0

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


@pytest.mark.anyio
async def test_it_is_tried_soon_and_then_less_often_and_soon_again_after_it_stood() -> None:
    clock = Noted()
    again = Again(clock)
    for _ in range(7):
        await again.pause()
    again.well()
    await again.pause()
    assert clock.slept == [FIRST, 0.5, 1.0, 2.0, 4.0, LAST, LAST, FIRST]


class Nowhere:
    """What a terminal is drawn on that nobody looks at."""

    def begin(self, cols: int, rows: int) -> None: ...
    def feed(self, data: bytes) -> None: ...
    def resize_terminal(self, cols: int, rows: int) -> None: ...


@pytest.mark.anyio
async def test_a_terminal_that_stood_until_it_was_lost_is_tried_again_soon_each_time() -> None:
    control = FakeControl()
    task = await control.submit_running()
    session = next(iter(control.sessions.values()))
    session.fails = DaemonUnreachable("gone")

    class Losing(Noted):
        async def sleep(self, seconds: float) -> None:
            await super().sleep(seconds)
            if len(self.slept) == 4:
                session.fails = None
                control.ends(task.id)

    clock = Losing()
    feed = Feed(control, task.id, Nowhere(), clock, lambda _: None)
    with anyio.fail_after(30):
        await feed.run()
    assert clock.slept == [FIRST] * 4


def test_nobody_else_among_the_screens_has_a_way_of_their_own() -> None:
    room = Path(inspan.tui.__file__).parent
    grows = re.compile(r"min\([^)]*2 \* |delay \*= ")
    found = [file.name for file in room.rglob("*.py") if grows.search(file.read_text())]
    assert found == []
    assert grows.search("delay = min(2 * delay, _LAST)")
