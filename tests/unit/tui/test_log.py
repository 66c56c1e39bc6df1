"""The lines of what happened."""

from __future__ import annotations

import pytest
from textual.app import App, ComposeResult

from inspan.clock import SystemClock
from inspan.model.event import Event
from inspan.model.task import TaskSpec
from inspan.tui.app import Cockpit
from inspan.tui.known import Known
from inspan.tui.log import Log
from inspan.tui.screens.log import Happened
from tests.fakes.control import FakeControl
from tests.unit.tui.test_tasks import until

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("E4")]


class Lines(App[None]):
    """Nothing but a log."""

    def __init__(self, known: Known) -> None:
        super().__init__()
        self.log_lines = Log(known, name="log")

    def compose(self) -> ComposeResult:
        yield self.log_lines


async def happened(tasks: int) -> tuple[Known, list[Event]]:
    async def revive() -> None:
        raise AssertionError("nothing is lost")

    control = FakeControl()
    for _ in range(tasks):
        await control.submit(TaskSpec(command=("work",), cwd="/"))
    known = Known(
        control, heard=lambda _: None, told=lambda _: None, revive=revive, clock=SystemClock()
    )
    return known, list(await control.history())


async def test_what_happens_while_its_screen_comes_is_one_line() -> None:
    control = FakeControl()
    await control.submit(TaskSpec(command=("work",), cwd="/"))
    app = Cockpit(control)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: len(app.happened) == 2)
        screen = Happened(app)
        screen.told(app.happened)  # pushed, and not there yet
        await app.push_screen(screen)
        await pilot.pause()
        assert len(screen.query_one(Log).lines) == 2


async def test_what_comes_at_once_in_parts_is_followed_to_its_end() -> None:
    known, events = await happened(30)
    app = Lines(known)
    async with app.run_test(size=(60, 8)) as pilot:
        for event in events:
            app.log_lines.tell([event])
        await pilot.pause()
        assert app.log_lines.is_vertical_scroll_end
        app.log_lines.scroll_home(animate=False, immediate=True)
        app.log_lines.tell((await happened(40))[1])
        await pilot.pause()
        assert app.log_lines.scroll_offset.y == 0
