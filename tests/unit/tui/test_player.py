"""A recording that is played: its moments, its speeds, and seeking that is exact."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from inspan.control import Control
from inspan.model.session import Frame, Output, Times
from inspan.model.task import Exit
from inspan.terminal.canvas import Canvas, canvas_of
from inspan.terminal.keyframes import Keyframes
from inspan.terminal.marks import Marks
from inspan.terminal.playback import Playback
from inspan.terminal.times import times
from inspan.tui.feed import FAR
from inspan.tui.player import Player
from inspan.tui.recording import Recording
from tests.fakes.clock import FakeClock
from tests.fakes.control import FakeControl
from tests.fakes.recordings import Step, record
from tests.unit.tui.terminals import kind

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("B4")]


class Recorded(FakeControl):
    """A Control that has one recording, on disk."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._playback = Playback(folder)

    async def read(self, session: str, offset: int = 0, limit: int = 1 << 16):  # type: ignore[no-untyped-def]
        return self._playback.read(offset, limit)

    async def frame(self, session: str, offset: int = 0) -> Frame:
        redraws = kind().redraws
        assert redraws is not None
        return Keyframes(self._playback, redraws).frame(offset)

    async def times(
        self, session: str, offset: int = 0, until: int | None = None, most: int = 1000
    ) -> Times:
        return times(self._playback, offset, until, most)


class Shown:
    """A terminal without a screen."""

    def __init__(self, emulator: str) -> None:
        self._make = canvas_of(kind(emulator))
        self.canvas: Canvas = self._make(80, 24)
        self._marks = Marks()

    def begin(self, cols: int, rows: int) -> None:
        self.canvas, self._marks = self._make(cols, rows), Marks()

    def feed(self, data: bytes) -> None:
        self.canvas.feed(self._marks.feed(data))

    def resize_terminal(self, cols: int, rows: int) -> None:
        self.canvas.resize(cols, rows)

    def settle(self) -> None:
        self.canvas.frame()

    def lines(self) -> list[str]:
        return [line for line in self.canvas.lines() if line]


@asynccontextmanager
async def played(
    folder: Path, steps: list[Step], emulator: str = "ghostty"
) -> AsyncIterator[tuple[Player, Shown, FakeClock]]:
    control: Control = Recorded(record(folder, steps))
    shown, clock = Shown(emulator), FakeClock()
    player = Player(control, "s", shown, clock, lambda: None)
    async with anyio.create_task_group() as group:
        group.start_soon(player.run)
        await anyio.wait_all_tasks_blocked()
        yield player, shown, clock
        group.cancel_scope.cancel()


WORDS: list[Step] = [
    (10.0, (40, 5)),
    (10.0, b"one "),
    (11.0, b"two "),
    (11.5, b"three "),
    (61.5, b"four"),
]


async def test_what_came_is_shown_at_its_moment_faster_and_not_while_paused(tmp_path: Path) -> None:
    async with played(tmp_path / "s", [*WORDS, (62.0, Exit(0))]) as (player, shown, clock):
        player.flip()
        await clock.advance(0.5)
        assert shown.lines() == ["one"]
        await clock.advance(0.6)
        assert shown.lines() == ["one two"]
        player.flip()
        await clock.advance(5.0)
        assert shown.lines() == ["one two"]
        player.flip()
        player.faster(1)
        assert player.speed == 2.0
        await clock.advance(0.4)
        assert shown.lines() == ["one two three"]


async def test_idle_time_is_cut_to_a_moment_and_kept_where_it_is_wanted(tmp_path: Path) -> None:
    async with played(tmp_path / "s", [*WORDS, (62.0, Exit(0))]) as (player, shown, clock):
        player.flip()
        for _ in range(30):
            await clock.advance(0.1)
        assert shown.lines() == ["one two three four"]
        player.seek(2.0)
        player.cuts_idle = False
        for _ in range(30):
            await clock.advance(0.1)
        assert shown.lines() == ["one two three"]


@pytest.mark.parametrize("emulator", ["ghostty", "pyte"])
async def test_seeking_shows_what_was_there_and_nothing_more(tmp_path: Path, emulator: str) -> None:
    dice = random.Random(7)
    steps: list[Step] = [(0.0, (40, 5))]
    steps += [(n / 10, b"%d:%d\r\n" % (n, dice.randrange(10**6))) for n in range(1, 300)]
    steps.insert(150, (15.0, (30, 7)))
    async with played(tmp_path / "s", [*steps, (30.0, Exit(0))], emulator) as (
        player,
        shown,
        clock,
    ):
        for moment in [12.34, 0.0, 29.9, 14.95, 15.0, 3.0, 20.05]:
            player.seek(moment)
            await clock.advance(0.1)
            want = Shown(emulator)
            for at, what in steps:
                if at <= moment and isinstance(what, bytes):
                    want.feed(what)
                elif at <= moment and isinstance(what, tuple) and len(what) == 2:
                    want.begin(*what) if at == 0 else want.resize_terminal(*what)
            assert shown.lines() == want.lines(), moment
            assert len(shown.canvas.frame().rows) == len(want.canvas.frame().rows), moment


async def test_what_was_drawn_long_ago_is_there_after_a_jump(tmp_path: Path) -> None:
    work = b"".join(b"\x1b[3;1Hstep %06d" % number for number in range(100_000))
    steps: list[Step] = [(0.0, (40, 5)), (1.0, b"\x1b[1;1Hlong ago")]
    steps += [
        (2.0 + at / (1 << 16), work[at : at + (1 << 16)]) for at in range(0, len(work), 1 << 16)
    ]
    async with played(tmp_path / "s", [*steps, (99.0, Exit(0))]) as (player, shown, clock):
        player.seek(98.0)
        with anyio.fail_after(20):
            while shown.lines() != ["long ago", "step 099999"]:
                await clock.advance(0.1)


async def test_what_is_only_played_is_not_looked_through_for_all_its_moments(
    tmp_path: Path,
) -> None:
    asked: list[tuple[int, int | None, int]] = []

    class Asked(Recorded):
        async def times(
            self, session: str, offset: int = 0, until: int | None = None, most: int = 1000
        ) -> Times:
            asked.append((offset, until, most))
            return await super().times(session, offset, until, most)

    steps: list[Step] = [(float(n), b"%04d" % n) for n in range(1000)]
    recording = Recording(Asked(record(tmp_path / "s", [*steps, (1000.0, Exit(0))])), "s")
    await recording.look()
    assert (recording.size, recording.length, recording.ended) == (4000, 1000.0, True)
    assert asked == [(FAR, None, 2)]
    assert [await recording.offset_at(moment) for moment in (0.0, 10.0, 998.5)] == [4, 44, 3996]
    assert sum(offset == 0 and until is None for offset, until, _ in asked) == 1


async def test_of_what_is_played_little_is_held_at_a_time(tmp_path: Path) -> None:
    steps: list[Step] = [(n / 20, b"line %09d\r\n" % n) for n in range(20_000)]
    recording = Recording(Recorded(record(tmp_path / "s", [*steps, (1000.0, Exit(0))])), "s")
    await recording.look()
    found = b""
    at: int | None = 0
    while at is not None:
        part = await recording.part(at)
        assert len(part.items) <= 500
        data = [one.what.data for one in part.items if isinstance(one.what, Output)]
        found += b"".join(data)
        at = part.next
    assert found == b"".join(what for _, what in steps if isinstance(what, bytes))
