"""Prompts for an agent on a terminal, each typed in its turn: at once, or when it is idle again.

It decides when, and the typist types. It knows no agent and no task; whoever has one tells what the
screen is said to do, and whether a person types there.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from math import inf
from typing import Final

import anyio

from inspan.agents.handed import TURN_GOES_ON, Handed
from inspan.engine.ports import Clock
from inspan.errors import InspanError
from inspan.model.receipt import Arrival
from inspan.providers.keptprompts import KeptPrompts
from inspan.providers.typist import Typist

log = logging.getLogger(__name__)

#: Seconds between two looks whether a person has left the terminal.
_LOOK: Final = 1.0
_TAKEN: Final = "somebody types into its terminal"


class InTurn:
    """Of one terminal. Whoever makes one closes it, and then nothing is typed any more."""

    def __init__(
        self,
        typist: Typist,
        handed: Handed,
        kept: KeptPrompts,
        free_at: Callable[[], float],
        clock: Clock,
        awake: Callable[[], None],
    ) -> None:
        """``free_at``: from when on the agent is free, as far as is known now.

        ``awake`` is called when there is something to tell or to do.
        """
        self._typist = typist
        self._handed = handed
        self._kept = kept
        self._free_at = free_at
        self._clock = clock
        self._awake = awake
        #: When to ``go_on`` without any news; infinite where only news can change anything.
        self.due = inf
        self.taken: Callable[[], bool] = lambda: False
        self._typing = False
        self._next: asyncio.Task[None] | None = None
        #: Held while it is changed what waits, here and in the file.
        self._changing = anyio.Lock(fast_acquire=True)

    def resume(self) -> None:
        """Take up what an earlier engine left."""
        for key, text in self._kept.load():
            self._handed.hold(key, text)

    def check(self, text: str) -> None:
        """Raises BadInput for what can never be typed, Conflict, and InputFull."""
        now = self._handed.next is None and self._busy_until() is None
        self._typist.check(text, now=now)
        self._handed.check_room()

    async def take(self, key: str, text: str) -> Arrival:
        """Type it, or have it wait; what becomes of it then is not waited for.

        Raises what writing raises, and StoreFailed.
        """
        if self._handed.next is None and not self._hindrance():
            await self._type(key, text)
        else:
            async with self._changing:
                await self._kept.save((*self._handed.held, (key, text)))
                self._handed.hold(key, text)
            self._awake()
        return self._handed.arrivals[key]

    def go_on(self) -> None:
        """Begin to type the first of those that wait, where it is time."""
        self.due = inf
        first = self._handed.next
        if first is None or self._typing:
            return
        key, text = first
        why = self._hindrance()
        if why:
            self._handed.wait(key, why)
        else:
            self._typing = True
            self._next = asyncio.ensure_future(self._watched(self._type_next(key, text)))

    async def drop(self, why: str) -> None:
        """Nothing of what waits is typed any more, nor is Enter pressed."""
        self._typist.stop(why)
        if self._handed.next is None:
            return
        self._handed.drop(why)
        self._awake()
        try:
            async with self._changing:
                await self._kept.save(self._handed.held)
        except InspanError as error:
            log.warning("%s", error)

    async def close(self) -> None:
        """Type nothing more; what waits goes on waiting."""
        with anyio.CancelScope(shield=True):
            if self._next is not None:
                self._next.cancel()
                await asyncio.gather(self._next, return_exceptions=True)

    async def _type(self, key: str, text: str) -> None:
        self._typing = True
        try:
            before = await self._typist.write(key, text)
        except BaseException:
            self._typing = False
            raise
        self._next = asyncio.ensure_future(self._watched(self._typist.send(key, text, before)))

    async def _type_next(self, key: str, text: str) -> None:
        try:
            async with self._changing:
                # Before it is typed: nobody is to type it again.
                await self._kept.save([one for one in self._handed.held if one[0] != key])
                self._handed.release(key)
            self._typist.check(text, now=True)
            before = await self._typist.write(key, text)
        except InspanError as error:
            self._handed.lose(key, error.message)
            raise
        await self._typist.send(key, text, before)

    async def _watched(self, typing: Coroutine[None, None, None]) -> None:
        """Nobody waits for it, and who has the receipt is told."""
        try:
            await typing
        except InspanError as error:
            log.debug("%s", error)
        finally:
            self._typing = False
            self._awake()

    def _busy_until(self) -> float | None:
        """Until when it is busy at least; ``None`` where it is not."""
        until = inf if self._typing else max(self._free_at(), self._typist.settled_at)
        return until if self._clock.monotonic() < until else None

    def _hindrance(self) -> str:
        """Why nothing can be typed now; empty where it can."""
        until = self._busy_until()
        if until is not None:
            self.due = until
            return TURN_GOES_ON
        if self.taken():
            self.due = self._clock.monotonic() + _LOOK
            return _TAKEN
        return self._typist.in_the_way()
