"""Answers what programs ask their terminal and wait for, where no real one is attached.

Each query gets one answer, also when it arrives in pieces. It must never know who watches: whether
an answer is sent is for ``Asked.asked`` to say. Sources of the forms: ECMA-48, DEC STD 070, and
xterm's control sequences; kitty's keyboard protocol for ``CSI ? u``.
"""

from __future__ import annotations

import re
from typing import Final, Protocol

from inspan.keeper.cursor import Cursor

#: A sequence that has not ended after so many bytes is no query.
_HELD_MOST: Final = 256
#: How far back the output is replayed to find the cursor or a mode.
_BACK: Final = 64 << 10

_QUERY: Final = re.compile(
    rb"\x1b\[(?P<mark>[?>=]?)(?P<params>[0-9;]*)(?P<middle>\$?)(?P<final>[ncqupt])"
    rb"|\x1b\](?P<osc>1[0-2]|4;[0-9]{1,3});\?(?P<end>\x07|\x1b\\)"
    rb"|\x1bP(?P<dcs>[+$])q(?P<what>[^\x1b\x07]*)\x1b\\"
)
#: What may still become a query, at the end of a piece of output.
_BEGUN: Final = re.compile(
    rb"\x1b(?:\[[?>=]?[0-9;]*\$?|\](?:[0-9;?]*\x1b?)|P(?:[+$]?(?:q[^\x1b\x07]*\x1b?)?)?)?\Z"
)

#: A VT220 with colour; a terminal of no known make; dark, as most are.
_FIXED: Final = {
    b"c": b"\x1b[?62;22c",
    b">c": b"\x1b[>1;10;0c",
    b"=c": b"\x1bP!|00000000\x1b\\",
    b">q": b"\x1bP>|inspan\x1b\\",
    b"?u": b"\x1b[?0u",
}
_COLOURS: Final = {
    b"10": b"rgb:d0d0/d0d0/d0d0",
    b"11": b"rgb:0000/0000/0000",
    b"12": b"rgb:d0d0/d0d0/d0d0",
}
_PALETTE: Final = [
    "000000",
    "cd0000",
    "00cd00",
    "cdcd00",
    "0000ee",
    "cd00cd",
    "00cdcd",
    "e5e5e5",
    "7f7f7f",
    "ff0000",
    "00ff00",
    "ffff00",
    "5c5cff",
    "ff00ff",
    "00ffff",
    "ffffff",
]
_STEPS: Final = (0, 95, 135, 175, 215, 255)
#: The pixels of a cell, for programs that ask; nobody draws them.
_CELL: Final = (16, 8)
#: Modes that programs ask for, and whether they are on at first; others are "not recognised".
_MODES: Final = {
    **dict.fromkeys((1, 9, 47, 66, 1000, 1002, 1003, 1004, 1005, 1006, 1015, 1047, 1049), False),
    **dict.fromkeys((12, 1048, 2004, 2026), False),
    **dict.fromkeys((7, 25), True),
}
_SET: Final = re.compile(rb"\x1b\[\?([0-9;]+)([hl])")


class Asked(Protocol):
    """The session that is asked in place of a terminal."""

    cols: int
    rows: int

    @property
    def size(self) -> int:
        """Bytes of output so far, the present piece included."""
        ...

    def before(self, offset: int, most: int) -> bytes:
        """The output that ends at ``offset``, at most so much of it."""
        ...

    def asked(self, offset: int, answer: bytes) -> None:
        """A query ends at ``offset``: answer it, unless somebody else does."""
        ...


