"""Screens that were made once are gone to again, and show what they are asked for then."""

from __future__ import annotations

import pytest

from inspan.tui.app import Cockpit
from inspan.tui.screens.frame import Frame
from inspan.tui.screens.help import Help
from inspan.tui.screens.log import Happened
from inspan.tui.screens.replay import ReplayScreen
from inspan.tui.screens.task import OneTask
from inspan.tui.screens.terminal import TerminalScreen
from tests.fakes.control import FakeControl
from tests.unit.tui.test_tasks import opened, seen, until

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("E4")]


async def _two(control: FakeControl) -> tuple[str, str]:
    """Two tasks that have printed something; the second is the first of the list."""
    made = []
    for name in ("alpha", "beta"):
        task = await control.submit_running()
        control.prints(task.id, f"printed by {name}\r\n".encode())
        made.append(task.id)
    return made[0], made[1]


async def test_a_screen_is_made_once_and_is_whole_again() -> None:
    control = FakeControl()
    await _two(control)
    async with opened(control) as (app, pilot):
        await until(pilot, lambda: app.tasks.tasks.current is not None)
        for key in ("g", "p", "L", "S", "K", "question_mark"):
            before = app.screen
            screens = []
            for _ in range(2):
                await pilot.press(key)
                await until(pilot, lambda before=before: app.screen is not before)  # type: ignore[misc]
                screens.append(app.screen)
                await pilot.press("escape")
                await until(pilot, lambda before=before: app.screen is before)  # type: ignore[misc]
            assert screens[0] is screens[1], key


async def test_what_happens_while_the_log_is_away_is_told_once_when_it_is_back() -> None:
    control = FakeControl()
    await control.submit_running()
    async with opened(control) as (app, pilot):
        await until(pilot, lambda: len(app.happened) > 1)
        await pilot.press("L")
        await until(pilot, lambda: isinstance(app.screen, Happened) and "started" in seen(app))
        log = app.screen
        assert isinstance(log, Happened)
        told = len(log._log_lines.lines)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.tasks)
        knew = len(app.happened)
        await control.submit_running()
        await until(pilot, lambda: len(app.happened) > knew)
        more = len(app.happened) - knew
        await pilot.press("L")
        await until(pilot, lambda: len(log._log_lines.lines) == told + more)


async def test_a_screen_hears_once_that_it_is_seen_again(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[Frame] = []
    resumed = Frame.on_screen_resume

    def hears(frame: Frame) -> None:
        heard.append(frame)
        resumed(frame)

    monkeypatch.setattr(Frame, "on_screen_resume", hears)
    control = FakeControl()
    await _two(control)
    async with opened(control) as (app, pilot):
        await until(pilot, lambda: app.tasks.tasks.current is not None)
        for key in ("enter", "p", "L", "K", "g"):
            heard.clear()
            await pilot.press(key)
            await until(pilot, lambda: app.screen in heard)
            screen = app.screen
            await pilot.press("escape")
            await until(pilot, lambda: app.tasks in heard)
            assert heard == [screen, app.tasks], key


async def test_another_terminal_is_shown_on_the_same_screen_and_nothing_of_the_last() -> None:
    control = FakeControl()
    await _two(control)
    async with opened(control) as (app, pilot):
        await until(pilot, lambda: app.tasks.tasks.current is not None)
        found: list[tuple[object, str]] = []
        for _ in range(2):
            await pilot.press("t")
            await until(pilot, lambda: "printed by" in seen(app))
            assert isinstance(app.screen, TerminalScreen)
            found.append((app.screen, seen(app)))
            await pilot.press("escape")
            await until(pilot, lambda: app.screen is app.tasks)
            await pilot.press("down")
        (first, one), (second, other) = found
        assert first is second
        assert ("by alpha" in one, "by beta" in one) == (False, True)
        assert ("by alpha" in other, "by beta" in other) == (True, False)


async def test_another_task_is_shown_on_the_same_screen_also_where_it_printed_nothing() -> None:
    control = FakeControl()
    alpha, _ = await _two(control)
    async with opened(control) as (app, pilot):
        await until(pilot, lambda: app.tasks.tasks.current is not None)
        await pilot.press("enter")
        await until(pilot, lambda: "printed by beta" in seen(app))
        screen = app.screen
        assert isinstance(screen, OneTask)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.tasks)
        await pilot.press("down", "enter")
        await until(pilot, lambda: "printed by alpha" in seen(app))
        assert app.screen is screen
        assert screen.current is not None
        assert screen.current.id == alpha
        assert "beta" not in seen(app)
        await until(pilot, lambda: screen.pane is not None and app.focused is screen.pane.view)


async def test_a_recording_that_was_left_plays_no_more_and_another_begins() -> None:
    control = FakeControl()
    await _two(control)
    async with opened(control) as (app, pilot):
        await until(pilot, lambda: app.tasks.tasks.current is not None)
        await pilot.press("r")
        await until(pilot, lambda: "printed by beta" in seen(app))
        screen = app.screen
        assert isinstance(screen, ReplayScreen)
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, Help))
        assert screen.player is not None  # it is below, and goes on
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.tasks and screen.player is None)
        await pilot.press("down", "r")
        await until(pilot, lambda: "printed by alpha" in seen(app))
        assert app.screen is screen
        assert "beta" not in seen(app)


async def test_one_that_lies_on_the_stack_is_not_taken_from_there() -> None:
    control = FakeControl()
    alpha, beta = await _two(control)
    async with opened(control) as (app, pilot):
        await until(pilot, lambda: app.tasks.tasks.current is not None)
        assert isinstance(app, Cockpit)
        app.open_task(alpha)
        await until(pilot, lambda: isinstance(app.screen, OneTask))
        below = app.screen
        app.open_task(beta)
        await until(pilot, lambda: app.screen is not below and "printed by beta" in seen(app))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is below and "printed by alpha" in seen(app))
