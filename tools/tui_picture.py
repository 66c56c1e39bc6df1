"""Draws docs/tui*.svg: the screens of `inspan tui`, over tasks that a real daemon really runs.

    python tools/tui_picture.py

The program is the one that people have, without a terminal; Textual tells what it would show.
Nothing is retouched but the font, which a picture must not fetch from the network.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import anyio
from textual.pilot import Pilot

from inspan.client.address import own
from inspan.client.remote import RemoteControl
from inspan.model.task import TaskKind
from inspan.settings import locate
from inspan.tui.app import Cockpit
from tests.real.console import Console
from tools.picture_goal import goal
from tools.picture_tasks import release, tasks

DOCS: Final = Path(__file__).parent.parent / "docs"
COLS, ROWS = 110, 30
GOAL_SIZE: Final = (100, 10)
PATIENCE: Final = 30.0


def seen(app: Cockpit) -> str:
    """The text of what is shown."""
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())  # noqa: SLF001


class Drawing:
    """Keys that are pressed, and pictures of what is then seen."""

    def __init__(self, app: Cockpit, pilot: Pilot[None]) -> None:
        self._app = app
        self._pilot = pilot

    async def until(self, *wanted: str) -> None:
        """Wait until all of that is shown."""
        end = time.monotonic() + PATIENCE
        while not all(word in seen(self._app) for word in wanted):
            if time.monotonic() > end:
                raise TimeoutError(f"{wanted} is not seen:\n{seen(self._app)}")
            await self._pilot.pause(0.05)
        await self._pilot.pause(0.5)  # a question asked meanwhile is answered

    async def press(self, keys: str, *wanted: str) -> None:
        await self._pilot.press(*keys.split())
        await self.until(*wanted)

    async def select(self, name: str) -> None:
        """The task of this name."""
        known = self._app.known.tasks.values()
        self._app.tasks.tasks.select(next(one.id for one in known if one.spec.name == name))
        await self._pilot.pause(0.5)

    def draw(self, name: str) -> None:
        svg = self._app.export_screenshot(title="inspan tui")
        svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
        (DOCS / f"{name}.svg").write_text(svg.rstrip() + "\n")
        print(f"{name}.svg is drawn")


async def draw(console: Console, app_of: Callable[[RemoteControl], Cockpit]) -> None:
    async with RemoteControl.connect(own(locate(console.env).door)) as control:
        app = app_of(control)
        async with app.run_test(size=(COLS, ROWS)) as pilot:
            drawing = Drawing(app, pilot)
            await drawing.until("● live", "fix the failing test")
            await drawing.select("fix the failing test")
            await drawing.until("May I run", "Looking at the tests")
            drawing.draw("tui")
            await drawing.press("a", "Deny")
            drawing.draw("tui-answer")
            await drawing.press("escape", "watch the logs")
            await drawing.select("run the tests")
            await drawing.press("t", "36 passed", "a types into it")
            drawing.draw("tui-terminal")
            await drawing.press("escape", "watch the logs")
            await drawing.select("make it add")
            await drawing.press("d", "sums.py")
            drawing.draw("tui-changes")
            await drawing.press("escape", "watch the logs")
            release(console)
            await drawing.press("g", "announce")
            drawing.draw("tui-graph")
            await drawing.press("escape p", "sessions", "database")
            await pilot.pause(20)  # charts want something to show
            drawing.draw("tui-load")


async def draw_goal(console: Console) -> None:
    """In the middle of it: one step is merged, one works again after a review, one waits."""
    async with RemoteControl.connect(own(locate(console.env).door)) as control:
        app = Cockpit(control)
        async with app.run_test(size=GOAL_SIZE) as pilot:
            drawing = Drawing(app, pilot)
            await drawing.until("● live", "add discounts")
            (goal,) = (one for one in app.known.tasks.values() if one.spec.kind is TaskKind.GOAL)
            app.tasks.tasks.select(goal.id)
            await drawing.press("enter", "✓ shipping", "▸ discount", "1 review")
            drawing.draw("tui-goal")


def main() -> int:
    os.environ.pop("NO_COLOR", None)
    with Console("roles: {default: 8, worker: 8}\n") as console:
        tasks(console)
        anyio.run(draw, console, Cockpit)
    with Console() as console:
        goal(console)
        anyio.run(draw_goal, console)
    return 0


if __name__ == "__main__":
    sys.exit(main())
