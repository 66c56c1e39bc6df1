"""Lines that change often: what is drawn of them, and how much."""

from __future__ import annotations

import pytest
from rich.text import Text
from textual.app import App, ComposeResult
from textual.geometry import Region

from inspan.tui.lines import Lines, Pair

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("E4")]


class Asked(Lines):
    """It remembers what was to be drawn anew."""

    def __init__(self) -> None:
        super().__init__("lines")
        self.rows: list[int] = []

    def refresh_line(self, y: int) -> None:
        self.rows.append(y)
        super().refresh_line(y)


class OfLines(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.lines = Asked()

    def compose(self) -> ComposeResult:
        yield self.lines


def _seen(app: OfLines) -> list[str]:
    region = Region(0, 0, app.size.width, app.size.height)
    return [strip.text.rstrip() for strip in app.lines.render_lines(region)]


async def test_a_line_is_wrapped_or_cut_as_its_text_says() -> None:
    app = OfLines()
    async with app.run_test(size=(12, 8)) as pilot:
        cut = Text("one line of many words", no_wrap=True, overflow="ellipsis")
        app.lines.fill([Text("some words that go on"), Text(), cut])
        await pilot.pause()
        assert _seen(app)[:4] == ["some words", "that go on", "", "one line of…"]
        await pilot.resize_terminal(40, 8)
        await pilot.pause()
        assert _seen(app)[:3] == ["some words that go on", "", "one line of many words"]


async def test_what_does_not_fit_beside_its_word_goes_on_below_what_does() -> None:
    app = OfLines()
    async with app.run_test(size=(24, 8)) as pilot:
        app.lines.fill([Pair("asks", "May I run the tests of all?", 8), Pair("role", "worker", 8)])
        await pilot.pause()
        assert _seen(app)[:3] == [
            "asks    May I run the",
            "        tests of all?",
            "role    worker",
        ]
        await pilot.resize_terminal(16, 8)  # no room beside it
        await pilot.pause()
        assert _seen(app)[:3] == ["asks    May I", "run the tests of", "all?"]


async def test_only_what_is_otherwise_is_drawn_anew() -> None:
    app = OfLines()
    async with app.run_test(size=(40, 8)) as pilot:
        app.lines.fill(Text(f"line {at}") for at in range(5))
        await pilot.pause()
        app.lines.rows.clear()
        app.lines.fill(Text("other" if at == 3 else f"line {at}") for at in range(5))
        assert app.lines.rows == [3]
        app.lines.fill(Text(f"line {at}") for at in range(3))
        assert app.lines.rows == [3, 3, 4]
        await pilot.pause()
        assert _seen(app)[:4] == ["line 0", "line 1", "line 2", ""]


async def test_what_does_not_fit_is_scrolled() -> None:
    app = OfLines()
    async with app.run_test(size=(40, 8)) as pilot:
        app.lines.fill(Text(f"line {at}") for at in range(30))
        await pilot.pause()
        app.lines.scroll_end(animate=False)
        await pilot.pause()
        assert _seen(app)[-1] == "line 29"
