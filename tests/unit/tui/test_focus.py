"""Who gets the keyboard, and who is refused it; in each way in which a dialog can come and go."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from textual.app import App, ComposeResult
from textual.containers import Vertical
from textual.pilot import Pilot
from textual.screen import ModalScreen
from textual.widgets import Input

from inspan.tui.focus import DELAY, PAUSE, TYPING, By, FocusManager
from tests.fakes.clock import FakeClock

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("E2")]


class Asking(ModalScreen[None]):
    """A dialog with two fields."""

    def compose(self) -> ComposeResult:
        yield Input(id="x")
        yield Input(id="y")


class Host(App[None]):
    """Three fields, the last in a box."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.manager = FocusManager(self, self.clock)

    def compose(self) -> ComposeResult:
        yield Input(id="a")
        yield Input(id="b")
        with Vertical(id="box"):
            yield Input(id="c")

    def field(self, name: str) -> Input:
        return self.screen_stack[0].query_one(f"#{name}", Input)

    def heard(self) -> bool:
        """Whether programs are heard."""
        return not self.manager.is_open

    @property
    def held(self) -> str | None:
        """Who has the focus of the screen below all dialogs."""
        focused = self.screen_stack[0].focused
        return None if focused is None else focused.id


@asynccontextmanager
async def shown() -> AsyncIterator[tuple[Host, Pilot[Any]]]:
    app = Host()
    async with app.run_test() as pilot:
        await pilot.pause()
        yield app, pilot


async def all_of(app: Host, *requests: Awaitable[bool], seconds: float = DELAY) -> list[bool]:
    """What requests that are made at once, in this order, come to when that time has passed."""
    results: list[bool | None] = [None] * len(requests)

    async def one(place: int, request: Awaitable[bool]) -> None:
        results[place] = await request

    async with anyio.create_task_group() as group:
        for place, request in enumerate(requests):
            group.start_soon(one, place, request)
        await app.clock.advance(seconds)
    return [bool(result) for result in results]


async def test_of_two_requests_at_once_the_first_is_true_and_the_second_false() -> None:
    async with shown() as (app, _):
        request = app.manager.request
        results = await all_of(app, request(app.field("b")), request(app.field("c")))
        assert results == [True, False]
        assert app.held == "b"
        assert (app.manager.counts.made, app.manager.counts.refused) == (1, 1)
        # When it is over the next is heard again.
        assert await all_of(app, request(app.field("c"))) == [True]
        assert app.held == "c"


async def test_it_moves_after_the_delay_and_not_before() -> None:
    async with shown() as (app, _), anyio.create_task_group() as group:
        group.start_soon(lambda: app.manager.request(app.field("b"), delay=0.2))
        await app.clock.advance(0.19)
        assert (app.held, app.manager.is_changing) == ("a", True)
        await app.clock.advance(0.02)
        assert (app.held, app.manager.is_changing) == ("b", False)


async def test_a_change_can_be_called_off_during_its_delay() -> None:
    async with shown() as (app, _):
        results: list[bool] = []

        async def request() -> None:
            results.append(await app.manager.request(app.field("b"), delay=0.2))

        assert not app.manager.cancel_active_focus()
        async with anyio.create_task_group() as group:
            group.start_soon(request)
            await app.clock.advance(0.1)
            assert app.manager.cancel_active_focus()
        await app.clock.advance(1)
        assert (results, app.held) == ([False], "a")
        assert app.manager.counts.cancelled == 1
        assert await all_of(app, app.manager.request(app.field("b"))) == [True]


async def test_who_asks_and_is_cancelled_itself_leaves_the_way_free() -> None:
    async with shown() as (app, _):
        with anyio.move_on_after(0):
            await app.manager.request(app.field("b"), delay=5)
        assert not app.manager.is_changing
        assert await all_of(app, app.manager.request(app.field("c"))) == [True]


@pytest.mark.parametrize("what", ["gone", "hidden", "in a hidden box", "disabled", "invisible"])
async def test_a_widget_that_cannot_have_it_is_dropped_and_counted(what: str) -> None:
    async with shown() as (app, _):
        widget, box = app.field("c"), app.query_one("#box")
        match what:
            case "gone":
                await widget.remove()
            case "hidden":
                widget.display = False
            case "in a hidden box":
                box.display = False
            case "disabled":
                box.disabled = True
            case _:
                widget.visible = False
        assert await all_of(app, app.manager.request(widget)) == [False]
        assert (app.held, app.manager.counts.dropped) == ("a", 1)


async def test_what_happens_below_a_dialog_never_moves_the_focus_there() -> None:
    async with shown() as (app, pilot):
        app.field("b").focus()
        await pilot.pause()
        await app.push_screen(Asking())
        assert await all_of(app, app.manager.request(app.field("a"))) == [False]
        assert await all_of(app, app.manager.request(app.field("c"), by=By.PERSON)) == [False]
        assert app.held == "b"
        assert app.manager.counts.dropped == 2
        app.pop_screen()
        await pilot.press("k")
        assert app.field("b").value == "k"


