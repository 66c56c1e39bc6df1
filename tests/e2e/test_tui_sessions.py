"""The screens of `inspan tui` over a daemon of its own, which is killed and comes back."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio
import pytest
from textual.pilot import Pilot

from inspan.client.remote import RemoteControl
from inspan.model.code import CodeSpec
from inspan.tui.app import Cockpit
from inspan.tui.dialogs.confirm import ConfirmDialog
from inspan.tui.dialogs.line import LineDialog
from inspan.tui.editor import CellEditor
from inspan.tui.known import Link
from inspan.tui.screens.cells import Cells
from inspan.tui.screens.kernels import Kernels
from inspan.tui.screens.sessions import SessionsScreen
from tests.real.daemon import Daemon
from tests.unit.tui.test_tasks import seen

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("E4")]


@asynccontextmanager
async def opened(daemon: Daemon) -> AsyncIterator[tuple[Cockpit, Pilot[None]]]:
    async def revive() -> None:
        if daemon.process is not None and daemon.process.poll() is not None:
            await anyio.to_thread.run_sync(daemon.start)

    async with RemoteControl.connect(daemon.places.daemon_socket) as control:
        app = Cockpit(control, revive=revive)
        async with app.run_test(size=(120, 36)) as pilot:
            yield app, pilot


async def until(pilot: Pilot[None], wanted: Callable[[], object]) -> None:
    """Wait for a condition, as long as a test may take."""
    while not wanted():
        await pilot.pause(0.02)


async def test_what_lives_is_seen_with_its_size_and_outlives_the_daemon() -> None:
    with Daemon() as daemon:
        with daemon.control() as control:
            task = control.submit(daemon.spec("sh", "-c", "echo begun; sleep 600", name="it lives"))
        async with opened(daemon) as (app, pilot):
            await until(pilot, lambda: "running" in seen(app))
            await pilot.press("S")
            await until(pilot, lambda: "it lives" in seen(app) and "processes  2" in seen(app))
            screen = app.screen
            assert isinstance(screen, SessionsScreen)
            daemon.kill()
            await until(pilot, lambda: app.known.link is Link.LOST)
            await until(pilot, lambda: app.known.link is Link.LIVE)
            await until(pilot, lambda: screen.chosen is not None and screen.chosen.use is not None)
            assert screen.current is not None
            assert screen.current.id == task.id
            await pilot.press("c")
            await until(pilot, lambda: app.screen is not screen)
            await pilot.pause()
            await pilot.press("y")
            await until(pilot, lambda: "Nothing runs" in seen(app))


async def test_a_cell_outlives_the_daemon_and_is_found_again_where_it_was() -> None:
    with Daemon() as daemon:
        with daemon.control() as control:
            env = {"PATH": os.environ["PATH"]}
            made = control.code.open(CodeSpec(name="data", cwd=str(daemon.home), env=env))
        async with opened(daemon) as (app, pilot):
            await until(pilot, lambda: app.known.link is Link.LIVE)
            await pilot.press("K")
            await until(pilot, lambda: isinstance(app.screen, Kernels) and app.screen.chosen)
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, Cells) and app.focused)
            screen = app.screen
            assert isinstance(screen, Cells)
            gate = daemon.home / "gate"
            screen.editor.text = (
                "import pathlib, time\nprint('be' + 'gun', flush=True)\n"
                f"while not pathlib.Path({str(gate)!r}).exists(): time.sleep(0.01)\n"
                "print('and ' + 'ended'); line = input('which? '); print(line * 2)"
            )
            await pilot.press("f5")
            await until(pilot, lambda: "begun" in seen(app) and "● [1]" in seen(app))
            daemon.kill()
            await until(pilot, lambda: app.known.link is Link.LOST)
            await until(pilot, lambda: app.known.link is Link.LIVE)
            gate.touch()
            await until(pilot, lambda: isinstance(app.screen, LineDialog) and app.focused)
            await pilot.press(*"ho", "enter")
            await until(pilot, lambda: "hoho" in seen(app) and "✓ [1]" in seen(app))
            (text,) = map(str, list(screen.notebook.blocks.values())[-1].parts())
            assert text.count("begun") == text.count("and ended") == 1
            assert app.focused is screen.editor
            await pilot.press(*"6*7", "ctrl+j")
            await until(pilot, lambda: "✓ [2] 6*7" in seen(app) and "42" in seen(app))
            await until(pilot, lambda: screen.session.pulse is not None)
            await pilot.press("escape")
            await until(pilot, lambda: app.focused is screen.view)
            # It lives, and leads from there to its cells, too.
            await pilot.press("S")
            await until(pilot, lambda: isinstance(app.screen, SessionsScreen) and app.screen.chosen)
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, Cells) and "hoho" in seen(app))
            await pilot.press("escape")
            await until(pilot, lambda: not isinstance(app.focused, CellEditor))
            await pilot.press("x")
            await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
            await pilot.pause()
            await pilot.press("y")
            await until(pilot, lambda: "data   over" in seen(app))
        with daemon.control() as control:
            assert control.code.get(made.id).closed
