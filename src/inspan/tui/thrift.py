"""Lines as Textual draws them, at less cost: a terminal that is never still makes thousands.

Each has seven caches that it hardly ever uses, and two of them may hold the line itself, so that it
stays until Python searches for what nobody holds. Here a cache is one thing that was asked last,
and no line holds itself. And the codes of a style are remembered by how it looks, not by all that
it carries: styles also tell the place of a cell, and sixteen thousand of them were kept. Nor are
the last sixteen thousand pieces of text that were cut, where they have a sign as ``…``: what twenty
programs print is cut that way, a line is hardly ever the same again, and for an hour and more it
only grew. All of it is Textual's own, or Rich's, and may be otherwise in its next version: that is
pinned, and tests tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Final

from rich.color import Color, ColorSystem
from rich.segment import Segment
from rich.style import Style
from textual import strip as strips
from textual.strip import Strip

#: Looks of which the codes are remembered.
_LOOKS: Final = 4096
#: Cuts that are remembered: those of what stands on a screen, a few times over.
_CUTS: Final = 256


class Last:
    """The last that was asked."""

    __slots__ = ("_key", "_value")

    def __init__(self, _most: int) -> None:
        self._key: Any = None
        self._value: Any = None

    def get(self, key: Any) -> Any:
        """What was made for ``key``, where that was the last."""
        return self._value if key == self._key else None

    def __setitem__(self, key: Any, value: Any) -> None:
        self._key, self._value = key, value


_divide, _crop_extend = Strip.divide, Strip.crop_extend
_codes = vars(Strip)["render_ansi"].__func__.__wrapped__
_split = vars(Segment)["_split_cells"].__func__.__wrapped__


def _divided(strip: Strip, cuts: Iterable[int]) -> Sequence[Strip]:
    cuts = list(cuts)
    return [strip] if cuts == [strip.cell_length] else _divide(strip, cuts)


def _cropped(strip: Strip, start: int, end: int, style: Style | None) -> Strip:
    if start == 0 and end == strip.cell_length:
        return strip
    return _crop_extend(strip, start, end, style)


@lru_cache(_LOOKS)
def _of_looks(fg: Color | None, bg: Color | None, attributes: int, system: ColorSystem) -> str:
    style = Style.from_color(fg, bg)
    style._attributes = style._set_attributes = attributes  # noqa: SLF001 - what codes are made of
    codes: str = _codes(Strip, style, system)
    return codes


def _ansi(_kind: type[Strip], style: Style, color_system: ColorSystem) -> str:
    attributes = style._attributes & style._set_attributes  # noqa: SLF001 - as theirs
    codes = style._ansi = _of_looks(style.color, style.bgcolor, attributes, color_system)  # noqa: SLF001
    return codes


@lru_cache(_CUTS)
def _halves(segment: Segment, cut: int) -> tuple[Segment, Segment]:
    halves: tuple[Segment, Segment] = _split(Segment, segment, cut)
    return halves


def _cut(_kind: type[Segment], segment: Segment, cut: int) -> tuple[Segment, Segment]:
    return _halves(segment, cut)


def kept() -> int:
    """Looks of which the codes are remembered now."""
    return _of_looks.cache_info().currsize


def cuts() -> int:
    """Cuts that are remembered now."""
    return _halves.cache_info().currsize


def mend() -> None:
    """From now on, in this process."""
    for owner, name, ours in (
        (strips, "FIFOCache", Last),
        (Strip, "divide", _divided),
        (Strip, "crop_extend", _cropped),
        (Strip, "render_ansi", classmethod(_ansi)),
        (Segment, "_split_cells", classmethod(_cut)),
    ):
        setattr(owner, name, ours)
