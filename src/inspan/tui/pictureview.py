"""Draws an image in half-blocks, in the room that there is: two points in each place.

Any terminal with colours can show them, and what lies over them or scrolls them is drawn as over
text. It never decodes, and draws nothing of an image but colours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget

from inspan.tui.picture import Picture, Row, blocks, fitted

if TYPE_CHECKING:
    from PIL.Image import Image

_HALF: Final = "▀"
#: Rows of the screen that are not an image's, so that all of it is seen at once; and its least.
_OTHERS, _LEAST = 12, 8


class PictureView(Widget):
    """One that has points."""

    ALLOW_SELECT: ClassVar[bool] = False
    DEFAULT_CSS = "PictureView { height: auto; width: 1fr; }"

    def __init__(self, picture: Picture) -> None:
        super().__init__()
        self._points = picture.points
        self._drawn: tuple[Image | None, Size, list[Strip]] = (None, Size(), [])

    def show(self, picture: Picture) -> None:
        """From now on it is this one."""
        if picture.points is not self._points:
            self._points = picture.points
            self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        del container
        if self._points is None:
            return 0
        return fitted(self._points, width, max(_LEAST, viewport.height - _OTHERS))[1]

    def render_line(self, y: int) -> Strip:
        if self._drawn[:2] != (self._points, self.size):
            self._drawn = (self._points, self.size, self._strips())
        strips = self._drawn[2]
        return strips[y] if y < len(strips) else Strip.blank(self.size.width, self.rich_style)

    def _strips(self) -> list[Strip]:
        if self._points is None or not self.size:
            return []
        width, height = self.size
        return [
            Strip(_segments(row, self.rich_style), len(row)).adjust_cell_length(
                width, self.rich_style
            )
            for row in blocks(self._points, width, height)
        ]


def _segments(row: Row, around: Style) -> list[Segment]:
    """Places that are alike are one."""
    made: list[Segment] = []
    begin = 0
    for end in range(1, len(row) + 1):
        if end == len(row) or row[end] != row[begin]:
            above, below = row[begin]
            back = around.bgcolor if below is None else Color.from_rgb(*below)
            style = Style(color=Color.from_rgb(*above), bgcolor=back)
            made.append(Segment(_HALF * (end - begin), style))
            begin = end
    return made
