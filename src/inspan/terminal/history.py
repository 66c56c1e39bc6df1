"""What a second terminal must be told, and must not be told, of output that another one was shown.

A query that was answered once would be answered again, and the answer typed into the program. A
mode that was switched on long ago is on still. It never learns which session it looks at.
"""

from __future__ import annotations

import re
from typing import Final

#: A sequence that has not ended after so many bytes is no query.
_HELD_MOST: Final = 256
#: What terminals answer (ECMA-48, DEC STD 070, xterm's control sequences, kitty's keyboard).
_QUERY: Final = re.compile(
    rb"\x05|\x1bZ"  # answerback; DECID
    rb"|\x1b\[[?>=]?[0-9;]*c"  # device attributes
    rb"|\x1b\[\??[0-9;]+n"  # device status; `CSI > n` sets
    rb"|\x1b\[\?u|\x1b\[>0?q|\x1b\[[01]?x|\x1b\[\?[0-9]+m"
    rb"|\x1b\[\??[0-9]+\$p|\x1b\[[0-9;]+\$[uw]"  # modes, settings
    rb"|\x1b\[(?:1[1345689]|2[01])(?:;[0-9]+)*t"  # window sizes and titles
    rb"|\x1b\][0-9]+;(?:[^\x00-\x1f;]*;)*\?(?:\x07|\x1b\\)"  # colours, the clipboard
    rb"|\x1bP[+$]q[^\x1b\x07]*\x1b\\"
)
#: What may still become one, at the end of a piece of output.
_BEGUN: Final = re.compile(
    rb"\x1b(?:\[[?>=]?[0-9;]*\$?|\][0-9]*(?:;[^\x00-\x1f]*)?\x1b?|P(?:[+$](?:q[^\x1b\x07]*\x1b?)?)?)?\Z"
)
_SET: Final = re.compile(rb"\x1b\[\?([0-9;]{1,64})([hl])|\x1b([=>])")

#: Private modes that are on in a terminal at rest: wrapping, and the cursor.
_ON_AT_REST: Final = frozenset({7, 25})
#: Last of all: leaving the alternate screen brings the cursor back to where it was.
_ALTERNATE: Final = (47, 1047, 1048, 1049)
#: Those that a person would stumble over, and that the same sequence, with `l`, undoes.
_TOLD: Final = frozenset(
    {1, 5, 7, 9, 25, 66, 1000, 1002, 1003, 1004, 1005, 1006, 1007, 1015, 2004, *_ALTERNATE}
)


class Unasked:
    """Takes the queries out of output, also where they come in pieces."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """What may be shown by now."""
        data = self._held + data
        self._held = b""
        if b"\x1b" not in data and b"\x05" not in data:
            return data
        begun = (at for at in _escapes_at_the_end(data) if _BEGUN.match(data, at))
        start = next(begun, len(data))
        self._held = data[start:]
        return _QUERY.sub(b"", data[:start])

    def rest(self) -> bytes:
        """What was held back, where the queries that come now are to be heard."""
        held, self._held = self._held, b""
        return held


def _escapes_at_the_end(data: bytes) -> list[int]:
    r"""Where the last two escapes are: a string may end in ESC \, of which half is there."""
    last = data.rfind(b"\x1b")
    before = data.rfind(b"\x1b", 0, max(last, 0))
    return [at for at in (before, last) if at >= 0 and len(data) - at <= _HELD_MOST]


class Modes:
    """Which modes of a terminal a program has switched."""

    def __init__(self) -> None:
        self._on: dict[int, bool] = {}
        self._keypad = False
        self._held = b""

    def feed(self, data: bytes) -> None:
        """The next output."""
        data = self._held + data
        end = 0
        for found in _SET.finditer(data):
            end = found.end()
            if found[3]:
                self._keypad = found[3] == b"="
                continue
            for word in found[1].split(b";"):
                if word and int(word) in _TOLD:
                    self._on[int(word)] = found[2] == b"h"
        last = data.rfind(b"\x1b", max(end, len(data) - _HELD_MOST))
        self._held = data[last:] if last >= 0 else b""

    def begin(self) -> bytes:
        """What brings a terminal at rest to where the program has it."""
        keypad = b"\x1b=" if self._keypad else b""
        modes = sorted(self._switched(), key=lambda mode: mode not in _ALTERNATE)
        return keypad + b"".join(_switch(mode, on=self._on[mode]) for mode in modes)

    def end(self) -> bytes:
        """What brings it to rest again, from the middle of whatever was drawn."""
        modes = sorted(self._switched(), key=lambda mode: mode in _ALTERNATE)
        undone = b"".join(_switch(mode, on=not self._on[mode]) for mode in modes)
        # The scrolling region is reset around a saved cursor, since resetting it moves the cursor.
        return b"\x1b[0m\x1b7\x1b[r\x1b8" + (b"\x1b>" if self._keypad else b"") + undone

    @property
    def alternate(self) -> bool:
        """True where the alternate screen is shown, over the one that is kept beneath it."""
        return any(self._on.get(mode) for mode in _ALTERNATE)

    def _switched(self) -> list[int]:
        return [mode for mode, on in self._on.items() if on is not (mode in _ON_AT_REST)]


def _switch(mode: int, *, on: bool) -> bytes:
    return b"\x1b[?%d%b" % (mode, b"h" if on else b"l")
