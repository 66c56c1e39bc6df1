"""Finds text in what a recording printed, as a person would have read it.

Escape sequences are taken out, and a line ends where the cursor moves to another one. One call
reads a bounded part and says where to go on. It knows the recording through ``playback`` alone.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from inspan.model.session import Ended, Gap, Output
from inspan.model.value import replaced, value
from inspan.terminal.playback import Playback
from inspan.terminal.sanitize import Cleaner

#: The most bytes that one call reads.
PART: Final = 1 << 18
#: The most bytes that are looked at together; a line that is longer is two.
_PIECE: Final = 1 << 18
#: The most characters of a line that are told, and of them before what was found.
LINE_MOST: Final = 240
_LEAD: Final = 60
#: Behind these begins another line, as ``sanitize.Cleaner`` has it too.
_BREAK: Final = re.compile(
    rb"[\n\x0b\x0c]|\r(?!\n)|\xc2\x85|\xe2\x80[\xa8\xa9]|(?=\x1b\[[0-9;]*[ABEFGHdf])"
)

#: What is more than plain text in lines.
_ODD: Final = re.compile(rb"[^\n\r\t -~]")


class Needle:
    """What is searched for."""

    def __init__(self, text: str, *, case: bool = False) -> None:
        self._case = case
        self._text = text if case else text.casefold()

    def place(self, line: str) -> int:
        """Where it is in a line, roughly; -1 where it is not."""
        return (line if self._case else line.casefold()).find(self._text)


@value(frozen=True)
class Found:
    """A line that holds it, and where in the recording it ends."""

    begin: int
    end: int
    line: str
    before: str
    after: str
    at: float = 0.0


def find(
    playback: Playback, needle: Needle, offset: int, most: int
) -> tuple[list[Found], int | None]:
    """At most ``most`` lines from ``offset`` on, and where to search on; ``None``: that is all.

    Raises SessionNotFound.
    """
    found: list[Found] = []
    end = offset + PART
    while offset < end:
        start, data, on = _piece(playback, offset)
        if data and needle.place(_roughly(data)) >= 0:
            found += _within(start, data, needle)
            if len(found) >= most:
                del found[most:]
                return _timed(playback, found), found[-1].end
        if on is None:
            return _timed(playback, found), None
        offset = on
    return _timed(playback, found), offset


def _piece(playback: Playback, offset: int) -> tuple[int, bytes, int | None]:
    """Where output begins from ``offset`` on, some of it up to a line's end, and what follows."""
    data, start, at, over = b"", offset, offset, False
    for chunk in playback.read(offset, _PIECE):
        if isinstance(chunk, Output):
            data += chunk.data
            at = chunk.offset + len(chunk.data)
        elif isinstance(chunk, Gap):
            if data:
                return start, data, at
            start = at = chunk.end
        elif isinstance(chunk, Ended):
            over = True
    if over or at == offset:
        return start, data, None
    if len(data) < _PIECE:
        return start, data, at
    cut = max((found.end() for found in _BREAK.finditer(data, _PIECE // 2)), default=len(data))
    return start, data[:cut], start + cut


def _within(start: int, data: bytes, needle: Needle) -> Iterator[Found]:
    breaks = sorted({0, *(found.end() for found in _BREAK.finditer(data)), len(data)})
    lines = [(begin, end, data[begin:end]) for begin, end in pairwise(breaks)]
    last = ""
    for number, (begin, end, raw) in enumerate(lines):
        line = _clean(raw).strip()
        place = needle.place(line)
        if place < 0 or line == last:
            continue
        last = line
        yield Found(
            start + begin,
            start + end,
            _clipped(line, place),
            _near(lines[max(0, number - _NEAR) : number][::-1]),
            _near(lines[number + 1 :][:_NEAR]),
        )


#: So many lines before and behind are looked at for one that is not blank.
_NEAR: Final = 3


def _near(lines: list[tuple[int, int, bytes]]) -> str:
    return next((_clipped(text, 0) for *_, raw in lines if (text := _clean(raw).strip())), "")


def _roughly(raw: bytes) -> str:
    """All of it, for a first look; where nothing is to be taken out, much is saved."""
    return _clean(raw) if _ODD.search(raw) else raw.decode()


def _clean(raw: bytes) -> str:
    cleaner = Cleaner()
    return cleaner.feed(raw) + cleaner.close()


def _clipped(line: str, place: int) -> str:
    start = max(0, place - _LEAD) if len(line) > LINE_MOST else 0
    end = start + LINE_MOST
    return "…" * (start > 0) + line[start:end] + "…" * (end < len(line))


def _timed(playback: Playback, found: list[Found]) -> list[Found]:
    """``found`` with the times at which they came."""
    if not found:
        return found
    stamps = list(playback.stamps(found[0].begin, found[-1].end))
    offsets = [offset for _, offset in stamps]
    places = [max(0, bisect_right(offsets, hit.begin) - 1) for hit in found]
    return [replaced(hit, at=stamps[n][0]) for hit, n in zip(found, places, strict=True)]
