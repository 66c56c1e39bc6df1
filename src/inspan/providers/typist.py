"""Types a prompt into an agent's terminal, and watches what becomes of it there.

Enter is pressed only when the terminal shows the text: one that does not is not taking it. It knows
no agent and no task; whoever has one tells what the screen is said to do.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from inspan.engine.ports import Clock
from inspan.errors import Conflict, InspanError
from inspan.model.activity import Doing
from inspan.model.receipt import Arrival, Stage
from inspan.terminal import delivery
from inspan.terminal.screen import Screen

#: Seconds between two looks, and for which is looked at most: faces take seconds for a long paste.
_LOOK: Final = 0.05
_PATIENCE: Final = 10.0
#: Seconds between text and Enter: faces take what comes at once for a paste.
_GAP: Final = 0.2

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
    ) -> None:
        self._screen = screen
        self._write = write
        self._doing = doing
        self._clock = clock
        #: How far each prompt has got, by its key.
        self.arrivals: dict[str, Arrival] = {}
        #: Those that were submitted, and that no turn was seen to have: each by its key, as its
        #: text and the rows that were shown before.
        self._submitted: dict[str, tuple[str, tuple[str, ...]]] = {}
        #: The one that is being typed.
        self._typing = ""
        self._over = False

    def close(self) -> None:
        """The screen is gone, and nothing will be seen of what is typed."""
        self._over = True

    def check(self, text: str) -> None:
        """Raises BadInput for what can never be typed, Conflict for what cannot be now."""
        if self._over:
            raise Conflict("its terminal is gone")
        delivery.check(text, pastes=self._screen.marks.pastes)
        doing = self._doing()
        if doing is Doing.WORKING:
            raise Conflict(
                "it works, and what is typed now might be lost",
                hint="Send it when it is idle; `inspan attach` types at any time.",
            )
        if doing is Doing.WAITING:
            raise Conflict("it waits for an answer", hint="`inspan answer ID` gives it.")
        if not delivery.is_empty(self._screen.rows(), self._screen.cursor):
            raise Conflict(
                "something else stands in its input line",
                hint="`inspan attach` shows it, and can take it away.",
            )

    async def type(self, key: str, text: str) -> Arrival:
        """Type it and press Enter, as far as that can be seen to succeed."""
        self._typing = key
        before = self._screen.rows()
        try:
            await self._write(delivery.keys(text, pastes=self._screen.marks.pastes))
            self.arrivals[key] = Arrival(Stage.WRITTEN)
            arrival = await self._sent(text)
        except InspanError as error:
            arrival = self.arrivals[key] = Arrival(Stage.WRITTEN, lost=True, why=error.message)
            raise
        finally:
            self._typing = ""
        if arrival.stage is Stage.SUBMITTED:
            self._submitted[key] = text, before
        self.arrivals[key] = arrival
        self.looked()
        return self.arrivals[key]

    async def _sent(self, text: str) -> Arrival:
        if not await self._until(lambda: self._shows(text)):
            return Arrival(Stage.WRITTEN, lost=True, why=_NOT_SHOWN)
        self.arrivals[self._typing] = Arrival(Stage.ECHOED)
        await self._clock.sleep(_GAP)
        await self._write(delivery.ENTER)
        if not await self._until(lambda: not self._shows(text)):
            return Arrival(Stage.ECHOED, lost=True, why=_NOT_SENT)
        return Arrival(Stage.SUBMITTED)

    def looked(self) -> None:
        """The screen was looked at: one that works, or asks, has a turn.

        So has one that shows something new below the prompt: a turn may be over in a moment.
        """
        busy = self._doing() in (Doing.WORKING, Doing.WAITING)
        for key, (text, before) in tuple(self._submitted.items()):
            if busy or self._answers(text, before):
                self.arrivals[key] = Arrival(Stage.STARTED)
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
