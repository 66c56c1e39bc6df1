"""An image that a cell showed: one line that tells it, and below that the image in half-blocks.

A half-block has two colours, so that any terminal with colours draws two points in each place of a
character. The image is a stranger's: only three formats are read, only so many points, and one that
is broken, cut short or huge is a line that says so, never an error. It never knows who shows it.
"""

from __future__ import annotations

import base64
import binascii
import json
import logging
import math
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from inspan.settings.figures import show_size
from inspan.terminal.sanitize import one_line

if TYPE_CHECKING:
    from PIL.Image import Image

log = logging.getLogger(__name__)

#: What is drawn, as Pillow names it. Each format is a parser of strangers' bytes: no more of them.
_FORMATS: Final = {"image/png": "PNG", "image/jpeg": "JPEG", "image/gif": "GIF"}
#: Of one that is decoded, in base64, and its points: a photograph, and 70 MB while that is done.
BYTES_MOST, POINTS_MOST = 16 << 20, 24_000_000
#: Points in a row and in a column that are kept of it: no terminal's room is larger for one.
_KEPT: Final = 200
#: What shines through one that is not opaque: figures are made for paper.
_PAPER: Final = (255, 255, 255, 255)
#: Where a PNG and a GIF say how large they are.
_PNG, _GIF = b"\x89PNG\r\n\x1a\n", b"GIF8"
_HEAD: Final = 64

Point: TypeAlias = tuple[int, int, int]
#: In each place the upper point and the lower one, which the last row may not have.
Row: TypeAlias = list[tuple[Point, Point | None]]


class Picture:
    """One image. ``decode`` is for a thread; all else is quick."""

    def __init__(self, kind: str, content: object) -> None:
        self._kind = kind
        #: What tells it, drawn or not.
        self.line = told(kind, content)
        self._content = content if isinstance(content, str) and kind in _FORMATS else ""
        #: Its points, where they are known: those of the one before it, until it is decoded.
        self.points: Image | None = None

    @property
    def held(self) -> int:
        """Characters that wait to be decoded; none where there is nothing to decode."""
        return len(self._content)

    def instead_of(self, other: Picture) -> None:
        """The other one is seen until this one can be, as of a figure that moves."""
        if self._content:
            self.points = other.points

    def forget(self) -> None:
        """From now on it is the line alone."""
        self._content, self.points = "", None

    def decode(self) -> None:
        """Make points of it, or have the line say why there are none."""
        content = self._content
        if not content:
            return
        points, why = None, "it cannot be drawn"
        try:
            points = _decoded(content, _FORMATS[self._kind])
        except Exception as error:  # noqa: BLE001 - whatever a stranger's bytes make a parser do
            if isinstance(error, _TooLargeError) or "Decompression" in type(error).__name__:
                why = "it is too large to be drawn"
            log.debug("an image that cannot be drawn: %r", error)
        if self._content:  # else it was forgotten meanwhile
            self.points, self._content = points, ""
        if points is None:
            self.line += f": {why}"


def fitted(points: Image, columns: int, rows: int) -> tuple[int, int]:
    """The columns and rows that it takes of so many: all it can, and never more than it has."""
    width, height = _points(points, columns, rows)
    return width, math.ceil(height / 2)


def blocks(points: Image, columns: int, rows: int) -> list[Row]:
    """Its rows, in so much room."""
    from PIL.Image import Resampling  # noqa: PLC0415 - it was imported when this was decoded

    wide, high = _points(points, columns, rows)
    data = points.resize((wide, high), Resampling.BOX).tobytes()
    each = [(data[at], data[at + 1], data[at + 2]) for at in range(0, len(data), 3)]
    lines = [each[at : at + wide] for at in range(0, len(each), wide)]
    lines += [[]] * (len(lines) % 2)
    return [list(zip_longest(*pair)) for pair in zip(lines[::2], lines[1::2], strict=True)]


def _points(points: Image, columns: int, rows: int) -> tuple[int, int]:
    width, height = points.size
    scale = min(1.0, columns / width, rows * 2 / height)
    return max(1, round(width * scale)), max(1, round(height * scale))


class _TooLargeError(Exception):
    """It has more points than are decoded."""


def _decoded(content: str, form: str) -> Image:
    """Its first frame on paper, as small as it is kept. Raises whatever its parser raises."""
    from io import BytesIO  # noqa: PLC0415

    from PIL import Image  # noqa: PLC0415 - it takes its time: only who sees an image waits for it

    if len(content) > BYTES_MOST:
        raise _TooLargeError
    with Image.open(BytesIO(base64.b64decode(content)), formats=(form,)) as image:
        if image.width * image.height > POINTS_MOST:
            raise _TooLargeError
        image.draft("RGB", (_KEPT, _KEPT))  # of a JPEG so much as is needed
        made: Any = image
        if made.mode.startswith("I"):  # 16 bits for a point, of which Pillow would cut the upper
            made = made.convert("I").point(lambda value: value / 256).convert("L")
        if made.has_transparency_data:
            made = made.convert("RGBA")
            made = Image.alpha_composite(Image.new("RGBA", made.size, _PAPER), made)
        made = made.convert("RGB")
        made.thumbnail((_KEPT, _KEPT), Image.Resampling.BOX)
        small: Image.Image = made
        return small


def told(kind: str, content: object) -> str:
    """Its kind, its size in points where that can be told, and in bytes."""
    words = [one_line(kind, 40)]
    if isinstance(content, str) and kind != "image/svg+xml":
        size = _size(content)
        words += [f"{size[0]}×{size[1]}"] if size else []
        words.append(show_size(len(content) * 3 // 4))
    else:
        words.append(weight(content))
    return ", ".join(words)


def _size(content: str) -> tuple[int, int] | None:
    try:
        head = base64.b64decode(content[:_HEAD].replace("\n", "")[: _HEAD // 4 * 4 - 4])
    except (binascii.Error, ValueError):
        return None
    if head.startswith(_PNG) and head[12:16] == b"IHDR":
        return int.from_bytes(head[16:20]), int.from_bytes(head[20:24])
    if head.startswith(_GIF):
        return int.from_bytes(head[6:8], "little"), int.from_bytes(head[8:10], "little")
    return None


def weight(content: object) -> str:
    """How large that is."""
    try:
        text = content if isinstance(content, str) else json.dumps(content)
    except (TypeError, ValueError):
        return ""
    return show_size(len(text.encode(errors="replace")))
