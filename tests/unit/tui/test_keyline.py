"""The line with the keys tells those of use now, cuts what there is no room for, and is clicked."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from inspan.tui.app import Cockpit
from inspan.tui.keyline import Keyline, Part
from inspan.tui.screens.help import Help
from tests.fakes.control import FakeControl
from tests.unit.tui import posing
from tests.unit.tui.test_diff_screen import PATCH
from tests.unit.tui.test_tasks import until

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("E4")]


def _line(app: Cockpit) -> Keyline:
    return app.screen_stack[1].query_one(Keyline)


def _said(app: Cockpit) -> set[str]:
    return {part.said for part in _line(app).parts}


async def _ready(pilot: Pilot[None], app: Cockpit) -> Keyline:
    await until(pilot, lambda: "Open" in _said(app))
    return _line(app)


async def test_where_others_are_of_use_others_are_told_and_nothing_is_laid_out() -> None:
    app = Cockpit(FakeControl())
    async with app.run_test(size=(120, 30)) as pilot:
        line = await _ready(pilot, app)
        assert "New" in _said(app)
        await pilot.press("slash")  # in the field other keys are of use
        await until(pilot, lambda: "Open" not in _said(app))
        await pilot.press("escape")
        await until(pilot, lambda: "Open" in _said(app))
        assert _line(app) is line
        assert not line.children


async def test_help_stands_at_the_right_end_and_what_has_no_room_is_left_out_whole() -> None:
    app = Cockpit(FakeControl())
    async with app.run_test(size=(120, 30)) as pilot:
        line = await _ready(pilot, app)
        wide = line.render_line(0).text
        assert wide.startswith(" ⏎ Open  n New ")
        assert wide.rstrip().endswith("▏? Help")
        assert "^p palette" in wide
        assert len(wide) == 120
        for columns, kept in [(80, " q Quit"), (44, " / Search"), (28, " n New")]:
            await pilot.resize_terminal(columns, 30)
            await until(pilot, lambda columns=columns: line.size.width == columns)  # type: ignore[misc]
            narrow = line.render_line(0).text
            assert narrow == f"{wide[: wide.index(kept) + len(kept)]:<{columns - 8}}▏? Help "


@pytest.mark.parametrize("of_goals", [False, True], ids=["task", "goal"])
@pytest.mark.parametrize("keys", ["", "enter", "enter g", "g", "S", "K", "p", "d", "L"])
async def test_in_eighty_columns_only_the_palette_may_be_left_out(
    keys: str, *, of_goals: bool
) -> None:
    control = FakeControl()
    if of_goals:
        await posing.goals(control)
    else:
        control.diffs[(await control.submit_running()).id] = PATCH
    app = Cockpit(control)
    async with app.run_test(size=(80, 24)) as pilot:
        await _ready(pilot, app)
        app.tasks.tasks.select(min(app.known.tasks))
        await pilot.press(*keys.split())
        line = app.screen.query_one(Keyline)
        await until(pilot, lambda: bool(line.parts) and app.screen.focused is not None)
        text = line.render_line(0).text
        assert text.endswith("▏? Help ")
        for part in line.parts:
            assert part.said == "palette" or f"{part.shown} {part.said} " in text


async def test_where_somebody_writes_the_palette_has_the_place_of_help() -> None:
    app = Cockpit(FakeControl())
    async with app.run_test(size=(80, 24)) as pilot:
        line = await _ready(pilot, app)
        await pilot.press("slash")
        await until(pilot, lambda: line.render_line(0).text.endswith("▏^p palette "))


async def test_a_click_presses_the_key_that_is_seen_there() -> None:
    app = Cockpit(FakeControl())
    async with app.run_test(size=(140, 30)) as pilot:
        line = await _ready(pilot, app)
        text = line.render_line(0).text
        await pilot.hover(Keyline, offset=(text.index("Help"), 0))
        await until(pilot, lambda: line.tooltip == "these keys")
        await pilot.click(Keyline, offset=(text.index("Help"), 0))
        await until(pilot, lambda: isinstance(app.screen, Help))


async def test_what_cannot_be_pressed_now_is_dim_and_rings(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Cockpit(FakeControl())
    async with app.run_test(size=(120, 30)) as pilot:
        line = await _ready(pilot, app)
        rung: list[bool] = []
        monkeypatch.setattr(app, "bell", lambda: rung.append(True))
        line.parts = [Part("question_mark", "?", "Help", enabled=False, tooltip="")]
        assert all(one.style and one.style.dim for one in list(line.render_line(0))[:2])
        await pilot.click(Keyline, offset=(2, 0))
        assert rung == [True]
        assert not isinstance(app.screen, Help)
