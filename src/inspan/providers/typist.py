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
from inspan.terminal import delivery
from inspan.terminal.screen import Screen

#: Seconds between two looks, and for which is looked at most: faces take seconds for a long paste.
_LOOK: Final = 0.05
_PATIENCE: Final = 10.0
#: Seconds between text and Enter: faces take what comes at once for a paste.
_GAP: Final = 0.2
#: Seconds after Enter in which it may not be seen yet that the turn goes on which that began.
_SETTLES: Final = 1.5

_NOT_SHOWN: Final = (
    "its terminal did not show it, so Enter was not pressed; `inspan attach` shows why"
)
_NOT_SENT: Final = "it stands in the input line after Enter, too; `inspan attach` shows why"


class Typist:
    """One terminal; ``doing`` tells what it is shown to do by now."""

    def __init__(
        self,
        screen: Screen,
        write: Callable[[bytes], Awaitable[None]],
        doing: Callable[[], Doing],
        clock: Clock,
        handed: Handed,
    ) -> None:
        """``handed`` is told how far each prompt has got."""
        self._screen = screen
        self._write = write
        self._doing = doing
        self._clock = clock
        self._handed = handed
        #: When Enter may have been pressed last.
        self._entered = -inf
        #: Those that were submitted, and that no turn was seen to have: each by its key, as its
        #: text and the rows that were shown before.
        self._submitted: dict[str, tuple[str, tuple[str, ...]]] = {}
        self._over = False

    def close(self) -> None:
        """The screen is gone, and nothing will be seen of what is typed."""
        self._over = True

    @property
    def settled_at(self) -> float:
        """When it is known what what was typed last has brought about; it may be long ago."""
        return self._entered + (_PATIENCE if self._submitted else _SETTLES)

    def pressed(self) -> None:
        """Somebody else has typed, Enter perhaps."""
        self._entered = self._clock.monotonic()

    def check(self, text: str, *, now: bool) -> None:
        """Raises BadInput for what can never be typed, or not ``now``; Conflict."""
        if self._over:
            raise Conflict("its terminal is gone")
        delivery.check(text, pastes=self._screen.marks.pastes or not now)

    def in_the_way(self) -> str:
        """What is in the way of one who would type; empty where nothing is."""
        empty = delivery.is_empty(self._screen.rows(), self._screen.cursor)
        return "" if empty else "something else stands in its input line"

    async def type(self, key: str, text: str) -> None:
        """Type it and press Enter, as far as that can be seen to succeed."""
        before = self._screen.rows()
        try:
            await self._write(delivery.keys(text, pastes=self._screen.marks.pastes))
            self._handed.write(key)
            await self._send(key, text, before)
        except InspanError as error:
            self._handed.write(key)  # some of it, perhaps
            self._handed.lose(key, error.message)
            raise
        self.looked()

    async def _send(self, key: str, text: str, before: tuple[str, ...]) -> None:
        if not await self._until(lambda: self._shows(text)):
            self._handed.lose(key, _NOT_SHOWN)
            return
        self._handed.reach(key, Stage.ECHOED)
        await self._clock.sleep(_GAP)
        await self._write(delivery.ENTER)
        self._entered = self._clock.monotonic()
        if not await self._until(lambda: not self._shows(text)):
            self._handed.lose(key, _NOT_SENT)
            return
        self._handed.reach(key, Stage.SUBMITTED)
        self._submitted[key] = text, before

    def looked(self) -> None:
        """The screen was looked at: one that works, or asks, has a turn.

        So has one that shows something new below the prompt: a turn may be over in a moment.
        """
        busy = self._doing() in (Doing.WORKING, Doing.WAITING)
        for key, (text, before) in tuple(self._submitted.items()):
            if busy or self._answers(text, before):
                self._handed.start(key)
                del self._submitted[key]

    def _answers(self, text: str, before: tuple[str, ...]) -> bool:
        return delivery.answered(self._screen.rows(), self._screen.cursor, text, before)

    def _shows(self, text: str) -> bool:
        return delivery.shows(self._screen.rows(), self._screen.cursor, text)

    async def _until(self, seen: Callable[[], bool]) -> bool:
        end = self._clock.monotonic() + _PATIENCE
        while not self._over and self._clock.monotonic() < end:
            if seen():
                return True
            await self._clock.sleep(_LOOK)
        return False
