"""Each screen where its terminal shrinks, its clock jumps or its task goes: none complains."""

from __future__ import annotations

import time

import anyio
import pytest

from inspan.tui.app import Cockpit
from inspan.tui.screens.task import OneTask
from tests.fakes.control import FakeControl
from tests.unit.tui.test_diff_screen import PATCH
from tests.unit.tui.test_tasks import seen, until

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("E4")]

#: Each screen and dialog that keys lead to from the list, with what is seen there.
PLACES = {
    "tasks": ((), "the task"),
    "one task": (("enter",), "printed words"),
    "changes": (("d",), "src/login.py"),
    "a comment": (("d", "c"), "It is kept until"),
    "send back": (("d", "s"), "Have it done again"),
    "accept": (("d", "a"), "Accept changes"),
    "terminal": (("t",), "printed words"),
    "recording": (("r",), "printed words"),
    "graph": (("g",), "No task waits"),
    "load": (("p",), ""),
    "sessions": (("S",), ""),
    "code sessions": (("K",), ""),
    "log": (("L",), "task.submitted"),
    "help": (("question_mark",), "Everywhere"),
    "cancel": (("c",), "Cancel a task"),
}


class Jumping:
    """The time of day that a test sets; what waits does so on the real clock."""

    def __init__(self) -> None:
        self.off = 0.0

    def now(self) -> float:
        return time.time() + self.off

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds)


async def _posed() -> tuple[FakeControl, str]:
    control = FakeControl()
    task = await control.submit_running()
    control.prints(task.id, b"printed words\r\n")
    control.diffs[task.id] = PATCH
    return control, task.id


@pytest.mark.parametrize("place", PLACES)
async def test_a_screen_outlives_a_tiny_terminal_and_a_clock_that_jumps(place: str) -> None:
    control, _ = await _posed()
    clock = Jumping()
    app = Cockpit(control, clock=clock)
    keys, words = PLACES[place]
    words = "work" if words == "the task" else words
    async with app.run_test(size=(100, 40)) as pilot:
        await until(pilot, lambda: app.tasks.tasks.current is not None)
        for key in keys:
            if app.screen.id == "diff-screen":
                await until(pilot, lambda: "src/login.py" in seen(app))
            await pilot.press(key)
            await until(pilot, lambda: app.screen.is_mounted and app.screen.is_current)
            await pilot.pause()
        await until(pilot, lambda: words in seen(app))
        shown = app.screen
        for size in [(20, 5), (1, 1), (20, 5), (300, 100), (20, 5)]:
            await pilot.resize_terminal(*size)
            await pilot.pause()
        for off in (-86400.0, 86400.0 * 400, 0.0):
            clock.off = off
            app._tick()
            await pilot.pause()
        await pilot.resize_terminal(100, 40)
        await until(pilot, lambda: words in seen(app))
        assert app.screen is shown
        assert not app.complaints.is_showing
        assert app.complaints._kinds == {}


@pytest.mark.parametrize(
    "keys", [(), ("enter",), ("d",), ("t",), ("r",), ("g",), ("S",), ("K",), ("L",)]
)
async def test_a_task_is_deleted_under_the_cursor(keys: tuple[str, ...]) -> None:
    control, task = await _posed()
    app = Cockpit(control)
    async with app.run_test(size=(100, 40)) as pilot:
        await until(pilot, lambda: app.tasks.tasks.current is not None)
        await pilot.press(*keys)
        await pilot.pause()
        shown = app.screen
        del control.tasks[task]
        control.sessions.clear()
        app.known.forget(task)
        app._tick()
        await pilot.pause(0.1)
        await pilot.press("down", "up", "home")
        assert app.screen is shown
        if isinstance(shown, OneTask):
            assert shown.current is not None
        assert not app.complaints.is_showing
        assert app.complaints._kinds == {}
        if keys:
            await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.tasks and app.tasks.tasks.current is None)
        await pilot.press("enter", "d", "t", "r", "a", "c")
        assert app.screen is app.tasks
