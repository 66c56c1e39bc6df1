"""From the list into a terminal and back."""

from __future__ import annotations

import pytest

from inspan.tui.screens.replay import ReplayScreen
from inspan.tui.screens.terminal import TerminalScreen
from tests.fakes.control import FakeControl
from tests.unit.tui.terminals import seen as seen_in
from tests.unit.tui.test_tasks import opened, seen, until

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("E4")]


async def test_every_key_goes_to_the_program_until_it_is_left() -> None:
    control = FakeControl()
    task = await control.submit_running()
    control.prints(task.id, b"prompt> ")
    async with opened(control) as (app, pilot):
        await until(pilot, lambda: app.tasks.tasks.current is not None)
        await pilot.press("t")
        await until(pilot, lambda: isinstance(app.screen, TerminalScreen))
        screen = app.screen
        assert isinstance(screen, TerminalScreen)
        await until(pilot, lambda: screen.pane is not None and "prompt>" in seen_in(screen.pane))
        assert screen.pane is not None
        await pilot.press("a")
        # The palette, quitting, going back and copying are the program's keys now.
        await pilot.press("ctrl+p", "ctrl+q", "ctrl+c", "q", "escape", "tab", "f1")
        session = control.sessions[next(iter(control.sessions))]
        await until(pilot, lambda: session.typed == b"\x10\x11\x03q\x1b\t\x1bOP")
        await pilot.press("ctrl+backslash")
        await until(pilot, lambda: screen.pane is not None and not screen.pane.writing)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.tasks)
        assert app.return_code is None


async def test_a_recording_is_played_sought_and_left() -> None:
    control = FakeControl()
    task = await control.submit_running()
    control.prints(task.id, b"printed")
    control.ends(task.id)
    async with opened(control) as (app, pilot):
        await until(pilot, lambda: app.tasks.tasks.current is not None)
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, ReplayScreen) and app.screen.player)
        screen = app.screen
        assert isinstance(screen, ReplayScreen)
        player = screen.player
        assert player is not None
        await until(pilot, lambda: "printed" in seen(app) and not player.playing)
        await pilot.press("greater_than_sign", "greater_than_sign", "left")
        await until(pilot, lambda: (player.speed, player.moment) == (4.0, 0.0))
        assert "4×" in seen(app)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.tasks)
