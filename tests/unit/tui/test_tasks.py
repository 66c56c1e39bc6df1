"""The screen with all tasks, over a Control in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from textual.pilot import Pilot

from inspan.model.task import Task, TaskSpec
from inspan.tui.app import Cockpit
from inspan.tui.dialogs.confirm import ConfirmDialog
from inspan.tui.dialogs.newtask import NewTaskDialog
from tests.fakes.control import FakeControl

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("E4")]


@asynccontextmanager
async def opened(
    control: FakeControl, size: tuple[int, int] = (120, 30), *, colourless: bool = False
) -> AsyncIterator[tuple[Cockpit, Pilot[None]]]:
    app = Cockpit(control, colourless=colourless)
    async with app.run_test(size=size) as pilot:
        yield app, pilot


async def until(pilot: Pilot[None], wanted: Callable[[], object]) -> None:
    """Wait for a condition, as long as a test may take."""
    while not wanted():
        await pilot.pause(0.01)


def seen(app: Cockpit) -> str:
    """What is on the screen."""
    return "\n".join(
        "".join(segment.text for segment in line) for line in app.screen._compositor.render_strips()
    )


async def _add(control: FakeControl, name: str) -> str:
    return (await control.submit(TaskSpec(command=("work",), name=name, cwd="/"))).id


async def test_a_task_is_seen_moves_by_its_events_and_stays_selected() -> None:
    control = FakeControl()
    first, second = await _add(control, "the first"), await _add(control, "the second")
    async with opened(control) as (app, pilot):
        await until(pilot, lambda: "the second" in seen(app))
        app.tasks.tasks.select(first)
        steps: list[Callable[[str], Task]] = [
            control.start,
            lambda task: control.asks(task, "Go on?"),
            control.ends,
        ]
        for step in steps:
            step(first)
            await until(pilot, lambda: f"{control.tasks[first].state} " in seen(app))
            assert app.tasks.tasks.selected == first
        await until(pilot, lambda: "Done 1" in seen(app))
        assert second in app.tasks.tasks.listing


async def test_what_a_task_says_of_itself_is_text() -> None:
    control = FakeControl()
    evil = "[red]not red[/red] \x1b[31m[@click=app.quit]x[/] \x1b]0;title\x07"
    task = await _add(control, evil)
    control.start(task)
    control.prints(task, b"[bold]printed[/bold] \x1b[2J[@click=app.quit]y[/]\n")
    async with opened(control) as (app, pilot):
        await until(pilot, lambda: "[bold]printed[/bold] [@click=app.quit]y[/]" in seen(app))
        assert seen(app).count("[red]not red[/red] [@click=app.quit]x[/]") == 2
        assert "\x1b" not in seen(app)


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (20, 5)])
async def test_it_starts_and_quits_in_every_size(size: tuple[int, int]) -> None:
    control = FakeControl()
    await _add(control, "a task")
    async with opened(control, size) as (app, pilot):
        await until(pilot, lambda: ("too small" if size[0] == 20 else "a task") in seen(app))
        await pilot.press("q")
    assert app.return_code == 0
    assert control.watching == 0


async def test_each_screen_can_be_reached_from_each_and_the_way_back_stays_short() -> None:
    control = FakeControl()
    control.start(await _add(control, "a task"))
    async with opened(control) as (app, pilot):
        await until(pilot, lambda: app.tasks.tasks.current is not None)
        for keys in ("g", "p", "g", "S", "K", "L", "S", "g", "p", "K"):
            before = app.screen
            await pilot.press(keys)
            await until(pilot, lambda before=before: app.screen is not before)  # type: ignore[misc]
        assert len(app.screen_stack) <= 2 + 5
        await pilot.press("S", "g", "p")
        assert not app.complaints.is_showing
        for _ in range(len(app.screen_stack) - 2):
            await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.tasks)
        # The same task again over itself, by another way.
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is not app.tasks)
        app.open_task(app.tasks.tasks.selected or "")
        await until(pilot, lambda: len(app.screen_stack) == 4)
        assert not app.complaints.is_showing


async def test_the_header_goes_on_behind_a_dialog() -> None:
    control = FakeControl()
    await _add(control, "the first")
    async with opened(control) as (app, pilot):
        await until(pilot, lambda: isinstance(app.tasks.tasks.current, Task))
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        app.tasks.header.draw(None)
        assert "tasks/s" not in str(app.tasks.header.render())
        await until(pilot, lambda: "tasks/s" in str(app.tasks.header.render()))
        assert isinstance(app.screen, ConfirmDialog)


async def test_a_search_that_finds_nothing_says_so_and_costs_nobody_the_place() -> None:
    control = FakeControl()
    tasks = [await _add(control, f"number {number}") for number in range(5)]
    async with opened(control) as (app, pilot):
        listing = app.tasks.tasks.listing
        await until(pilot, lambda: None not in map(listing.place, tasks))
        app.tasks.tasks.select(tasks[1])
        await pilot.press("slash")
        await until(pilot, lambda: app.focused is app.tasks.words)
        await pilot.press(*"!!!")  # a letter may be in somebody's id, which is searched too
        await until(pilot, lambda: "No task has these words." in seen(app))
        await pilot.press("escape")
        await until(pilot, lambda: app.tasks.tasks.selected == tasks[1] and "number 4" in seen(app))
        assert "No task" not in seen(app)


async def test_a_task_is_handed_in_by_its_key_and_is_selected_then() -> None:
    control = FakeControl()
    before = (await control.submit_running()).id
    app = Cockpit(control, make=lambda new: TaskSpec(command=(new.what,), cwd="/"))
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.tasks.tasks.selected == before)
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, NewTaskDialog))
        await pilot.pause()
        await pilot.press(*"true", "enter")
        await until(pilot, lambda: app.tasks.tasks.selected not in (None, before))
        assert app.tasks.tasks.current is not None
        assert app.tasks.tasks.current.spec.command == ("true",)


async def test_a_new_task_is_not_selected_where_somebody_selects_another_first() -> None:
    control = FakeControl()
    for _ in range(2):
        await control.submit_running()
    async with opened(control) as (app, pilot):
        tasks = app.tasks.tasks
        await until(pilot, lambda: len(app.known.tasks) == 2)
        new = await control.submit(TaskSpec(command=("new",), cwd="/"))
        tasks.expect(new.id)
        tasks.action_edge(1)
        selected = tasks.selected
        await until(pilot, lambda: tasks.listing.place(new.id) is not None)
        assert tasks.selected == selected
