"""A replay shows what the terminal showed, wherever one jumps to: held against our own emulator."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from inspan.settings import locate
from inspan.terminal.playback import Playback
from inspan.terminal.screen import Screen, backend
from inspan.terminal.times import times
from tests.faces.browsing import entered
from tests.real.console import Console
from tests.real.daemon import until
from tests.unit.terminal.test_keyframes import played

pytestmark = [pytest.mark.faces, pytest.mark.timeout(180), pytest.mark.requirement("C6", "C9")]

#: A title that is drawn once, and 5 MB that move in a region below it, in three parts.
TITLED = """\
import sys, time
out = sys.stdout
out.write("\\x1b[2J\\x1b[1;1H\\x1b[1;44mThe title, drawn once\\x1b[0m\\x1b[3;24r\\x1b[3;1H")
for part in range(3):
    for n in range(32000):
        out.write(f"\\x1b[3{n % 8}mpart {part} line {n:06}\\x1b[0m of what comes and goes\\r\\n")
    out.write(f"\\x1b7\\x1b[2;1Hpart {part} is over\\x1b8")
    out.flush()
    time.sleep(1)
"""


@pytest.fixture(scope="module")
def console() -> Iterator[Console]:
    with Console("server: {listen: 127.0.0.1:0}\nrecording: {cap: 200MB}\n") as console:
        (console.home / "titled.py").write_text(TITLED)
        console.say("run", "--pty", "--name", "titled", "--", "python3", "titled.py")
        yield console


def _playback(console: Console) -> Playback:
    (task,) = json.loads(console.say("ls", "--json", "--name", "titled"))["tasks"]
    return Playback(locate(console.env).recordings / task["session"])


def _open(page: Page, playback: Playback, offset: int) -> None:
    session = playback._folder.name
    page.goto(f"{page.url.partition('#')[0]}#/task/{session[:26]}/replay/{session}/{offset}")


def _shown(playback: Playback, offset: int) -> list[str]:
    """What all of it, from the first byte on, shows at ``offset``."""
    size = playback.size_at(0)
    assert size
    screen = Screen(size.cols, size.rows, backend())
    played(playback, screen, 0, offset)
    return list(screen.rows())


def _rows(page: Page) -> list[str]:
    rows = page.locator(".tty .xterm-rows > div").all_inner_texts()
    return [row.replace("\xa0", " ").rstrip() for row in rows]


def _comes_to(page: Page, wanted: list[str]) -> None:
    """What is read is drawn a moment later."""
    with suppress(AssertionError):
        until(lambda: _rows(page) == wanted, "the rows", 30)
    assert _rows(page) == wanted


def test_every_jump_shows_what_all_of_it_shows(page: Page, console: Console) -> None:
    playback = _playback(console)
    size = playback.size
    assert size > 4 << 20
    # The last first, so that all of it has to be read for it; then nearer ones, and a part of a
    # line, a colour and a sequence.
    for offset in (size, size // 2, 3 << 20, 1_500_001, 2_000_017, 600_000, 90, 20):
        _open(page, playback, offset)
        expect(page.get_by_text("is read")).to_have_count(0, timeout=60_000)
        wanted = _shown(playback, offset)
        _comes_to(page, wanted)


def test_it_plays_on_from_there_and_little_is_loaded(page: Page, console: Console) -> None:
    playback = _playback(console)
    # Where the second part begins, and the title is a megabyte and a half away.
    told = times(playback, 0, None, 10_000)
    second = next(
        b.offset for a, b in zip(told.marks, told.marks[1:], strict=False) if b.at - a.at > 0.8
    )
    loaded: list[int] = []
    page.on("response", lambda r: loaded.append(int(r.headers.get("content-length", "0"))))
    _open(page, playback, second)
    expect(page.locator(".tty .xterm-rows")).to_contain_text("part 0 is over")
    expect(page.get_by_text("is read")).to_have_count(0, timeout=60_000)
    _comes_to(page, _shown(playback, second))
    assert sum(loaded) < 1 << 20
    page.keyboard.press("Space")
    expect(page.locator(".tty .xterm-rows")).to_contain_text("part 1 is over", timeout=30_000)
    expect(page.locator(".tty .xterm-rows")).to_contain_text("The title, drawn once")


def test_without_an_emulator_it_says_what_may_be_missing(
    browser: Browser, console: Console
) -> None:
    def blind(route: Route) -> None:
        body = '{"code": "unable", "detail": "nothing here can tell", "status": 500}'
        route.fulfill(status=500, body=body, content_type="application/problem+json")

    with entered(browser, console, refusals=True) as page:
        page.route("**/frame?**", blind)
        playback = _playback(console)
        _open(page, playback, playback.size)
        expect(page.get_by_text("What was drawn long before may be missing.")).to_be_visible()
        expect(page.locator(".tty .xterm-rows")).to_contain_text("line 031999")
