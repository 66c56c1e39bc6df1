"""What a cell printed and showed, as lines that a terminal can be given. Pure.

All of it is a stranger's: no sequence of it passes but its colours, and those as styles. A line
that is drawn again after a carriage return is its last drawing. An image is a ``Picture``, and HTML
is not shown: what has no text is named by its kind.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

from rich.text import Text

from inspan.terminal.sanitize import Cleaner, clean, one_line
from inspan.tui.picture import Picture, weight

#: Lines of one output that are kept, the last ones, and characters of one line.
LINES_MOST, LINE_MOST = 400, 2000
_PLAIN: Final = re.compile(r"[ -~]*")


class Printed:
    """One run of text, as it comes; what is printed faster than it is drawn is never drawn."""

    def __init__(self, style: str = "") -> None:
        self._style = style
        self._lines: deque[str | Text] = deque(maxlen=LINES_MOST)
        self._open = ""
        #: Lines that were printed and are kept no more.
        self.lost = 0

    def feed(self, text: str) -> None:
        """What was printed next; PEP 383's lone surrogates are bytes that were no UTF-8."""
        *whole, rest = (self._open + text).split("\n")
        self.lost += max(0, len(self._lines) + len(whole) - LINES_MOST)
        self._lines.extend(whole)
        self._open = rest[-2 * LINE_MOST :]

    def lines(self) -> list[Text]:
        """All that is kept; each line is made safe once."""
        made = [
            safe(_drawn(one), self._style) if isinstance(one, str) else one for one in self._lines
        ]
        self._lines.clear()
        self._lines.extend(made)
        return [*made, *([safe(_drawn(self._open), self._style)] if self._open else [])]


def _drawn(line: str) -> str:
    """What is left of a line that was drawn several times."""
    return line.rstrip("\r").rpartition("\r")[2]


def safe(line: str, style: str = "") -> Text:
    """One line with its colours, and nothing else that a terminal would obey."""
    if len(line) > LINE_MOST:
        line = f"{line[:LINE_MOST]}…"
    if _PLAIN.fullmatch(line):
        return Text(line, style=style)
    cleaner = Cleaner(colours=True)
    told = cleaner.feed(line.encode(errors="surrogateescape")) + cleaner.close()
    told = told.replace("\n", " ").expandtabs(8)
    if "\x1b" not in told:
        return Text(told, style=style)
    coloured = Text.from_ansi(told)
    coloured.style = style
    return coloured


def paragraph(text: str, style: str = "", most: int = LINES_MOST) -> list[Text]:
    """Lines of a text that is whole."""
    lines = text.removesuffix("\n").split("\n")
    told = [safe(_drawn(line), style) for line in lines[:most]]
    if len(lines) > most:
        told.append(Text(f"… {len(lines) - most} more lines", style="dim"))
    return told


def shown(data: Mapping[str, Any]) -> list[Text | Picture]:
    """A rich value: its images, its text, and what else it is where that says more."""
    images = [kind for kind in data if kind.startswith("image/")]
    told: list[Text | Picture] = [Picture(kind, data[kind]) for kind in images]
    plain = data.get("text/plain")
    if isinstance(plain, str):
        return [*told, *paragraph(plain)]
    others = [kind for kind in data if kind not in images]
    if not told and others:
        kinds = ", ".join(f"{one_line(kind, 40)} {weight(data[kind])}" for kind in others)
        told.append(Text(f"▣ {kinds}: not shown", style="cyan"))
    return told


def source(code: str, most: int = 60) -> list[Text]:
    """Lines of Python as somebody wrote them."""
    lines = clean(code).removesuffix("\n").expandtabs(4).split("\n")
    told = [Text(line[:LINE_MOST]) for line in lines[:most]]
    if len(lines) > most:
        told.append(Text(f"… {len(lines) - most} more lines", style="dim"))
    return told
