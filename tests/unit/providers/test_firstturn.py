"""Whether the prompt that an agent was started with has had its turn."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

import pytest

from inspan.model.activity import Activity, Doing, Source
from inspan.providers.firstturn import FirstTurn
from inspan.providers.leisure import BUSY, LOOK, Leisure
from inspan.terminal.screen import Screen, backend
from tests.fakes.clock import FakeClock

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("B3", "C4")]

IDLE = Activity(Doing.IDLE, 0.0, Source.SCREEN)


class Scene:
    """An agent with an empty input line, looked at ten times a second."""

    def __init__(self, screen: Screen) -> None:
        self.screen, self.clock = screen, FakeClock()
        self.own = 1.0
        self.first = FirstTurn("do it", screen, Leisure(self.clock, lambda: self.own))

    async def looks(self, seconds: float, shown: Activity = IDLE) -> bool:
        for _ in range(round(seconds / LOOK)):
            await self.clock.advance(LOOK)
            self.first.look(shown)
        return self.first.had


@pytest.fixture
def scene() -> Iterator[Scene]:
    screen = Screen(80, 8, backend())
    screen.feed("\r\n\r\n❯ ".encode())
    yield Scene(screen)
    screen.close()


async def test_none_was_given_and_nothing_is_waited_for() -> None:
    assert FirstTurn("", Screen(80, 8, backend()), Leisure(FakeClock(), lambda: 1.0)).had


async def test_one_that_works_has_taken_it(scene: Scene) -> None:
    commands = Activity(Doing.WORKING, 0.0, Source.PROCESS)
    assert not await scene.looks(20.0, commands), "it may run several before it takes anything"
    assert await scene.looks(LOOK, Activity(Doing.WORKING, 0.0, Source.TITLE))


async def test_it_stands_above_what_is_new(scene: Scene) -> None:
    scene.screen.feed(b"do it")
    assert not await scene.looks(LOOK), "in the input line it was not taken"
    scene.screen.feed("\x1b[H\x1b[2J> do it\r\n● Done.\r\n❯ ".encode())
    assert not await scene.looks(0.9), "a screen is drawn in parts"
    assert await scene.looks(0.3)


async def test_one_that_had_the_time_and_shows_nothing_of_it_will_not_take_it(scene: Scene) -> None:
    assert not await scene.looks(9.8)
    assert scene.first.due == scene.clock.monotonic() + LOOK
    assert await scene.looks(0.3)
    assert scene.first.due == inf


async def test_only_its_own_time_counts(scene: Scene) -> None:
    scene.own = 0.0
    assert not await scene.looks(300.0)
    scene.own = BUSY
    assert not await scene.looks(90.0)
    await scene.clock.advance(3600.0)
    scene.own = 1.0
    scene.first.look(IDLE)
    assert not scene.first.had, "nobody looked for an hour"


async def test_while_it_asks_it_is_not_waited_for(scene: Scene) -> None:
    assert not await scene.looks(60.0, Activity(Doing.WAITING, 0.0, Source.SCREEN))
    assert scene.first.due == inf, "only news can change that"
