"""Commands that an agent has run, in a real keeper; and the end of what they print, as text."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspan.agents.served import (
    Fault,
    NotServed,
    Served,
    TerminalDone,
    TerminalEnded,
    TerminalMade,
    TerminalText,
)
from inspan.agents.signs import CommandAsked, TerminalAsked, Wish
from inspan.clock import SystemClock
from inspan.engine.ports import Order
from inspan.keeper.client import KeeperClient
from inspan.keeper.recording import RAW
from inspan.model.ids import COMMANDS_MOST, session_id, ulid
from inspan.model.task import Exit, TerminalSpec
from inspan.providers.commands import CAP, OPEN_MOST, TOLD_MOST, Commands, tail
from inspan.providers.keeping import Keeping
from inspan.providers.process import Processes, ProcessRun
from inspan.providers.screens import Screens
from inspan.providers.workspacefiles import WorkspaceFiles, alone
from tests.real.agenthome import AgentHome, agent_home

pytestmark = pytest.mark.requirement("A2", "C9")
anyio_test = pytest.mark.anyio


@pytest.fixture
async def home() -> AsyncIterator[AgentHome]:
    async with agent_home() as made:
        yield made


class Asker:
    """Has commands run, and waits for what comes of them."""

    def __init__(self, home: AgentHome, session: str = "") -> None:
        async def get() -> KeeperClient:
            return home.keeper

        work = str(home.work)

        async def fence() -> object:
            return alone(work)

        self.order = Order(
            session=session or session_id(ulid(0, os.urandom(10)), 1),
            command=(),
            prompt=None,
            cwd=work,
            env={"PATH": os.environ["PATH"]},
            terminal=TerminalSpec(),
        )
        processes = Processes(get, home.root / "recordings", Screens(SystemClock()))
        files = WorkspaceFiles(work, fence)  # type: ignore[arg-type]  # as it is made there
        self.commands = Commands(processes, self.order, (), files)
        self._news = anyio.Event()
        self.commands.listen(lambda: self._news.set())
        self._number = 0

    async def run(self, *command: str, number: int = 0) -> str:
        self._number = number or self._number + 1
        told = await self.commands.start(CommandAsked("r", self._number, command))
        assert isinstance(told, TerminalMade), told
        return told.terminal

    async def line(self, line: str) -> str:
        return await self.run("sh", "-c", line)

    async def refused(self, *command: str, number: int = 1, cwd: str = "") -> NotServed:
        told = await self.commands.start(CommandAsked("r", number, command, cwd=cwd))
        assert isinstance(told, NotServed), told
        return told

    async def told(self, terminal: str, wish: Wish, limit: int | None = None) -> Served:
        with anyio.fail_after(30):
            while True:
                self._news = anyio.Event()
                told = await self.commands.answer(TerminalAsked("r", terminal, wish, limit))
                if told is not None:
                    return told
                await self._news.wait()

    async def output(self, terminal: str, limit: int | None = None) -> TerminalText:
        await self.told(terminal, Wish.WAIT)
        told = await self.told(terminal, Wish.OUTPUT, limit)
        assert isinstance(told, TerminalText)
        return told


@pytest.fixture
async def asker(home: AgentHome) -> AsyncIterator[Asker]:
    made = Asker(home)
    try:
        yield made
    finally:
        await made.commands.close()


@anyio_test
async def test_what_it_printed_is_told_from_its_end_within_the_limit(asker: Asker) -> None:
    terminal = await asker.line("printf 'aé€'; printf '𐍈z' >&2; exit 4")
    whole = await asker.output(terminal)
    assert whole == TerminalText("aé€𐍈z", truncated=False, exit=Exit(4))
    for limit, text in {0: "", 1: "z", 4: "z", 5: "𐍈z", 7: "𐍈z", 8: "€𐍈z", 10: "é€𐍈z"}.items():
        assert await asker.output(terminal, limit) == TerminalText(text, True, Exit(4))


@anyio_test
async def test_of_a_flood_the_end_is_told_and_a_bounded_part_is_kept(
    asker: Asker, home: AgentHome
) -> None:
    terminal = await asker.line("head -c 8000000 /dev/zero | tr '\\0' x; printf end")
    for limit in (None, 1 << 30):
        told = await asker.output(terminal, limit)
        assert told.truncated
        assert len(told.text) == TOLD_MOST
        assert told.text.endswith("xend")
    raw = home.root / "recordings" / terminal / RAW
    assert raw.stat().st_blocks * 512 < 2 * CAP


@anyio_test
async def test_what_it_prints_is_not_looked_through(asker: Asker) -> None:
    """Nobody would answer what it announces; to look for that cost a third of a processor."""
    terminal = await asker.line("printf '\\033]7770;waiting;question;Go on?\\007'")
    await asker.output(terminal)
    run = asker.commands._all[terminal]._run
    assert isinstance(run, ProcessRun)
    assert run._needs is None


@anyio_test
async def test_nobody_types_into_it(asker: Asker) -> None:
    assert (await asker.output(await asker.run("cat"))).exit == Exit(0)


@anyio_test
async def test_what_cannot_be_started_is_told(asker: Asker) -> None:
    told = await asker.refused("no-such-program")
    assert told.fault is Fault.FAILED
    assert "no-such-program" in told.why
    assert (await asker.refused("ls", cwd="/")).fault is Fault.REFUSED
    assert (await asker.refused("x" * 200_000)).fault is Fault.FAILED


@anyio_test
async def test_there_are_so_many_at_a_time_and_in_all(asker: Asker) -> None:
    terminals = [await asker.run("sleep", "600") for _ in range(OPEN_MOST)]
    assert (await asker.refused("ls", number=100)).fault is Fault.REFUSED
    assert await asker.told(terminals[0], Wish.RELEASE) == TerminalDone()
    await asker.run("sleep", "600")
    assert await asker.told(terminals[0], Wish.OUTPUT) == NotServed(
        Fault.MISSING, "There is no such terminal"
    )
    await asker.told(terminals[1], Wish.RELEASE)
    assert "1000" in (await asker.refused("ls", number=COMMANDS_MOST + 1)).why
    assert await asker.commands.kill() == 0
    assert (await asker.refused("ls", number=200)).why == "It is being stopped"


@anyio_test
async def test_what_is_asked_for_again_is_not_run_again(asker: Asker, home: AgentHome) -> None:
    """As by a daemon that was killed before it could answer."""
    first = await asker.run("sh", "-c", "echo 1 >> times", number=1)
    await asker.told(first, Wish.WAIT)
    other = Asker(home, asker.order.session)
    assert await other.commands.knows(CommandAsked("r", 1, ("x",)))
    assert not await other.commands.knows(CommandAsked("r", 2, ("x",)))
    assert await other.run("sh", "-c", "echo 1 >> times", number=1) == first
    assert await other.told(first, Wish.WAIT) == TerminalEnded(Exit(0))
    assert (home.work / "times").read_text() == "1\n"
    # Let go, its name is not given again.
    await other.told(first, Wish.RELEASE)
    assert "recorded" in (await asker.refused("ls", number=1)).why
    await other.commands.close()


@anyio_test
async def test_when_its_agent_has_ended_the_keeper_knows_none(
    asker: Asker, home: AgentHome
) -> None:
    await asker.run("sleep", "600")
    await asker.line("setsid sleep 600 & exit 0")
    await asker.commands.end()
    assert await home.keeper.list() == ()


@anyio_test
async def test_they_go_with_a_session_that_is_dropped_and_no_other(
    asker: Asker, home: AgentHome
) -> None:
    """As where nobody can read what their agent says any more."""
    await asker.run("sleep", "600")
    other = Asker(home)
    kept = await other.run("sleep", "600")
    keeping = Keeping(home.root / "k.sock", home.root)
    await keeping.drop(asker.order.session)
    assert await keeping.held() == (kept,)
    await keeping.close()
    await other.commands.end()


@anyio_test
async def test_it_tells_that_something_was_printed_once(asker: Asker) -> None:
    await asker.output(await asker.line("echo 1"))
    assert asker.commands.printed
    assert not asker.commands.printed


@given(st.binary(max_size=40), st.integers(0, 45), st.booleans())
def test_a_tail_is_the_end_of_the_text_and_never_too_long(
    data: bytes, most: int, ended: bool
) -> None:
    text, truncated = tail(data, most, ended=ended)
    whole = data.decode(errors="replace")
    assert len(text.encode()) <= most
    if ended:
        assert whole.endswith(text)
        assert truncated == (text != whole)
        rest = whole.removesuffix(text)
        assert not rest or len((rest[-1] + text).encode()) > most  # no more would have fitted


@given(st.text(max_size=12), st.integers(0, 40), st.integers(0, 4))
def test_a_character_that_is_not_whole_yet_is_left_for_later(
    text: str, most: int, missing: int
) -> None:
    data = text.encode()
    told, _ = tail(data[: len(data) - missing], most, ended=False)
    assert told in text
    assert "\ufffd" not in told or "\ufffd" in text


@given(st.text(max_size=30), st.integers(0, 30))
def test_where_the_reading_began_within_a_character_nothing_is_seen_of_it(
    text: str, most: int
) -> None:
    """As much is read as the longest text that can be told, and room for what is cut."""
    data = text.encode()
    part, _ = tail(data[max(0, len(data) - most - 6) :], most, ended=True)
    assert part == tail(data, most, ended=True)[0]


@anyio_test
async def test_where_its_recording_is_removed_that_is_told(asker: Asker, home: AgentHome) -> None:
    terminal = await asker.line("echo 1")
    assert isinstance(await asker.told(terminal, Wish.WAIT), TerminalEnded)
    (home.root / "recordings").rename(home.root / "elsewhere")
    told = await asker.told(terminal, Wish.OUTPUT)
    assert isinstance(told, NotServed)
    assert told.fault is Fault.FAILED
    assert "recording" in told.why
