"""Turns a recording into what others read: asciicast v3 for players, plain text for people.

The cast format is https://docs.asciinema.org/manual/asciicast/v3/ : a header line, then one JSON
array for each event with the seconds since the event before it. Both forms are given line by
line or piece by piece, so that a large recording costs no memory. Nothing here writes a file.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from typing import Any, Final

from inspan.model.session import Chunk, Ended, Gap, Output, Resized
from inspan.terminal.playback import Playback, Typed
from inspan.terminal.sanitize import Cleaner

#: What a player is told of a session that ran on pipes.
_COLS, _ROWS = 80, 24
_READ: Final = 1 << 16


def asciicast(
    playback: Playback, *, title: str = "", command: str = "", term: str = "xterm-256color"
) -> Iterator[str]:
    """The lines of an asciicast v3 file. Raises SessionNotFound.

    Bytes that are no UTF-8 become U+FFFD. Freed bytes become a marker. Where the session ran on
    pipes, line ends become what a terminal would have made of them.
    """
    size = playback.size_at(0)
    began = playback.began
    header: dict[str, Any] = {
        "version": 3,
        "term": {
            "cols": size.cols if size else _COLS,
            "rows": size.rows if size else _ROWS,
            "type": term,
        },
    }
    if began is not None:
        header["timestamp"] = int(began)
    header |= {name: text for name, text in (("title", title), ("command", command)) if text}
    yield json.dumps(header) + "\n"
    events = _Events(pipes=size is None)
    last = round(began or 0.0, 3)
    for moment in playback.timeline():
        if moment.what == size and moment.at == began:
            continue  # the header has it
        for code, data in events.of(moment.what):
            at = max(round(moment.at, 3), last)
            yield json.dumps([round(at - last, 3), code, data]) + "\n"
            last = at


def plain(playback: Playback, *, colours: bool = False) -> Iterator[str]:
    """What was printed, as text that is safe to show; ``colours`` keeps those. Does not wait."""
    cleaner = Cleaner(colours=colours)
    offset = 0
    while chunks := playback.read(offset, _READ):
        for chunk in chunks:
            if isinstance(chunk, Output):
                offset = chunk.offset + len(chunk.data)
                yield cleaner.feed(chunk.data)
            elif isinstance(chunk, Gap):
                offset = chunk.end
                yield f"{cleaner.close()}\n{missing(chunk)}\n"
                cleaner = Cleaner(colours=colours)
            elif isinstance(chunk, Ended):
                yield cleaner.close()
                return
    yield cleaner.close()


def missing(gap: Gap) -> str:
    """How a gap is told to people."""
    return f"[{gap.end - gap.start} bytes were not kept]"


class _Events:
    """Gives what happened as codes and data; holds the bytes of at most one character each."""

    def __init__(self, *, pipes: bool) -> None:
        self._pipes = pipes
        self._decoders = {name: _decoder() for name in ("out", "err", "typed")}

    def of(self, what: Chunk | Typed) -> Iterator[tuple[str, str]]:
        if isinstance(what, Output):
            yield from self._text("o", what.stream, what.data)
        elif isinstance(what, Typed):
            yield from self._text("i", "typed", what.data)
        elif isinstance(what, Resized):
            yield "r", f"{what.cols}x{what.rows}"
        elif isinstance(what, Gap):
            yield from self._rest()
            yield "m", missing(what)
        else:
            yield from self._rest()
            if what.exit is not None:
                yield "x", str(what.exit.status)

    def _text(self, code: str, source: str, data: bytes) -> Iterator[tuple[str, str]]:
        text = self._decoders[source].decode(data)
        if self._pipes and code == "o":
            text = text.replace("\n", "\r\n")
        if text:
            yield code, text

    def _rest(self) -> Iterator[tuple[str, str]]:
        for source in ("out", "err"):
            text = self._decoders[source].decode(b"", final=True)
            self._decoders[source] = _decoder()
            if text:
                yield "o", text


def _decoder() -> codecs.IncrementalDecoder:
    return codecs.getincrementaldecoder("utf-8")("replace")
