"""One terminal pane in an app of its own, for tests that drive it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from inspan.clock import SystemClock
from inspan.control import Control
from inspan.terminal.canvas import canvas_of
from inspan.terminal.screen import Backend, backends
from inspan.tui.background import BackgroundTasks
from inspan.tui.clock import Clock
from inspan.tui.pane import Pane


def kind(name: str = "ghostty") -> Backend:
    return next(item for item in backends() if item.name == name)


class OnePane(App[None]):
    """Panes, the first of them focused."""

    def __init__(self, *panes: Pane) -> None:
        super().__init__()
        self.panes = panes
        self.written: list[str] = []

    def compose(self) -> ComposeResult:
        yield from self.panes

    def on_mount(self) -> None:
        self.panes[0].view.focus()

    def copy_to_clipboard(self, text: str) -> None:
        self.written.append(text)
        super().copy_to_clipboard(text)


@asynccontextmanager
async def looking(
    control: Control,
    session: str,
    *,
    size: tuple[int, int] = (60, 20),
    emulator: str = "ghostty",
    clock: Clock | None = None,
) -> AsyncIterator[tuple[Pane, Pilot[None]]]:
    """A pane that fills an app; none of its work may fail, nor be left."""
    errors: list[Exception] = []
    beside = BackgroundTasks(SystemClock(), lambda error, _: errors.append(error))
    pane = Pane(
        control,
        session,
        make=canvas_of(kind(emulator)),
        clock=clock or SystemClock(),
        fire=beside.fire_and_forget,
    )
    app = OnePane(pane)
    async with app.run_test(size=size) as pilot:
        await until(lambda: pane.view.open)
        yield pane, pilot
    await until(lambda: not beside.active_task_count)
    assert not errors, errors


async def until(true: Callable[[], object], seconds: float = 45.0) -> None:
    with anyio.fail_after(seconds):
        while not true():  # noqa: ASYNC110 - what is waited for has no event
            await anyio.sleep(0.005)


def seen(pane: Pane) -> list[str]:
    """The lines of the terminal as they are drawn."""
    view = pane.view
    return [view.render_line(y).text.rstrip() for y in range(view.size.height)]