class Answerer:
    """Looks through the output of one session."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._held = b""
        self._cursor: tuple[int, Cursor] | None = None

    def feed(self, data: bytes) -> None:
        """The newest output, already counted in ``size``."""
        if not self._held and b"\x1b" not in data:
            return
        data = self._held + data
        start = self._asked.size - len(data)
        done = 0
        for query in _QUERY.finditer(data):
            done = query.end()
            answer = self._answer(query, start + done)
            if answer:
                self._asked.asked(start + done, answer)
        last = data.rfind(b"\x1b", done)
        # A string may end in ESC \, of which only the ESC is there yet.
        first = data.rfind(b"\x1b", done, last) if last > done else -1
        self._held = _begun(data, first) or _begun(data, last)

    def _answer(self, query: re.Match[bytes], offset: int) -> bytes:
        if query["osc"] is not None:
            return _colour(query["osc"], query["end"])
        if query["dcs"] is not None:
            # "No such capability", "no such setting": true, and nobody waits.
            return b"\x1bP0" + query["dcs"] + b"r\x1b\\"
        mark, params = query["mark"], query["params"]
        asked = mark + query["middle"] + query["final"]
        if asked in {b"n", b"?n"}:
            return self._report(mark, params, offset)
        if asked in {b"$p", b"?$p"} and params.isdigit():
            return self._mode(mark, params, offset)
        if asked == b"t":
            return self._measure(params)
        return _FIXED.get(asked, b"") if params in {b"", b"0"} else b""

    def _report(self, mark: bytes, params: bytes, offset: int) -> bytes:
        if params == b"5" and not mark:
            return b"\x1b[0n"
        if params != b"6":
            return b""
        cursor = self._find_cursor(offset)
        return b"\x1b[%b%d;%dR" % (mark, cursor.row, cursor.col)

    def _find_cursor(self, offset: int) -> Cursor:
        """Follow the output from where the cursor was last known, or from not too far back."""
        asked = self._asked
        known = self._cursor
        if (
            known
            and offset - known[0] <= _BACK
            and (known[1].cols, known[1].rows)
            == (
                asked.cols,
                asked.rows,
            )
        ):
            cursor = known[1]
            cursor.feed(asked.before(offset, offset - known[0]))
        else:
            cursor = Cursor(asked.cols, asked.rows, 1 if offset <= _BACK else asked.rows)
            cursor.feed(asked.before(offset, _BACK))
        self._cursor = (offset, cursor)
        return cursor

    def _mode(self, mark: bytes, params: bytes, offset: int) -> bytes:
        number = int(params[:6])
        state = 0
        if mark and number in _MODES:
            on = _MODES[number]
            for change in _SET.finditer(self._asked.before(offset, _BACK)):
                if params in change[1].split(b";"):
                    on = change[2] == b"h"
            state = 1 if on else 2
        return b"\x1b[%b%d;%d$y" % (mark, number, state)

    def _measure(self, params: bytes) -> bytes:
        rows, cols = self._asked.rows, self._asked.cols
        tall, wide = _CELL
        match params:
            case b"14":
                return b"\x1b[4;%d;%dt" % (rows * tall, cols * wide)
            case b"16":
                return b"\x1b[6;%d;%dt" % _CELL
            case b"18":
                return b"\x1b[8;%d;%dt" % (rows, cols)
            case _:
                return b""


def _begun(data: bytes, start: int) -> bytes:
    if start < 0 or len(data) - start > _HELD_MOST or not _BEGUN.match(data, start):
        return b""
    return data[start:]


def _colour(which: bytes, end: bytes) -> bytes:
    value = _COLOURS.get(which)
    if value is None:
        number = int(which[2:])
        if number > 255:
            return b""
        value = _indexed(number)
    return b"\x1b]%b;%b%b" % (which, value, end)


def _indexed(number: int) -> bytes:
    """A colour of xterm's table of 256."""
    if number < 16:
        parts = [int(_PALETTE[number][at : at + 2], 16) for at in (0, 2, 4)]
    elif number < 232:
        place = number - 16
        parts = [_STEPS[place // 36], _STEPS[place // 6 % 6], _STEPS[place % 6]]
    else:
        parts = [8 + 10 * (number - 232)] * 3
    return b"rgb:" + b"/".join(b"%02x%02x" % (part, part) for part in parts)
