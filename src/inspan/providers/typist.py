"""Types a prompt into an agent's terminal, and watches what becomes of it there.

Enter is pressed only when the terminal shows the text: one that does not is not taking it. It knows
no agent and no task; whoever has one tells what the screen is said to do.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from math import inf
from typing import Final

from inspan.agents.handed import Handed
from inspan.engine.ports import Clock
from inspan.errors import Conflict, InspanError
from inspan.model.activity import Doing
from inspan.model.receipt import Stage
from inspan.providers.leisure import LOOK, Leisure
from inspan.terminal import delivery
from inspan.terminal.screen import Screen

#: Seconds between two looks.
_LOOK: Final = 0.05
#: Seconds of its own in which an agent shows what was typed, and that it took it: faces take
#: seconds for a long paste.
_PATIENCE: Final = 10.0
#: Seconds of its own between text and Enter: faces take what comes at once for a paste, and Gemini
#: CLI does so until it has drawn the text and had a moment after that.
_GAP: Final = 0.2
#: Seconds of its own after Enter in which it may not be seen yet that the turn goes on which that
#: began.
_SETTLES: Final = 1.5

_NOT_SHOWN: Final = (
    "its terminal did not show it, so Enter was not pressed; `inspan attach` shows why"
)
_NOT_SENT: Final = "it stands in the input line after Enter, too; `inspan attach` shows why"
_INTERFERED: Final = (
    "it stood in the input line after Enter, and somebody else typed: it may have been sent"
)


class Typist:
    """One terminal; ``doing`` tells what it is shown to do by now."""

    def __init__(
        self,
        screen: Screen,
        write: Callable[[bytes], Awaitable[None]],
        doing: Callable[[], Doing],
        clock: Clock,
        handed: Handed,
        own: Callable[[], float],
    ) -> None:
        """``handed`` is told how far each prompt has got; ``own`` is as in ``Leisure``."""
        self._screen = screen
        self._write = write
        self._doing = doing
        self._clock = clock
        self._handed = handed
        self._own = own
        #: The time that it has had since Enter may have been pressed last.
        self._leisure = Leisure(clock, own, inf)
        #: How often others have typed.
        self._others = 0
        #: Those that were submitted, and that no turn was seen to have: each by its key, as its
        #: text and the rows that were shown before.
        self._submitted: dict[str, tuple[str, tuple[str, ...]]] = {}
        #: Why nothing more is done for what was typed.
        self._stopped = ""
        self._over = False

    def close(self) -> None:
        """The screen is gone, and nothing will be seen of what is typed."""
        self._over = True

    def stop(self, why: str) -> None:
        """Give up what is typed and was not submitted."""
        self._stopped = why

    @property
    def settled_at(self) -> float:
        """When it is known what what was typed last has brought about; it may be long ago."""
        return self._clock.monotonic() + LOOK if self._unsettled else -inf

    @property
    def due(self) -> float:
        """When to look again though nothing is new; infinite where only news can change it."""
        return self._leisure.due if self._unsettled else inf

    @property
    def _unsettled(self) -> bool:
        return self._leisure.seconds < (_PATIENCE if self._submitted else _SETTLES)

    def pressed(self) -> None:
        """Somebody else has typed, Enter perhaps."""
        self._leisure = Leisure(self._clock, self._own)
        self._others += 1

    def check(self, text: str, *, now: bool) -> None:
        """Raises BadInput for what can never be typed, or not ``now``; Conflict."""
        if self._over:
            raise Conflict("its terminal is gone")
        delivery.check(text, pastes=self._screen.marks.pastes or not now)

    def in_the_way(self) -> str:
        """What is in the way of one who would type; empty where nothing is."""
        empty = delivery.is_empty(self._screen.rows(), self._screen.cursor)
        return "" if empty else "something else stands in its input line"

    async def write(self, key: str, text: str) -> tuple[str, ...]:
        """Type it, without Enter; the rows that were shown before. Raises what writing raises."""
        before, self._stopped = self._screen.rows(), ""
        try:
            await self._write(delivery.keys(text, pastes=self._screen.marks.pastes))
        except InspanError as error:
            self._handed.write(key)  # some of it, perhaps
            self._handed.lose(key, error.message)
            raise
        self._handed.write(key)
        return before

    async def send(self, key: str, text: str, before: tuple[str, ...]) -> None:
        """Press Enter once it is shown, as far as that can be seen to succeed.

        However long that takes: it is lost when the agent has had time to show it, and did not.
        """
        try:
            if not await self._until(lambda: self._shows(text), _PATIENCE):
                self._handed.lose(key, self._stopped or _NOT_SHOWN)
                return
            self._handed.reach(key, Stage.ECHOED)
            await self._until(lambda: False, _GAP)
            if self._stopped:
                self._handed.lose(key, self._stopped)
                return
            await self._write(delivery.ENTER)
        except InspanError as error:
            self._handed.lose(key, error.message)
            raise
        self._leisure = Leisure(self._clock, self._own)
        if await self._goes(key, text):
            self._handed.reach(key, Stage.SUBMITTED)
            self._submitted[key] = text, before
            self.looked()

    async def _goes(self, key: str, text: str) -> bool:
        """Whether it leaves the input line. What has had its Enter may go at any time."""
        others = self._others
        if await self._until(lambda: not self._shows(text), _PATIENCE):
            return True
        self._handed.reach(key, Stage.ECHOED, _NOT_SENT)
        if await self._until(lambda: self._others != others or not self._shows(text), inf):
            if self._others == others:
                return True
            self._stopped = _INTERFERED
        self._handed.lose(key, self._stopped or _NOT_SENT)
        return False

    def looked(self) -> None:
        """The screen was looked at: one that works, or asks, has a turn.

        So has one that shows something new below the prompt: a turn may be over in a moment.
        What stands in the input line again was not taken.
        """
        if self._unsettled:
            self._leisure.look()
        busy = self._doing() in (Doing.WORKING, Doing.WAITING)
        for key, (text, before) in tuple(self._submitted.items()):
            if (busy and not self._shows(text)) or self._answers(text, before):
                self._handed.start(key)
                del self._submitted[key]

    def _answers(self, text: str, before: tuple[str, ...]) -> bool:
        return delivery.answered(self._screen.rows(), self._screen.cursor, text, before)

    def _shows(self, text: str) -> bool:
        return delivery.shows(self._screen.rows(), self._screen.cursor, text)

    async def _until(self, seen: Callable[[], bool], patience: float) -> bool:
        """Whether it is seen before the agent has had so many seconds for it, or it is over."""
        leisure = Leisure(self._clock, self._own)
        while not self._over and not self._stopped:
            if seen():
                return True
            if leisure.look() >= patience:
                return False
            await self._clock.sleep(_LOOK)
        return False