async def test_a_dialog_that_opens_during_the_delay_keeps_the_focus_below_where_it_was() -> None:
    async with shown() as (app, _):
        results: list[bool] = []

        async def request() -> None:
            results.append(await app.manager.request(app.field("b"), delay=0.2))

        async with anyio.create_task_group() as group:
            group.start_soon(request)
            await app.clock.advance(0.1)
            await app.push_screen(Asking())
            await app.clock.advance(0.2)
        assert (results, app.held) == ([False], "a")


async def test_within_a_dialog_the_focus_moves() -> None:
    async with shown() as (app, _):
        dialog = Asking()
        await app.push_screen(dialog)
        assert await all_of(app, app.manager.request(dialog.query_one("#y"))) == [True]
        assert dialog.focused is dialog.query_one("#y")
        assert app.held == "a"


async def test_a_dialog_that_closes_during_the_delay_takes_its_request_along() -> None:
    async with shown() as (app, pilot):
        dialog = Asking()
        await app.push_screen(dialog)
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: app.manager.request(dialog.query_one("#y"), delay=0.2))
            await app.clock.advance(0.1)
            app.pop_screen()
            await pilot.pause()
            await app.clock.advance(0.2)
        assert (app.held, app.manager.counts.dropped) == ("a", 1)


async def test_who_types_is_not_disturbed_by_programs() -> None:
    async with shown() as (app, _):
        app.manager.noticed_key()
        request = app.manager.request
        assert await all_of(app, request(app.field("b"))) == [False]
        # What follows from the key itself is not held up by it.
        assert await all_of(app, request(app.field("c"), by=By.PERSON)) == [True]
        await app.clock.advance(TYPING)
        assert await all_of(app, request(app.field("b"))) == [True]


async def test_a_quarrel_of_programs_opens_the_circuit_for_a_while_but_not_to_a_person() -> None:
    async with shown() as (app, _):
        request = app.manager.request
        many = [request(app.field("b")) for _ in range(6)]
        assert await all_of(app, *many) == [True, *[False] * 5]
        assert not app.heard()
        assert await all_of(app, request(app.field("c"))) == [False]
        assert await all_of(app, request(app.field("c"), by=By.PERSON)) == [True]
        await app.clock.advance(PAUSE)
        assert app.heard()
        assert await all_of(app, request(app.field("a"))) == [True]


async def test_a_few_refusals_over_a_long_time_are_no_quarrel() -> None:
    async with shown() as (app, _):
        for _ in range(8):
            await all_of(app, *[app.manager.request(app.field("b")) for _ in range(2)], seconds=0.5)
        assert app.heard()


async def test_after_the_end_nothing_moves() -> None:
    async with shown() as (app, _):
        results: list[bool] = []

        async def request() -> None:
            results.append(await app.manager.request(app.field("b")))

        async with anyio.create_task_group() as group:
            group.start_soon(request)
            await anyio.wait_all_tasks_blocked()
            app.manager.close()
        results.append(await app.manager.request(app.field("b")))
        assert (results, app.held) == ([False, False], "a")


# ── where it is after a dialog ────────────────────────────────────────────────


async def test_it_returns_where_it_was() -> None:
    async with shown() as (app, pilot):
        app.field("c").focus()
        await pilot.pause()
        below, before = app.screen, app.screen.focused
        await app.push_screen(Asking())
        await pilot.press("tab")
        app.pop_screen()
        await pilot.pause()
        app.manager.settle(below, before)
        assert app.held == "c"


async def test_where_the_thing_behind_is_gone_another_has_it() -> None:
    async with shown() as (app, pilot):
        app.field("c").focus()
        await pilot.pause()
        below, before = app.screen, app.screen.focused
        await app.push_screen(Asking())
        await below.query_one("#c").remove()
        app.pop_screen()
        await pilot.pause()
        app.manager.settle(below, before)
        assert app.held in {"a", "b"}


async def test_where_all_behind_was_replaced_the_first_of_the_new_has_it() -> None:
    async with shown() as (app, pilot):
        below, before = app.screen, app.screen.focused
        await app.push_screen(Asking())
        await below.query(Input).remove()
        await below.mount(Input(id="n"), Input(id="m"))
        app.pop_screen()
        await pilot.pause()
        app.manager.settle(below, before)
        assert app.held == "n"
        await pilot.press("k")
        assert app.field("n").value == "k"


async def test_where_another_dialog_is_there_nothing_below_is_touched() -> None:
    async with shown() as (app, pilot):
        below, before = app.screen, app.field("b")
        await app.push_screen(Asking())
        await pilot.pause()
        app.manager.settle(below, before)
        assert app.held == "a"


async def test_where_no_screen_is_shown_yet_nobody_gets_the_focus() -> None:
    app = Host()
    assert not await app.manager.request(Input(), delay=0.0)
    assert (app.manager.counts.dropped, app.manager.counts.made) == (1, 0)
