"""The line with the keys tells those of use now, cuts what there is no room for, and is clicked."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from inspan.tui.app import Cockpit
from inspan.tui.keyline import Keyline, Part
from inspan.tui.screens.help import Help
from tests.fakes.control import FakeControl
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


async def test_the_palette_stands_at_the_right_end_and_the_rest_is_cut_before_it() -> None:
    app = Cockpit(FakeControl())
    async with app.run_test(size=(120, 30)) as pilot:
        line = await _ready(pilot, app)
        wide = line.render_line(0).text
        assert wide.startswith(" ⏎ Open  n New ")
        assert wide.endswith("▏^p palette ")
        assert len(wide) == 120
        await pilot.resize_terminal(40, 30)
        await until(pilot, lambda: line.size.width == 40)
        narrow = line.render_line(0).text
        assert narrow == wide[:28] + "▏^p palette "


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
