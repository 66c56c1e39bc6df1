"""What an agent complains of on its standard error: what it repeats is told once.

Some print their warnings anew for each part of them that begins, before they have said a word. It
knows lines of text; it never knows which agent, or where they go.
"""

from __future__ import annotations

from typing import Final

#: So many lines are remembered: what comes back after more than that is told again.
_MOST: Final = 256


class Complaints:
    """Text in, text out without the lines that were told since the agent said something else."""

    def __init__(self) -> None:
        self._told: dict[str, None] = {}
        #: Whether the last line was told; what is indented or has no word shares its fate.
        self._telling = True

    def heard(self) -> None:
        """It said something else: what it complains of from now on is news."""
        self._told.clear()
        self._telling = True

    def new(self, text: str) -> str:
        """What is to be told of ``text``."""
        return "".join(line for line in text.splitlines(keepends=True) if self._is_new(line))

    def _is_new(self, line: str) -> bool:
        words = line.rstrip()
        if not line[0].isspace() and any(map(str.isalnum, words)):
            self._telling = words not in self._told
            self._told[words] = None
            if len(self._told) > _MOST:
                del self._told[next(iter(self._told))]
        return self._telling
