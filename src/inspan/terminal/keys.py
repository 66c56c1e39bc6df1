"""When somebody typed last what may be an answer, or may stop, as far as keys alone tell.

Enter, Escape and Ctrl-C may be one, and so may a letter or a digit by itself. Letters that follow
one another are words that are being typed, arrows and Tab move about, and what a terminal says of
its window is nobody's. It knows no screen.
"""

from __future__ import annotations

import re
from math import inf
from typing import Final

#: Keys that move about, and what a terminal says of itself.
_MOVES: Final = re.compile(rb"\x1b[\[O]|\t")
#: What ends a line, and what leaves it.
_ENDS: Final = re.compile(rb"[\r\n\x03]$|\x1b$")
_STOPS: Final = re.compile(rb"[\x03\x1b]$")


class Keys:
    """What was typed at one terminal; ``answered``: when that may have been an answer last.

    ``stopped``: when Escape or Ctrl-C was typed last.
    """

    def __init__(self) -> None:
        self.answered = self.stopped = -inf
        self._before = -inf
        self._letters = 0

    def typed(self, data: bytes, at: float) -> None:
        """``data`` is typed."""
        if _MOVES.match(data):
            return
        if _ENDS.search(data):
            self._letters = 0
            self.answered = self._before = at
            if _STOPS.search(data):
                self.stopped = at
            return
        self._letters += len(data)
        self.answered = at if self._letters == 1 else self._before
