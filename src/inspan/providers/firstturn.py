"""The prompt that an agent on a terminal was started with: whether it has had its turn.

Some show an empty input line for seconds before they take it, and what is typed meanwhile is thrown
away or goes in with it. It knows no agent and no process.
"""

from __future__ import annotations

from math import inf
from typing import Final

from inspan.model.activity import Activity, Doing, Source
from inspan.providers.leisure import Leisure
from inspan.terminal import delivery
from inspan.terminal.screen import Screen

#: Seconds of its own after which an agent that rests, and shows nothing of it, will not take it.
_PATIENCE: Final = 10.0
#: Seconds of its own for which its turn is to be seen to be over: a screen is drawn in parts.
_STANDS: Final = 1.0


class FirstTurn:
    """Of one agent. One that was given no prompt has had its turn."""

    def __init__(self, text: str, screen: Screen, leisure: Leisure) -> None:
        self._text = text
        self._screen = screen
        self._leisure = leisure
        #: What time it had had when the prompt was first seen above the input line.
        self._since = inf
        self.had = not text
        #: When to look again though nothing is new; infinite where only news can change it.
        self.due = inf

    def look(self, shown: Activity | None) -> None:
        """``shown`` is what the agent is said to do now.

        That it runs a command is no proof: some run several before they take anything.
        """
        self.due = inf
        if self.had or shown is None:
            return
        if shown.doing is Doing.WORKING and shown.source is not Source.PROCESS:
            self.had = True
        elif shown.doing in (Doing.IDLE, Doing.UNKNOWN):
            seconds = self._leisure.look()
            taken = delivery.taken(self._screen.rows(), self._screen.cursor, self._text)
            self._since = min(self._since, seconds) if taken else inf
            self.had = seconds >= min(self._since + _STANDS, _PATIENCE)
            self.due = inf if self.had else self._leisure.due
