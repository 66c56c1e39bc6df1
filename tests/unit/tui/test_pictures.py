"""What each screen looks like, in three sizes: pictures that a person can open in a browser.

``INSPAN_PICTURES=write`` draws them anew; then look at them.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import anyio
import pytest
from textual.pilot import Pilot

from inspan.control import Code
from inspan.errors import FolderMissing
from inspan.model.metrics import Metrics, MetricsQuery, Sample, SessionUse, Totals
from inspan.model.task import Task, TaskSpec
from inspan.tui.app import Cockpit
from inspan.tui.dialogs.newtask import NewTask
from tests.fakes.control import FakeControl
from tests.unit.tui import posing
from tests.unit.tui.test_diff_screen import PATCH
from tests.unit.tui.test_tasks import until

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("E4")]

PICTURES = Path(__file__).parents[2] / "golden" / "tui"
#: 2026-11-22, 12:00 UTC.
NOON = 1795348800.0
SIZES = [(120, 36), (80, 24), (44, 14)]
SCREENS = {
    "tasks": (),
    "task": ("enter",),
    "terminal": ("t",),
    "finding": ("t", "slash"),
    "replay": ("r",),
    "graph": ("g",),
    "log": ("L",),
    "sessions": ("S",),
    "kernels": ("K",),
    "cells": ("K", "enter"),
    "newsession": ("K", "n"),
    "help": ("question_mark",),
    "diff": ("d",),
    "load": ("p",),
    "goals": (),
    "goal": ("j", "enter"),
    "goalgraph": ("j", "enter", "g", "right", "down"),
    "newgoal": ("N",),
    "new": ("n",),
    "answer": ("a",),
    "cancel": ("c",),
    "error": ("n", "x", "ctrl+s"),
}
#: Where somebody reads there, they read on when the size changes: each size from its beginning.
KEEP_THEIR_PLACE = ("cells", "log")
NAMES = {
    "fix the login test": (),
    "write the docs": (),
    "lint [red]everything[/red]": (),
    "build the wheel": (),
    "deploy": (3, 1),
    "smoke test": (4,),
    "日本語の名前 and more": (),
}


class Still:
    """A clock that stands still, but lets others work."""

    def now(self) -> float:
        return NOON + 90

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds)


class Posing(FakeControl):
    """Its tasks have the same ids and times always."""

    @cached_property
    def code(self) -> Code:
        return posing.code(NOON)

    def _new_id(self) -> str:
        return f"01hf87rwzr{len(self.events):016}"

    def _moment(self) -> float:
        return NOON + len(self.events)

    async def metrics(self, query: MetricsQuery = MetricsQuery()) -> Metrics:
        running = [task for task in self.tasks.values() if task.pid and not task.done]
        uses = [
            SessionUse(
                session=f"{task.session}{part}",
                owner=task.id,
                processes=place,
                rss_bytes=place * 70 << 20,
                cpu=0.25,
            )
            for place, task in enumerate(running, 1)
            for part in ("", "-c0")
        ]
        now = Sample(at=NOON, span=1.0, tasks_per_second=0.5, sessions=tuple(uses))
        before = tuple(replace(now, at=NOON - ago, queued=ago % 7) for ago in range(40, 0, -1))
        samples = tuple(
            one for one in (*before, now) if query.since is None or one.at > query.since
        )
        return Metrics(now, samples, Totals(since=NOON))


def _refused(new: NewTask) -> TaskSpec:
    raise FolderMissing(f"there is no folder {new.folder or '/src/gone'}")


async def _posed() -> FakeControl:
    control = Posing()
    ids: list[str] = []
    for name, after in NAMES.items():
        spec = TaskSpec(
            command=("make", name), name=name, cwd="/src", after=tuple(ids[at] for at in after)
        )
        ids.append((await control.submit(spec)).id)
    for task in ids[:4]:
        control.start(task)
    control.asks(ids[0], "May I run `rm -rf build`?")
    control.prints(ids[0], b"".join(b"line %d of what it prints\n" % line for line in range(40)))
    control.diffs[ids[0]] = PATCH
    control.ends(ids[2], 1)
    control.ends(ids[3], 0)
    return control


@pytest.fixture(autouse=True)
def _in_greenwich(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Times of day are those of one place."""
    with monkeypatch.context() as changed:
        changed.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


async def _drawn(app: Cockpit, pilot: Pilot[None], path: Path) -> None:
    """It looks as in the picture, which is drawn anew where that is wished for."""
    if os.environ.get("INSPAN_PICTURES") == "write":
        await pilot.pause(2)
        path.parent.mkdir(exist_ok=True)
        path.write_text(app.export_screenshot(title="inspan") + "\n")
        return
    wanted, drawn = path.read_text(), ""
    end = time.monotonic() + 20
    while drawn != wanted and time.monotonic() < end:
        await pilot.pause(0.05)
        drawn = app.export_screenshot(title="inspan") + "\n"
    assert drawn == wanted, path.name


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        *((name, SIZES) for name in SCREENS if name not in KEEP_THEIR_PLACE),
        *((name, [size]) for name in KEEP_THEIR_PLACE for size in SIZES),
    ],
)
async def test_a_screen_looks_as_it_did(name: str, sizes: list[tuple[int, int]]) -> None:
    of_goals = "goal" in name
    control = await posing.goals(Posing()) if of_goals else await _posed()
    app = Cockpit(control, clock=Still(), make=_refused)
    async with app.run_test(size=sizes[0]) as pilot:
        await until(pilot, lambda: isinstance(app.tasks.tasks.current, Task))
        if of_goals:
            await until(pilot, lambda: app.headway.of(min(app.known.tasks)) is not None)
        for key in SCREENS[name]:
            await pilot.press(key)
        for size in sizes:
            await pilot.resize_terminal(*size)
            await _drawn(app, pilot, PICTURES / f"{name}-{size[0]}x{size[1]}.svg")
