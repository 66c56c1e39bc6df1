"""What a terminal draws after a key: at once, and no more often for it."""

from __future__ import annotations

import pytest
from textual.app import App, ComposeResult

from inspan.clock import SystemClock
from inspan.terminal.canvas import canvas_of
from inspan.tui import view as views
from inspan.tui.view import TerminalView
from tests.unit.tui.terminals import kind, until

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("E4")]

#: Seconds between two drawings here: whatever is drawn in a test is drawn before its time.
LONG = 1000.0


class OneView(App[None]):
    """A terminal that somebody types into."""

    def __init__(self) -> None:
        super().__init__()
        self.view = TerminalView(canvas_of(kind()), SystemClock())
        self.view.keys = lambda _data: None

    def compose(self) -> ComposeResult:
        yield self.view

    def on_mount(self) -> None:
        self.view.focus()


async def test_an_echo_is_drawn_at_once_and_what_comes_after_it_waits_the_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = OneView()
    async with app.run_test(size=(40, 10)) as pilot:
        view = app.view
        view.begin(40, 10)
        await until(lambda: view.redraws)
        monkeypatch.setattr(views, "REDRAW", LONG)
        monkeypatch.setattr(views, "AHEAD", 2 * LONG)
        view.redraw()
        drawn = view.redraws
        view.feed(b"what it prints")
        await pilot.pause()
        assert view.redraws == drawn  # nobody typed
        monkeypatch.setattr(views, "ECHO", LONG)
        for number in (1, 2):
            await pilot.press("x")
            view.feed(b"x")
            await pilot.pause()
            assert view.redraws == drawn + number, number
        for _ in range(5):  # as far ahead of its time as may be
            await pilot.press("x")
            view.feed(b"x")
            await pilot.pause()
        assert view.redraws == drawn + 2


async def test_what_comes_long_after_a_key_is_drawn_in_its_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = OneView()
    async with app.run_test(size=(40, 10)) as pilot:
        view = app.view
        view.begin(40, 10)
        await until(lambda: view.redraws)
        monkeypatch.setattr(views, "REDRAW", LONG)
        monkeypatch.setattr(views, "AHEAD", 2 * LONG)
        monkeypatch.setattr(views, "ECHO", 0.0)
        view.redraw()
        drawn = view.redraws
        await pilot.press("x")
        view.feed(b"x")
        await pilot.pause()
        assert view.redraws == drawn
