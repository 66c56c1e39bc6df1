"""Makes what others wrote safe to print: no control, escape or bidi trick survives.

Names, prompts, reasons, error messages and a program's output all come from elsewhere, and a
terminal obeys what it is sent. ``one_line`` is for fields in lists, ``clean`` for text of several
lines, ``Cleaner`` for output as it comes, ``unveiled`` for a line that is reviewed. What comes out
has no C0 control but newline and tab, no DEL, no C1 control in any form, no escape sequence
(colours where they were asked for), no bidi control and no invisible character that could make two
texts look alike. Cleaning twice changes nothing. The grammar of sequences is that of ECMA-48 (5th
edition), sections 5.3 to 5.6.

This module never decides what is recorded: a recording is always exact.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from typing import Final

#: The longest colour sequence that is kept.
_SGR_MOST: Final = 64
#: Marks on one character beyond which text spills into the lines around it.
_MARKS_MOST: Final = 4
#: Characters of a field that are looked at: some, and so many for each column.
_ROOM, _ROOM_EACH = 4096, 16

#: Bounded, so that a sequence that never ends is given up at the same place however it came.
_CSI: Final = r"(?:\x1b\[|\x9b)(?P<parameters>[0-?]{0,200})[ -/]{0,50}(?P<final>[@-~])"
#: OSC, DCS, SOS, PM and APC. Their content ends at any control or line; so no scan is long.
_STRING: Final = r"(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x18\x1a\x1b\x80-\x9f\n]*"
_STRING_END: Final = r"(?:\x07|\x18|\x1a|\x9c|\x1b\\)"
_ESCAPE: Final = r"\x1b[ -/]{0,50}[0-~]"
_BIDI: Final = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
#: Invisible or ignored: soft hyphen, grapheme joiner, fillers, zero-width space and no-break
#: space, invisible operators, shaping switches, annotations, language tags.
_INVISIBLE: Final = (
    r"\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u2060-\u2065\u206a-\u206f\u3164"
    r"\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_SINGLE: Final = rf"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff{_BIDI}{_INVISIBLE}]"

#: In a whole text an unfinished string sequence loses its opening only: nothing is hidden.
_WHOLE: Final = re.compile(f"{_CSI}|{_STRING}{_STRING_END}|{_ESCAPE}|{_SINGLE}")
#: In a stream it is dropped up to the end of its line, as a terminal would not show it either.
_STREAM: Final = re.compile(f"{_CSI}|{_STRING}{_STRING_END}?|{_ESCAPE}|{_SINGLE}")
_STRING_STOP: Final = re.compile(r"[\x07\x18\x1a\x1b\x80-\x9f\n]")
_OPEN_STRING: Final = re.compile(_STRING)
_OPEN_SEQUENCE: Final = re.compile(r"(?:\x1b(?:\[[0-?]{0,200})?|\x9b[0-?]{0,200})[ -/]{0,50}")
_CONTROL: Final = re.compile(r"[\x1b\x80-\x9f]")
_BLANKS: Final = re.compile(r"\s+")
#: Joiners matter to the shape of text and emoji, but not to a field in a list.
_JOINERS: Final = re.compile(r"[\u200c\u200d]")
_SGR: Final = re.compile(r"[0-9;:]*")
#: All of these, and the joiners, which a reader of code wants to see too.
_HIDDEN: Final = re.compile(rf"{_SINGLE}|[\n\u200c\u200d\u00a0]")

_LINE_BREAKS: Final = frozenset("\r\x0b\x0c\x85\u2028\u2029")
#: Cursor movements that lead to another line or to the start of this one.
_MOVES: Final = frozenset("ABEFGHdf")


def clean(text: str) -> str:
    """``text`` without anything a terminal would obey; newlines and tabs stay."""
    return _WHOLE.sub(_plain, text.replace("\r\n", "\n"))


def one_line(text: str, width: int | None = None) -> str:
    """``text`` as one safe line, at most ``width`` columns wide, with an ellipsis where cut."""
    room = len(text) if width is None else _ROOM + _ROOM_EACH * width
    line = _JOINERS.sub("", clean(text[:room]))
    line = _BLANKS.sub(" ", _unspilt(line)).strip() + "…" * (len(text) > room)
    return line if width is None else _shortened(line, width)


def unveiled(text: str) -> str:
    """``text`` of one line as whoever reviews it must see it: what is hidden is written out.

    Cleaning would leave out just what somebody wants to slip through.
    """
    if text.isascii() and text.isprintable():
        return text
    return _unspilt(_HIDDEN.sub(_written_out, text.expandtabs(4)))


def _written_out(found: re.Match[str]) -> str:
    character = found[0]
    if character < " ":
        return chr(0x2400 + ord(character))
    return "␡" if character == "\x7f" else f"<U+{ord(character):04X}>"


def columns(text: str) -> int:
    """How many columns a terminal gives to ``text``, which is one safe line."""
    return sum(map(_width, text))


class Cleaner:
    """Cleans output as it comes; holds at most an unfinished sequence of some 250 characters.

    A line that is redrawn with a carriage return becomes a line of its own each time. Colours
    are kept where ``colours`` is true, and switched off by ``close``.
    """

    def __init__(self, *, colours: bool = False) -> None:
        self._colours = colours
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""
        self._in_string = False
        self._returned = False  # a carriage return waits for what follows it
        self._fresh = True  # at the start of a line
        self._coloured = False

    def feed(self, data: bytes) -> str:
        """The text of ``data`` and of what was held before, as far as it is certain."""
        return self._take(self._decoder.decode(data))

    def close(self) -> str:
        """What is left at the end."""
        rest = self._take(self._decoder.decode(b"", final=True))
        rest += _STREAM.sub(_plain, self._held)
        self._held = ""
        if self._coloured:
            rest += "\x1b[0m"
            self._coloured = False
        return rest

    def _take(self, text: str) -> str:
        if self._in_string:
            stop = _STRING_STOP.search(text)
            if stop is None:
                return ""
            self._in_string, text = False, text[stop.start() :]
        text = self._hold(self._held + text).replace("\r\n", "\n")
        return self._lines(_STREAM.sub(self._shown, text))

    def _hold(self, text: str) -> str:
        """``text`` up to a sequence that is not finished in it."""
        self._held = ""
        last = max((found.start() for found in _CONTROL.finditer(text)), default=len(text))
        if _OPEN_STRING.fullmatch(text, last):
            self._in_string = True
            return text[:last]
        if _OPEN_SEQUENCE.fullmatch(text, last):
            self._held = text[last:]
            return text[:last]
        return text

    def _shown(self, found: re.Match[str]) -> str:
        final = found["final"]
        if final == "m" and self._colours and _is_colour(found):
            self._coloured = found["parameters"] not in ("", "0")
            return f"\x1b[{found['parameters']}m"
        if final == "C":
            return " "
        if final in _MOVES or found[0] == "\r":
            return "\r"
        return _plain(found)

    def _lines(self, text: str) -> str:
        """``text`` with its carriage returns turned into line ends, none of them empty."""
        text = re.sub(r"\r*\n", "\n", "\r" * self._returned + text)
        kept = text.rstrip("\r")
        self._returned = len(kept) < len(text)
        parts: list[str] = []
        for part in re.split(r"\r+", kept):
            if parts and not self._fresh:
                parts.append("\n")
                self._fresh = True
            parts.append(part)
            self._fresh = part.endswith("\n") if part else self._fresh
        return "".join(parts)


def _is_colour(found: re.Match[str]) -> bool:
    parameters = found["parameters"]
    exact = len(found[0]) <= _SGR_MOST and found[0].endswith(parameters + "m")
    return exact and _SGR.fullmatch(parameters) is not None


def _plain(found: re.Match[str]) -> str:
    character = found[0]
    if character in _LINE_BREAKS:
        return "\n"
    if "\ud800" <= character <= "\udfff":
        return "\ufffd"
    return ""


def _unspilt(text: str) -> str:
    """``text`` with no more marks on one character than any script needs."""
    kept: list[str] = []
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks <= _MARKS_MOST:
            kept.append(character)
    return "".join(kept)


def _shortened(line: str, width: int) -> str:
    if columns(line) <= width:
        return line
    if width < 1:
        return ""
    kept = used = 0
    for character in line:
        used += _width(character)
        if used > width - 1:
            break
        kept += 1
    return line[:kept].rstrip() + "…"


def _width(character: str) -> int:
    """Columns of one character (Unicode Standard Annex 11; marks and formats take none)."""
    if character < "\u0300":
        return 1
    if character == "\ufe0f":
        return 1  # asks for the emoji form, which may be one column wider than its base
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
