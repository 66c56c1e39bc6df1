"""A prompt is typed into a real terminal, and what becomes of it there is seen."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import anyio
import pytest

from inspan.agents.handed import TURN_GOES_ON, Handed
from inspan.engine.clock import SystemClock
from inspan.engine.ports import Finished
from inspan.errors import BadInput, Conflict, InputFull
from inspan.model.activity import Doing
from inspan.model.agent import Mode
from inspan.model.receipt import Arrival, Stage, Way
from inspan.model.task import TaskSpec
from inspan.providers.typist import Typist
from inspan.terminal.screen import Screen, backend
from tests.real.agenthome import AgentHome, agent_home
from tests.real.prompted import Seen

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("B3", "C4", "C9")]


@pytest.fixture
async def home() -> AsyncIterator[AgentHome]:
    async with agent_home() as made:
        yield made


class Hasty(SystemClock):
    """Time passes when it is slept, and at once."""

    def __init__(self) -> None:
        self.at = 0.0

    def monotonic(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        await anyio.lowlevel.checkpoint()
        self.at += seconds


class Typing:
    """A typist, and how far each prompt has got."""

    def __init__(self, screen: Screen, write: Callable[[bytes], Awaitable[None]]) -> None:
        self.handed = Handed()
        self.typist = Typist(screen, write, lambda: Doing.IDLE, Hasty(), self.handed)

    async def type(self, key: str, text: str) -> Arrival:
        await self.typist.type(key, text)
        return self.handed.arrivals[key]


@contextmanager
def face(draws: Callable[[bytes], bytes]) -> Iterator[Typing]:
    """A terminal with a sign on it that shows what ``draws`` makes of what is typed."""
    screen = Screen(80, 5, backend())
    screen.feed("❯ ".encode())

    async def write(data: bytes) -> None:
        screen.feed(draws(data))

    try:
        yield Typing(screen, write)
    finally:
        screen.close()


def heard(home: AgentHome) -> list[str]:
    file = home.work / "heard"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


@asynccontextmanager
async def typing(home: AgentHome, how: str) -> AsyncIterator[Seen]:
    run = await home.provider().open(home.types(how))
    seen = Seen(run)
    assert seen.run.way is Way.SCREEN
    async with anyio.create_task_group() as group:
        group.start_soon(seen.keep, run)
        await seen.until(seen.idle)
        yield seen
        group.cancel_scope.cancel()


@pytest.mark.parametrize("text", ["say hello", "one\ntwo\n\nfour", "word " * 2000 + "end"])
async def test_it_is_shown_sent_and_has_a_turn(home: AgentHome, text: str) -> None:
    async with typing(home, "well") as seen:
        await seen.run.check_prompt(text)
        arrival = await seen.run.prompt("k", text)
        assert not arrival.lost
        assert arrival.stage in (Stage.SUBMITTED, Stage.STARTED)
        await seen.until(lambda: seen.reached("k")[-1:] == [Arrival(Stage.STARTED)])
        assert heard(home) == [text]
        assert await seen.run.knows("k")
        assert await seen.run.knows("another") is None
        with pytest.raises(BadInput, match="for a command"):
            home.provider().check(TaskSpec(prompt="/help", mode=Mode.PTY, cwd="/"))


async def test_what_waits_is_typed_when_it_is_idle_and_nobody_types_there(home: AgentHome) -> None:
    async with typing(home, "well") as seen:
        taken = True
        await seen.run.prompt("first", "first")
        await seen.until(lambda: not seen.idle())
        seen.run.share(lambda: taken)
        for key in ("a", "b"):
            await seen.run.check_prompt(key)
            assert await seen.run.prompt(key, key) == Arrival(Stage.QUEUED, why=TURN_GOES_ON)
        (home.work / "go").touch()
        why = "somebody types into its terminal"
        await seen.until(lambda: seen.reached("a")[-1:] == [Arrival(Stage.QUEUED, why=why)])
        await seen.run.write(b"half a word")
        taken = False
        why = "something else stands in its input line"
        await seen.until(lambda: seen.reached("a")[-1:] == [Arrival(Stage.QUEUED, why=why)])
        waits = [Arrival(Stage.QUEUED, why=TURN_GOES_ON)]
        await seen.until(lambda: seen.reached("b") == waits)
        assert len(heard(home)) == 1
        await seen.run.write(b"\r")
        await seen.until(lambda: seen.reached("b")[-1].stage in (Stage.SUBMITTED, Stage.STARTED))
        assert heard(home)[1:] == ["half a word", "a", "b"]


async def test_what_waits_is_lost_when_it_is_interrupted(home: AgentHome) -> None:
    async with typing(home, "well") as seen:
        await seen.run.prompt("a", "a")
        await seen.run.prompt("b", "b")
        assert list((home.root / "recordings").glob("*/prompts"))
        await seen.run.interrupt()
        lost = Arrival(Stage.QUEUED, lost=True, why="its turn was interrupted")
        await seen.until(lambda: seen.reached("b")[-1:] == [lost])
        assert not list((home.root / "recordings").glob("*/prompts"))


async def test_one_line_goes_without_pastes_and_several_do_not(home: AgentHome) -> None:
    async with typing(home, "plain") as seen:
        with pytest.raises(BadInput, match="takes no pastes"):
            await seen.run.check_prompt("one\ntwo")
        assert not (await seen.run.prompt("k", "say hello")).lost
        assert heard(home) == ["say hello"]


async def test_what_keeps_standing_in_the_input_line_is_lost_and_in_the_way() -> None:
    with face(lambda data: b"" if data == b"\r" else data) as typist:
        arrival = await typist.type("k", "say hello")
        assert (arrival.stage, arrival.lost) == (Stage.ECHOED, True)
        assert "after Enter" in arrival.why
        assert "something else stands" in typist.typist.in_the_way()


async def test_enter_is_not_pressed_where_nothing_is_shown() -> None:
    typed = bytearray()

    def keeps(data: bytes) -> bytes:
        typed.extend(data)
        return b""

    with face(keeps) as typist:
        arrival = await typist.type("k", "say hello")
        assert (arrival.stage, arrival.lost) == (Stage.WRITTEN, True)
        assert "Enter was not pressed" in arrival.why
        assert typed == b"say hello"


async def test_a_turn_that_is_over_before_it_was_seen_to_work_is_one() -> None:
    told = {b"say hello": b"say hello", b"\r": "\r\n● Hello!\r\n❯ ".encode()}
    with face(told.__getitem__) as typist:
        assert await typist.type("k", "say hello") == Arrival(Stage.STARTED)


async def test_what_only_moves_up_waits_for_a_turn() -> None:
    told = {b"say hello": b"say hello", b"\r": "\r\n\n❯ ".encode()}
    with face(told.__getitem__) as typist:
        assert await typist.type("k", "say hello") == Arrival(Stage.SUBMITTED)


async def test_what_cannot_be_written_is_lost_and_raised() -> None:
    def fails(_data: bytes) -> bytes:
        raise InputFull("it does not read")

    with face(fails) as typist:
        with pytest.raises(InputFull):
            await typist.type("k", "say hello")
        assert typist.handed.arrivals["k"].lost


async def test_one_that_ends_meanwhile_is_not_waited_for(home: AgentHome) -> None:
    async with typing(home, "dies") as seen:
        with anyio.fail_after(8):
            arrival = await seen.run.prompt("k", "say hello")
        assert arrival.lost
        assert isinstance(seen.all[-1], Finished)
        with pytest.raises(Conflict):
            await seen.run.check_prompt("more")
