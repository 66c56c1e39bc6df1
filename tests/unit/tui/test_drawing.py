"""What is mended of how Textual draws: once, and with what was looked up once."""

from __future__ import annotations

from typing import Any

import pytest
from rich.segment import Segment
from rich.style import Style
from textual.app import App, ComposeResult
from textual.dom import DOMNode
from textual.geometry import Region
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from inspan.tui import quirks

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("E4")]


@pytest.fixture(autouse=True)
def _mended() -> None:
    quirks.mend()


#: The words of the lines that there is room for below one row.
LINES = [word for number in range(9) for word in ("line", str(number))]


class _Lines(Widget):
    """It keeps the style that each of its lines was drawn with."""

    DEFAULT_CSS = "_Lines { height: 1fr; background: $background; color: $foreground; }"

    def __init__(self) -> None:
        super().__init__()
        self.styled: list[Style] = []
        self.drawn: list[int] = []
        self.looked_around = 0

    @property
    def ancestors_with_self(self) -> list[DOMNode]:
        self.looked_around += 1
        return super().ancestors_with_self

    def render_line(self, y: int) -> Strip:
        self.styled.append(self.rich_style)
        self.drawn.append(y)
        return Strip([Segment(f"line {y}", self.rich_style)])


class _Kept(Screen[None]):
    def __init__(self) -> None:
        super().__init__()
        self.lines = _Lines()
        self.word = Static("a word")
        self.dressed = 0
        self.drawn: list[int] = []

    def render_line(self, y: int) -> Strip:
        self.drawn.append(y)
        return super().render_line(y)

    def compose(self) -> ComposeResult:
        yield self.word
        yield self.lines

    def update_node_styles(self, animate: bool = True) -> None:
        self.dressed += 1
        super().update_node_styles(animate)


class _Shown(App[None]):
    """It counts what it draws."""

    drawn = 0

    def _display(self, screen: Screen[Any], renderable: Any) -> None:
        self.drawn += renderable is not None
        super()._display(screen, renderable)


def _there(screen: _Kept) -> str:
    """What the compositor has of it."""
    return "\n".join(strip.text for strip in screen._compositor.render_strips())


async def test_what_is_laid_out_and_drawn_whole_is_drawn_once() -> None:
    app = _Shown()
    async with app.run_test(size=(40, 10)) as pilot:
        screen = _Kept()
        await app.push_screen(screen)
        await pilot.pause()
        before = app.drawn
        screen.word.update("another word")
        screen.refresh()
        await pilot.pause()
        assert _there(screen).split() == ["another", "word", *LINES]
        assert app.drawn == before + 1
        screen.word.update("two words\nin two rows")
        screen.refresh()
        await pilot.pause()
        assert _there(screen).split() == ["two", "words", "in", "two", "rows", *LINES[:-2]]


async def test_a_screen_that_is_gone_to_again_keeps_its_styles_until_the_theme_is_another() -> None:
    app = _Shown()
    async with app.run_test(size=(40, 10)) as pilot:
        screen = _Kept()
        app.install_screen(screen, "kept")
        for _ in range(3):
            await app.push_screen(screen)
            await pilot.pause()
            await app.pop_screen()
            await pilot.pause()
        assert screen.dressed == 1
        dark = screen.lines.styled[-1]
        app.theme = "textual-light"
        await pilot.pause()
        await app.push_screen(screen)
        await pilot.pause()
        assert screen.dressed == 2
        assert screen.lines.styled[-1] != dark
        assert screen.lines.styled[-1] == screen.lines.rich_style


async def test_of_what_is_behind_and_beside_only_those_lines_are_drawn_that_are_seen() -> None:
    app = _Shown()
    async with app.run_test(size=(40, 10)) as pilot:
        screen = _Kept()
        await app.push_screen(screen)
        await pilot.pause()
        lines = screen.lines
        behind, drawn = screen.drawn, lines.drawn
        behind.clear()
        drawn.clear()
        screen.refresh()
        lines.refresh()
        await pilot.pause()
        assert _there(screen).split() == ["a", "word", *LINES]
        assert not behind  # all of it is covered
        assert drawn == list(range(9))
        drawn.clear()
        lines.refresh(Region(0, 3, 40, 2))
        await pilot.pause()
        assert drawn == [3, 4]
        lines.styles.width = 10
        lines.styles.height = 4
        await pilot.pause()
        rows = _there(screen).splitlines()
        assert [row.rstrip() for row in rows] == [
            "a word",
            *(f"line {n}" for n in range(4)),
            *5 * [""],
        ]
        assert {len(row) for row in rows} == {40}
        assert set(behind) == set(range(1, 10))


async def test_the_style_of_a_widget_is_put_together_once_for_all_its_lines() -> None:
    app = _Shown()
    async with app.run_test(size=(40, 10)) as pilot:
        screen = _Kept()
        await app.push_screen(screen)
        await pilot.pause()
        lines = screen.lines
        lines.styled.clear()
        before = lines.looked_around
        lines.refresh()
        await pilot.pause()
        assert len(lines.styled) == 9
        few = lines.looked_around - before
        assert few < len(lines.styled), few
        lines.styles.color = "red"
        await pilot.pause()
        assert lines.styled[-1] == lines.rich_style
        assert lines.styled[-1].color != lines.styled[0].color
