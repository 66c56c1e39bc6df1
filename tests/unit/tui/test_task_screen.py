"""All of one task on a screen: its facts, its terminal, and what is done with it by keys."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest
from textual.pilot import Pilot

from inspan.model import event as e
from inspan.model.agent import Usage
from inspan.model.budget import Budget
from inspan.model.session import Times
from inspan.model.task import (
    Exit,
    Reason,
    TaskSpec,
    TaskState,
    Workspace,
    WorkspaceKind,
)
from inspan.tui.app import Cockpit
from inspan.tui.dialogs.answer import AnswerDialog
from inspan.tui.screens.diff import Diff
from inspan.tui.screens.replay import ReplayScreen
from inspan.tui.screens.task import OneTask
from inspan.tui.screens.terminal import TerminalScreen
from tests.fakes.control import FakeControl
from tests.unit.tui.test_tasks import opened, seen, until

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("E4")]


@asynccontextmanager
async def looked_at(
    control: FakeControl, size: tuple[int, int] = (140, 50)
) -> AsyncIterator[tuple[Cockpit, Pilot[None], OneTask]]:
    async with opened(control, size) as (app, pilot):
        await until(pilot, lambda: app.tasks.tasks.current is not None)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, OneTask) and app.screen.is_mounted)
        screen = app.screen
        assert isinstance(screen, OneTask)
        yield app, pilot, screen


async def test_it_tells_all_that_is_known() -> None:
    control = FakeControl()
    spec = TaskSpec(
        command=("work",),
        name="mend it",
        cwd="/src",
        checks=("make lint", "make test"),
        budget=Budget(cost=2.0),
    )
    task = control.start((await control.submit(spec)).id)
    control.prints(task.id, b"it printed this\n")
    place = Workspace(WorkspaceKind.WORKTREE, "/trees/mend", "inspan/mend", "c0ffee" * 6, "/src")
    record = control._record
    record(task.id, e.WorkspaceReady(1, place))
    record(task.id, e.UsageCounted(1, Usage(read=1200, written=300, turns=4, cost=0.25)))
    record(task.id, e.Exited(1, Exit(0), 16))
    record(task.id, e.CheckEnded(1, "make lint", Exit(0), "c1"))
    record(task.id, e.CheckEnded(1, "make test", Exit(2), "c2"))
    record(task.id, e.Failed(1, Reason("check", "make test said no")))
    async with looked_at(control, (200, 60)) as (app, pilot, _):
        for words in [
            "make test said no (check)",
            "worktree    /trees/mend",
            "branch      inspan/mend, from c0ffeec0ffee on",
            "attempt 1   exit 0",
            "passed      make lint",
            "failed      make test, exit 2",
            "1200 tokens read, 300 written, 4 turns, $0.2500",
            "budget      $2.00",
            "agent.usage",
            "it printed this",
        ]:
            await until(pilot, lambda words=words: words in seen(app))  # type: ignore[misc]


async def test_it_tells_what_sets_its_workspace_up() -> None:
    control = FakeControl()
    task = await control.submit_running()
    place = Workspace(WorkspaceKind.WORKTREE, "/trees/mend", setup=("npm ci", "make db"))
    control._record(task.id, e.WorkspaceReady(1, place))
    control._record(task.id, e.SetupStarted(1, "npm ci", f"{task.id}-1-s0"))
    async with looked_at(control, (200, 60)) as (app, pilot, _):
        for words in ["setting up: npm ci (", "npm ci: runs", "make db: not run yet"]:
            await until(pilot, lambda words=words: words in seen(app))  # type: ignore[misc]


async def test_its_terminal_is_typed_into_and_follows_the_next_attempt() -> None:
    control = FakeControl()
    task = await control.submit_running()
    control.prints(task.id, b"first> ")
    async with looked_at(control) as (app, pilot, screen):
        await until(pilot, lambda: screen.pane is not None and "first>" in seen(app))
        await until(pilot, lambda: screen.pane is not None and app.focused is screen.pane.view)
        await pilot.press("a", "q", "D", "t", "escape", "ctrl+backslash")
        session = next(iter(control.sessions.values()))
        await until(pilot, lambda: session.typed == b"qDt\x1b")
        await control.interrupt(task.id)
        await control.resume(task.id)
        control.start(task.id)
        control.prints(task.id, b"second> ")
        await until(pilot, lambda: "second>" in seen(app) and "first>" not in seen(app))
        assert app.screen is screen


@pytest.mark.parametrize(("key", "kind"), [("t", TerminalScreen), ("r", ReplayScreen), ("d", Diff)])
async def test_its_other_screens_are_reached_by_their_keys_and_left(
    key: str, kind: type[object]
) -> None:
    control = FakeControl()
    task = await control.submit_running()
    control.prints(task.id, b"hello\n")
    control.diffs[task.id] = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-hello\n+hullo\n"
    async with looked_at(control) as (app, pilot, screen):
        await until(pilot, lambda: screen.pane is not None and "hello" in seen(app))
        await until(pilot, lambda: screen.pane is not None and app.focused is screen.pane.view)
        await pilot.press(key)
        await until(pilot, lambda: isinstance(app.screen, kind) and "hello" in seen(app))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen and "hello" in seen(app))


async def test_it_is_answered_and_interrupted_there() -> None:
    control = FakeControl()
    task = await control.submit_running()
    control.asks(task.id, "Go on?")
    async with looked_at(control) as (app, pilot, screen):
        await until(pilot, lambda: "Go on?" in seen(app))
        await pilot.press("A")
        await until(pilot, lambda: isinstance(app.screen, AnswerDialog) and app.focused)
        await pilot.pause()
        await pilot.press(*"yes", "enter")
        await until(pilot, lambda: control.tasks[task.id].state is TaskState.RUNNING)
        await until(pilot, lambda: app.screen is screen)
        await pilot.press("i")
        await until(pilot, lambda: control.tasks[task.id].state is TaskState.INTERRUPTED)
        await until(pilot, lambda: "interrupted" in seen(app))


async def test_a_task_that_never_began_says_so_and_one_that_is_deleted_stays() -> None:
    control = FakeControl()
    task = await control.submit(TaskSpec(command=("work",), name="to be deleted", cwd="/"))
    async with looked_at(control) as (app, pilot, screen):
        await until(pilot, lambda: "It has printed nothing yet." in seen(app))
        del control.tasks[task.id]
        app.known.forget(task.id)
        await pilot.press("escape", "enter")
        await until(pilot, lambda: app.screen is app.tasks)
        assert not app.complaints.is_showing
        del screen


async def test_in_a_low_terminal_the_facts_take_turns_with_the_terminal() -> None:
    control = FakeControl()
    task = await control.submit_running()
    control.prints(task.id, b"hello\n")
    async with looked_at(control, (44, 14)) as (app, pilot, screen):
        await until(pilot, lambda: screen.pane is not None and app.focused is screen.pane.view)
        await until(pilot, lambda: "hello" in seen(app) and "Attempts" not in seen(app))
        await pilot.press("D")
        await until(pilot, lambda: "Why" in seen(app) and app.focused is screen.detail)
        await pilot.press("D")
        await until(pilot, lambda: "hello" in seen(app) and "Why" not in seen(app))


async def test_more_events_than_a_page_are_told_to_the_last() -> None:
    control = FakeControl()
    task = await control.submit_running()
    for number in range(1500):
        usage = Usage(read=number, written=0, turns=1)
        control._record(task.id, e.UsageCounted(1, usage))
    control.asks(task.id, "the last of all")
    async with looked_at(control) as (app, pilot, screen):
        await until(pilot, lambda: screen._looked is not None)
        assert screen._looked is not None
        assert screen._looked.events[-1].kind == "task.needs_input"
        del app


async def test_who_scrolls_to_the_beginning_is_there_at_once() -> None:
    control = FakeControl()
    task = await control.submit_running()
    control.prints(task.id, b"".join(b"line %d\r\n" % n for n in range(500)))
    async with looked_at(control) as (app, pilot, screen):
        await until(pilot, lambda: "line 499" in seen(app))
        await until(pilot, lambda: screen.pane is not None and app.focused is screen.pane.view)
        await pilot.press("home")
        assert "line 0 " in seen(app)


async def test_lines_of_a_pipe_begin_at_the_left() -> None:
    control = FakeControl()
    task = await control.submit_running()
    control.prints(task.id, b"one\ntwo\nthree\n")
    async with looked_at(control) as (app, pilot, _):
        await until(pilot, lambda: "three" in seen(app))
        rows = seen(app).splitlines()
        assert [
            row.find(word) for row, word in zip(rows[1:], ["one", "two", "three"], strict=False)
        ] == [0, 0, 0]


class _Late(FakeControl):
    """What one session printed takes until it is told to come."""

    late = ""
    come: anyio.Event

    async def times(
        self, session: str, offset: int = 0, until: int | None = None, most: int = 1000
    ) -> Times:
        if self.late and session.startswith(self.late):
            await self.come.wait()
        return await super().times(session, offset, until, most)


async def test_the_terminal_of_another_task_is_never_seen_in_the_place_of_its_own() -> None:
    """The screen is made once: what Textual had kept of it was seen until there was more."""
    control = _Late()
    control.come = anyio.Event()
    names = ("first", "second")
    tasks = [
        (await control.submit(TaskSpec(command=("w",), name=name, cwd="/"))).id for name in names
    ]
    for task, name in zip(tasks, names, strict=True):
        control.start(task)
        control.prints(task, f"what the {name} prints\n".encode())
    async with opened(control, (140, 40)) as (app, pilot):
        await until(pilot, lambda: app.tasks.tasks.current is not None)
        for name, other in (("second", "first"), ("first", "second")):
            current = app.tasks.tasks.current
            if current is None or current.spec.name != name:
                await pilot.press("down")
            control.late = tasks[names.index(name)] if name == "first" else ""
            await pilot.press("enter")
            await _sees(app, pilot, f"│ {name}")
            assert f"what the {other} prints" not in seen(app)
            control.come.set()
            await _sees(app, pilot, f"what the {name} prints")
            control.come = anyio.Event()
            await pilot.press("escape")
            await until(pilot, lambda: app.screen is app.tasks)


async def _sees(app: Cockpit, pilot: Pilot[None], words: str) -> None:
    await until(pilot, lambda: words in seen(app))
