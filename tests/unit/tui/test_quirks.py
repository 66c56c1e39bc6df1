"""What is mended of Textual: what is drawn leaves nothing, and what is hidden costs nothing."""

from __future__ import annotations

import asyncio
import gc
import itertools
import platform
import subprocess
import sys
from typing import Any

import pytest
from rich.color import ColorSystem
from rich.segment import Segment
from rich.style import Style
from textual._styles_cache import StylesCache
from textual.app import App, ComposeResult
from textual.color import Color
from textual.screen import ModalScreen, Screen
from textual.strip import Strip
from textual.widgets import Static

from inspan.tui import quirks, thrift

pytestmark = pytest.mark.requirement("E4")


@pytest.fixture(autouse=True)
def _mended() -> None:
    quirks.mend()


def test_backgrounds_are_remembered_by_their_colours_and_by_no_widget() -> None:
    one, other = StylesCache(), StylesCache()
    black, white = Color(0, 0, 0), Color(255, 255, 255, 0.5)
    found = one.get_inner_outer(black, white)
    assert found[0].background == black + white
    assert found[1].background == black
    assert other.get_inner_outer(black, white) is found


def _drawn() -> None:
    strip = Strip([Segment("some", Style(bold=True)), Segment(" words")], 10)
    whole = strip.crop_extend(0, 10, None)
    assert whole is strip
    assert list(strip.divide([10])) == [strip]
    assert [part.text for part in strip.divide([4, 10])] == ["some", " words"]
    assert strip.divide([4, 10]) is strip.divide([4, 10])  # what was asked last is there
    assert strip.crop_extend(2, 12, None).text == "me words  "
    assert strip.crop(2, 6).text == "me w"


def test_a_line_that_was_drawn_is_gone_by_itself() -> None:
    _drawn()
    while gc.collect():  # what is swept may let go of more, of tests before this one
        pass
    gc.disable()
    try:
        for _ in range(100):
            _drawn()
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_the_codes_of_styles_are_remembered_by_how_they_look() -> None:
    bold = Style(bold=True, color="red", bgcolor="blue")
    codes = Strip.render_ansi(bold, ColorSystem.TRUECOLOR)
    assert codes == "1;31;44"
    before = thrift.kept()
    for at in range(1000):
        placed = bold + Style.from_meta({"offset": (at, 7)})
        assert Strip.render_ansi(placed, ColorSystem.TRUECOLOR) == codes
    assert thrift.kept() == before
    plain = Style(bold=False, color="red")
    assert Strip.render_ansi(plain, ColorSystem.TRUECOLOR) == "31"


def test_of_text_that_is_cut_the_last_is_remembered() -> None:
    for number in range(2000):
        before, after = Segment(f"line {number} of what…").split_cells(5)
        assert (before.text, after.text) == ("line ", f"{number} of what…")
    assert 0 < thrift.cuts() < 500
    wide = Segment("a界b…")
    assert [part.text for part in wide.split_cells(2)] == ["a ", " b…"]
    assert wide.split_cells(2)[0] is wide.split_cells(2)[0]


class _Veil(ModalScreen[None]):
    CSS = "_Veil { background: black 50%; }"


class _Wall(Screen[None]):
    CSS = "_Wall { background: black; }"

    def compose(self) -> ComposeResult:
        yield Static("a wall")


def _seen(*screens: Screen[Any]) -> list[bool]:
    return [screen.is_current for screen in screens]


@pytest.mark.anyio
async def test_a_screen_is_drawn_below_what_it_shines_through_and_no_other() -> None:
    app: App[None] = App()
    async with app.run_test() as pilot:
        first = app.screen
        assert not app._background_screens
        wall, veil = _Wall(), _Veil()
        await app.push_screen(wall)
        assert _seen(first, wall) == [False, True]
        await app.push_screen(veil)
        assert app._background_screens == [wall]
        assert _seen(first, wall, veil) == [False, True, True]
        await pilot.resize_terminal(50, 12)
        assert wall.size == (50, 12)
        await app.pop_screen()
        await app.pop_screen()
        await pilot.pause()
        assert _seen(first) == [True]
        assert first.size == (50, 12)


def _python(code: str) -> str:
    """What a Python of its own prints."""
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    ).stdout.strip()


_GLIBC = pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="others give it back by themselves"
)
_HELD = (
    "import resource\nfrom pathlib import Path\nfrom inspan.tui.sweeping import Sweeper\n"
    "def held(): return int(Path('/proc/self/statm').read_text().split()[1])"
    " * resource.getpagesize() / 2**20\n"
)


@_GLIBC
def test_what_is_large_leaves_no_hole_when_it_goes() -> None:
    told = _python(
        f"{_HELD}sweeper = Sweeper()\n"
        "large = b'x' * 2_000_000\n"
        "del large\n"  # from here on the C library would keep the next ones among all the rest
        "had = held()\n"
        "all = [b'x' * size for _ in range(40) for size in (1_000_000, 1_000)]\n"
        "there = held() - had\n"
        "all = all[1::2]\n"
        "print(there, held() - had)"
    )
    there, after = map(float, told.split())
    assert there > 30
    assert after < 10


def test_what_is_there_from_the_start_is_swept_no_more() -> None:
    told = _python(
        "import gc\nfrom inspan.tui.sweeping import Sweeper\nsweeper = Sweeper()\n"
        "assert gc.get_freeze_count() > 1000, gc.get_freeze_count()\n"
        "sweeper.sweep()\nassert len(gc.get_objects()) < 1000\n"
        "class Ring: pass\n"
        "for _ in range(3000):\n one = Ring(); one.self = one\n"
        "del one\nwas = len(gc.get_objects())\n"
        "for _ in range(15): sweeper.sweep()\n"
        "print(was - len(gc.get_objects()) > 900)"
    )
    assert told == "True"


@pytest.mark.anyio
async def test_a_timer_whose_time_is_over_before_it_waits_calls_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app: App[None] = App()
    async with app.run_test():
        called, late = asyncio.Event(), itertools.count(1)
        # As on a machine that is so busy that a second passes between any two looks.
        monkeypatch.setattr("textual.timer._time.get_time", lambda: float(next(late)))
        app.set_timer(0.01, called.set)
        async with asyncio.timeout(30):
            await called.wait()
        monkeypatch.undo()
