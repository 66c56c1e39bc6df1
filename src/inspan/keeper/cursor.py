"""Where the cursor is, from the bytes a program wrote; it must never know who asks.

No screen: only the position, with what moves it. Used when a program asks for the position and
nobody else is there to tell, so it follows the common sequences and ignores the rest.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_TAB: Final = 8

_TOKEN: Final = re.compile(
    rb"(?P<text>[\x20-\x7e]+|(?:[\xc0-\xff][\x80-\xbf]*)+)"
    rb"|\x1b\[(?P<params>[\x30-\x3f]*)(?P<middle>[\x20-\x2f]*)(?P<final>[\x40-\x7e])"
    rb"|(?P<string>\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\))"
    rb"|\x1b(?P<escape>[78DEMc])"
    rb"|(?P<control>[\x08-\x0d])",
)

#: Rows and columns by which a relative move goes.
_MOVES: Final = {
    b"A": (-1, 0),
    b"B": (1, 0),
    b"e": (1, 0),
    b"C": (0, 1),
    b"a": (0, 1),
    b"D": (0, -1),
}


class Cursor:
    """A position that follows the output; rows and columns count from 1."""

    def __init__(self, cols: int, rows: int, row: int) -> None:
        self.cols = cols
        self.rows = rows
        self.row = row
        self.col = 1
        self._wrap = False
        self._saved = (row, 1)
        self._top = 1
        self._bottom = rows

    def feed(self, data: bytes) -> None:
        """Follow these bytes; a sequence that is cut at their end is not seen."""
        for token in _TOKEN.finditer(data):
            kind = token.lastgroup
            if kind == "text":
                self._print(token["text"])
            elif kind == "final":
                if not token["middle"]:
                    self._sequence(token["final"], token["params"])
            elif kind == "control":
                self._control(token["control"])
            elif kind == "escape":
                self._escape(token["escape"])

    def _print(self, text: bytes) -> None:
        for width in _widths(text):
            if self._wrap or self.col + width - 1 > self.cols:
                self.col = 1
                self._down()
            self._wrap = self.col + width > self.cols
            self.col = min(self.col + width, self.cols)

    def _control(self, control: bytes) -> None:
        if control == b"\x08":
            self._to(self.row, self.col - 1)
        elif control == b"\x09":
            self._to(self.row, (self.col - 1) // _TAB * _TAB + _TAB + 1)
        elif control == b"\x0d":
            self._to(self.row, 1)
        else:
            self._wrap = False
            self._down()

    def _escape(self, escape: bytes) -> None:
        if escape == b"7":
            self._saved = (self.row, self.col)
        elif escape == b"8":
            self._to(*self._saved)
        elif escape == b"M":
            if self.row != self._top:
                self._to(self.row - 1, self.col)
        elif escape == b"c":
            self._top, self._bottom = 1, self.rows
            self._to(1, 1)
        else:
            if escape == b"E":
                self.col = 1
            self._down()

    def _sequence(self, final: bytes, params: bytes) -> None:
        if params[:1] == b"?":
            if final in b"hl" and params in {b"?1048", b"?1049"}:
                self._escape(b"7" if final == b"h" else b"8")
            return
        if not re.fullmatch(rb"[0-9;]*", params):
            return
        numbers = [int(part[:6] or b"0") for part in params.split(b";")]
        first = max(numbers[0], 1)
        second = numbers[1] if len(numbers) > 1 else 0
        if final in b"su":
            self._escape(b"7" if final == b"s" else b"8")
        elif final == b"r":
            self._top, self._bottom = first, second or self.rows
            self._to(1, 1)
        else:
            self._move(final, first, max(second, 1))

    def _move(self, final: bytes, first: int, second: int) -> None:
        if final in b"Hf":
            self._to(first, second)
        elif final in _MOVES:
            rows, cols = _MOVES[final]
            self._to(self.row + rows * first, self.col + cols * first)
        elif final in b"EF":
            self._to(self.row + (first if final == b"E" else -first), 1)
        elif final in b"G`":
            self._to(self.row, first)
        elif final == b"d":
            self._to(first, self.col)

    def _to(self, row: int, col: int) -> None:
        self._wrap = False
        self.row = min(max(row, 1), self.rows)
        self.col = min(max(col, 1), self.cols)

    def _down(self) -> None:
        if self.row != self._bottom:
            self.row = min(self.row + 1, self.rows)


def _widths(text: bytes) -> list[int]:
    if text.isascii():
        return [1] * len(text)
    return [
        0 if unicodedata.combining(char) else 2 if _is_wide(char) else 1
        for char in text.decode(errors="replace")
    ]


def _is_wide(char: str) -> bool:
    return unicodedata.east_asian_width(char) in "WF"
