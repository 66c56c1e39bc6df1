"""A prompt is typed into a real terminal, and what becomes of it there is seen."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from math import inf
from pathlib import Path

import anyio
import pytest

from inspan.agents.handed import TURN_GOES_ON, Handed
from inspan.clock import SystemClock
from inspan.engine.ports import Finished
from inspan.errors import BadInput, Conflict, DiskFull, InputFull, StoreFailed
from inspan.model.activity import Doing
from inspan.model.agent import Mode
from inspan.model.receipt import Arrival, Stage, Way
from inspan.model.task import TaskSpec
from inspan.providers.inturn import InTurn
from inspan.providers.keptprompts import KeptPrompts
from inspan.providers.leisure import BUSY
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
    """Time passes when it is slept, and at once; ``then`` is what happens at which time."""

    def __init__(self) -> None:
        self.at = 0.0
        self.then: list[tuple[float, Callable[[], object]]] = []

    def monotonic(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        await anyio.lowlevel.checkpoint()
        self.at += seconds
        while self.then and self.at >= self.then[0][0]:
            self.then.pop(0)[1]()


class Typing:
    """A typist, and how far each prompt has got."""

    def __init__(self, screen: Screen, write: Callable[[bytes], Awaitable[None]]) -> None:
        self.handed, self.clock, self.screen = Handed(), Hasty(), screen
        #: How much of its time is the program's own.
        self.own = 1.0
        self.typist = Typist(
            screen, write, lambda: Doing.IDLE, self.clock, self.handed, lambda: self.own
        )

    async def type(self, key: str, text: str) -> Arrival:
        before = await self.typist.write(key, text)
        await self.typist.send(key, text, before)
        return self.handed.arrivals[key]

    def later(self, at: float, what: Callable[[], object]) -> None:
        self.clock.then.append((at, what))


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
async def typing(home: AgentHome, how: str, prompt: str = "") -> AsyncIterator[Seen]:
    run = await home.provider().open(home.types(how, prompt))
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
        assert await seen.run.prompt("k", text) == Arrival(Stage.WRITTEN)
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
        await seen.run.prompt("k", "say hello")
        await seen.until(lambda: seen.reached("k")[-1:] == [Arrival(Stage.STARTED)])
        assert heard(home) == ["say hello"]


#: What is told of a prompt that stands in the input line after Enter, too.
STUCK = "it stands in the input line after Enter, too; `inspan attach` shows why"


def keeps_line(data: bytes) -> bytes:
    return b"" if data == b"\r" else data


async def test_what_stands_in_the_input_line_after_enter_may_still_be_taken() -> None:
    with face(keeps_line) as typist:

        def takes() -> None:
            assert typist.handed.arrivals["k"] == Arrival(Stage.ECHOED, why=STUCK)
            assert "something else stands" in typist.typist.in_the_way()
            typist.screen.feed("\r\n● Hello!\r\n❯ ".encode())

        typist.later(300.0, takes)
        assert await typist.type("k", "say hello") == Arrival(Stage.STARTED)


async def test_of_what_others_sent_or_cleared_nobody_knows() -> None:
    with face(keeps_line) as typist:
        typist.later(300.0, typist.typist.pressed)
        arrival = await typist.type("k", "say hello")
        assert (arrival.stage, arrival.lost) == (Stage.ECHOED, True)
        assert "somebody else typed" in arrival.why


async def test_an_interrupt_ends_the_wait_for_what_stands_there() -> None:
    with face(keeps_line) as typist:
        typist.later(300.0, lambda: typist.typist.stop("it was interrupted"))
        arrival = await typist.type("k", "say hello")
        assert arrival == Arrival(Stage.ECHOED, lost=True, why="it was interrupted")


async def test_one_that_has_no_time_of_its_own_shows_late_and_loses_nothing() -> None:
    told = {b"say hello": b"", b"\r": b""}
    with face(told.__getitem__) as typist:

        def takes() -> None:
            typist.screen.feed("\r\n● Hello!\r\n❯ ".encode())

        typist.own = 0.0
        typist.later(1000.0, lambda: typist.screen.feed(b"say hello"))
        typist.later(2000.0, lambda: setattr(typist, "own", 1.0))
        typist.later(2005.0, takes)
        assert await typist.type("k", "say hello") == Arrival(Stage.STARTED)


async def test_enter_waits_until_it_has_had_time_after_it_showed_the_text() -> None:
    """Gemini CLI takes an Enter that it reads just after the text for a part of what was pasted."""
    entered: list[float] = []

    def draws(data: bytes) -> bytes:
        if data == b"\r":
            entered.append(typist.clock.at)
            return "\r\n● Hello!\r\n❯ ".encode()
        return data

    with face(draws) as typist:
        typist.own = 0.0
        typist.later(50.0, lambda: setattr(typist, "own", 1.0))
        assert await typist.type("k", "say hello") == Arrival(Stage.STARTED)
        assert entered[0] == pytest.approx(50.2, abs=0.1)


async def test_one_that_is_always_busy_is_not_waited_for_without_end() -> None:
    with face(lambda _: b"") as typist:
        typist.own = BUSY
        assert (await typist.type("k", "say hello")).lost
        assert typist.clock.at == pytest.approx(100.0, abs=1.0)


async def test_what_comes_back_into_the_input_line_has_no_turn() -> None:
    told = {b"say hello": b"say hello", b"\r": "\r\n\n❯ ".encode()}
    with face(told.__getitem__) as typist:
        assert await typist.type("k", "say hello") == Arrival(Stage.SUBMITTED)
        typist.screen.feed(b"say hello")
        typist.typist._doing = lambda: Doing.WORKING
        typist.typist.looked()
        assert typist.handed.arrivals["k"] == Arrival(Stage.SUBMITTED)
        typist.screen.feed(b"\x1b[2J\x1b[1;1H")
        typist.typist.looked()
        assert typist.handed.arrivals["k"] == Arrival(Stage.STARTED)


async def test_nothing_is_typed_before_its_first_prompt_has_had_its_turn(home: AgentHome) -> None:
    """It is idle, as it seems, and throws away what is typed until it has taken that."""
    async with typing(home, "late", prompt="do it") as seen:
        assert await seen.run.prompt("k", "say hello") == Arrival(Stage.QUEUED, why=TURN_GOES_ON)
        (home.work / "begin").touch()
        await seen.until(seen.works)
        (home.work / "go-1").touch()
        await seen.until(lambda: seen.reached("k")[-1:] == [Arrival(Stage.STARTED)])
        assert heard(home) == ["do it", "say hello"]


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
        assert not (await seen.run.prompt("k", "say hello")).lost
        await seen.until(lambda: isinstance(seen.all[-1], Finished))
        with pytest.raises(Conflict):
            await seen.run.check_prompt("more")


async def test_where_enter_cannot_be_pressed_it_is_lost_and_raised() -> None:
    def keeps(data: bytes) -> bytes:
        if data == b"\r":
            raise InputFull("it does not read")
        return data

    with face(keeps) as typist:
        with pytest.raises(InputFull):
            await typist.type("k", "say hello")
        lost = typist.handed.arrivals["k"]
        assert (lost.stage, lost.lost, lost.why) == (Stage.ECHOED, True, "it does not read")


class Queue:
    """Prompts in their turn on a terminal whose agent is ``busy`` for so long."""

    def __init__(self, typist: Typing, folder: Path) -> None:
        self.busy, self.handed, self.kept = 0.0, typist.handed, KeptPrompts(folder)
        self.prompts = InTurn(
            typist.typist, self.handed, self.kept, lambda: self.busy, typist.clock, lambda: None
        )

    async def goes_on(self) -> None:
        self.busy = 0.0
        self.prompts.go_on()
        assert self.prompts._next is not None
        await self.prompts._next


def fails(_data: bytes) -> bytes:
    raise InputFull("it does not read")


async def test_what_could_not_be_typed_is_in_nobodys_way(tmp_path: Path) -> None:
    with face(fails) as typist:
        queue = Queue(typist, tmp_path)
        with pytest.raises(InputFull):
            await queue.prompts.take("k", "say hello")
        assert queue.handed.arrivals["k"].lost
        with pytest.raises(InputFull):  # and it does not wait for the first
            await queue.prompts.take("l", "say more")


async def test_what_waited_and_cannot_be_typed_is_lost_and_not_typed_again(tmp_path: Path) -> None:
    with face(fails) as typist:
        queue = Queue(typist, tmp_path)
        queue.busy = inf
        assert (await queue.prompts.take("k", "say hello")).stage is Stage.QUEUED
        assert queue.kept.load() == (("k", "say hello"),)
        await queue.goes_on()
        lost = queue.handed.arrivals["k"]
        assert (lost.lost, lost.why) == (True, "it does not read")
        assert queue.kept.load() == ()
        assert queue.handed.next is None


async def test_what_cannot_be_forgotten_on_the_disk_is_dropped_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with face(fails) as typist:
        queue = Queue(typist, tmp_path)
        queue.busy = inf
        await queue.prompts.take("k", "say hello")
        (tmp_path / "prompts").unlink()
        (tmp_path / "prompts").mkdir()
        await queue.prompts.drop("interrupted")
        assert queue.handed.arrivals["k"] == Arrival(Stage.QUEUED, lost=True, why="interrupted")
        assert queue.handed.next is None
    assert "what waits for its turn cannot be kept" in caplog.text


@pytest.mark.parametrize("damage", [b"{", b"[1]", b"[[]]", b"\xff", None])
def test_what_waited_and_cannot_be_read_is_told_and_nothing_is_typed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: bytes | None
) -> None:
    place = tmp_path / "prompts"
    if damage is None:
        place.mkdir()
    else:
        place.write_bytes(damage)
    assert KeptPrompts(tmp_path).load() == ()
    assert "what waited for its turn cannot be read" in caplog.text


@pytest.mark.parametrize(("number", "error"), [(errno.ENOSPC, DiskFull), (errno.EIO, StoreFailed)])
async def test_what_waits_stays_where_no_more_can_be_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, error: type[StoreFailed]
) -> None:
    kept = KeptPrompts(tmp_path)
    await kept.save([("k", "one")])

    def full(_file: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(error, match=f"cannot be kept: {os.strerror(number)}") as refused:
        await kept.save([("k", "one"), ("l", "two")])
    assert type(refused.value) is error
    assert kept.load() == (("k", "one"),)
