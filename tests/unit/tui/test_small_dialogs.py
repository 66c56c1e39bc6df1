"""The way by keys through the smaller dialogs: there, round and back; what they give."""

from __future__ import annotations

import pytest

from inspan.model.code import Wanted
from inspan.tui.dialogs.choice import ChoiceDialog
from inspan.tui.dialogs.confirm import ConfirmDialog
from inspan.tui.dialogs.error import ErrorDialog
from inspan.tui.dialogs.line import LineDialog, Typed
from tests.unit.tui.test_dialogs import SIZES, asked, path
from tests.unit.tui.test_tasks import until

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("E2")]


@pytest.mark.parametrize("size", SIZES)
async def test_the_way_through_a_confirmation_and_back(size: tuple[int, int]) -> None:
    async with asked(ConfirmDialog("Cancel", "Cancel it?", yes="Cancel it"), size) as (app, pilot):
        assert await path(app, pilot, "tab", 2) == ["no", "yes", "no"]
        assert await path(app, pilot, "shift+tab", 2) == ["no", "yes", "no"]


@pytest.mark.parametrize("size", SIZES)
async def test_the_way_through_an_error_and_back(size: tuple[int, int]) -> None:
    dialog = ErrorDialog("Trouble", "It went wrong.", advice="Mend it.", details="a\n" * 40)
    async with asked(dialog, size) as (app, pilot):
        # What does not fit can be scrolled to by keys.
        assert await path(app, pilot, "tab", 2) == ["close", None, "close"]
        await pilot.press("enter")
        await until(pilot, lambda: app.given)
        assert (app.given, app.held) == ([None], "b")


@pytest.mark.parametrize(("keys", "given"), [(["down", "enter"], "b"), (["escape"], None)])
async def test_the_way_through_a_choice_and_what_it_gives(
    keys: list[str], given: str | None
) -> None:
    dialog = ChoiceDialog("Restore", "Which?", [("a", "the first"), ("b", "[red]the second[/]")])
    async with asked(dialog, (60, 16)) as (app, pilot):
        assert await path(app, pilot, "tab", 2) == ["choices"] * 3
        await pilot.press(*keys)
        await until(pilot, lambda: app.given)
        assert (app.given, app.held) == ([given], "b")


@pytest.mark.parametrize(
    ("keys", "given"),
    [
        (["x", "enter"], Typed("x")),
        (["x", "tab", "enter"], Typed("x")),
        (["x", "tab", "tab", "enter"], Typed(None)),
        (["x", "ctrl+d"], Typed(None)),
        (["x", "escape"], None),
    ],
)
async def test_the_way_through_a_line_and_what_it_gives(
    keys: list[str], given: Typed | None
) -> None:
    dialog = LineDialog(Wanted("c1", "r1", "Name? ", password=True), "data")
    async with asked(dialog, (60, 16)) as (app, pilot):
        assert await path(app, pilot, "tab", 3) == ["words", "give", "end", "words"]
        assert await path(app, pilot, "shift+tab", 3) == ["words", "end", "give", "words"]
        await pilot.press(*keys)
        await until(pilot, lambda: app.given)
        assert (app.given, app.held) == ([given], "b")
