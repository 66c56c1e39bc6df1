"""Who answers the queries of one session: its keeper, or real terminals that attend it.

Every query gets one answer. What is asked while a terminal attends is that terminal's, but only as
far as it is shown: a daemon may die, and a person may leave, with the query on its way. So the
answers that were not given are owed until it is known that they are not. It must never know what a
query is, nor who attends.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from math import inf
from typing import Final

#: Answers that are owed; the oldest go. A program may ask for 256 colours in one go.
_OWED_MOST: Final = 512


class Attendance:
    """Offsets are those behind the last byte of a query; ``reply`` answers one."""

    def __init__(self, reply: Callable[[bytes], None]) -> None:
        self._reply = reply
        self._attending: set[object] = set()
        self._reserved: set[object] = set()
        #: Where the present attendance began.
        self._since = 0
        self._owed: deque[tuple[int, bytes]] = deque(maxlen=_OWED_MOST)

    def asked(self, offset: int, answer: bytes) -> None:
        """A query ends at ``offset``."""
        if self._attending:
            self._owed.append((offset, answer))
        else:
            self._reply(answer)

    def reserve(self, who: object) -> None:
        """``who`` attends from the start for a terminal that is to come."""
        self._attending.add(who)
        self._reserved.add(who)

    def lapse(self, who: object) -> None:
        """It has had its time to come; where it has not, it attends no more."""
        if who in self._reserved:
            self.end(who, 0)

    def begin(self, who: object, size: int, shown: int | None = None) -> int:
        """``who`` attends from now on, ``size`` bytes being printed; where its queries begin.

        With ``shown`` it attended before, or from the start, and was shown so many bytes: it also
        answers what was asked behind them while somebody attended without a break. Before that, who
        attended was lost and shows it no more, so it is answered now.
        """
        if not self._attending:
            self._since = size
        self._attending.add(who)
        self._reserved.discard(who)
        if shown is None:
            self._owed.clear()
            return size
        begins = max(shown, self._since)
        self._settle(shown, begins)
        return begins

    def end(self, who: object, shown: int | None = None) -> None:
        """It attends no more. What was asked behind ``shown`` is answered now, where it is known.

        Else it stays owed: whoever was behind a lost connection may come back and tell.
        """
        self._attending.discard(who)
        self._reserved.discard(who)
        if shown is not None and not self._attending:
            self._settle(shown, inf)

    def _settle(self, behind: float, until: float) -> None:
        """Give the answers to what was asked there; the others stay owed."""
        owed = tuple(self._owed)
        self._owed.clear()
        for offset, answer in owed:
            if behind < offset <= until:
                self._reply(answer)
            else:
                self._owed.append((offset, answer))
