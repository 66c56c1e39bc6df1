"""Reads a code session's transcript on, for as long as somebody looks, over daemons that go away.

It knows the place after which it goes on: nothing is read twice, and nothing is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing

import anyio
import anyio.lowlevel

from inspan.control import Control
from inspan.errors import DaemonUnreachable, FellBehind, InspanError
from inspan.tui.again import Again
from inspan.tui.clock import Clock
from inspan.tui.notebook import Notebook


class Reading:
    """Of one session. ``told`` hears why nothing comes."""

    def __init__(
        self,
        control: Control,
        session: str,
        notebook: Notebook,
        clock: Clock,
        told: Callable[[str], None],
    ) -> None:
        self._control = control
        self._session = session
        self._notebook = notebook
        self._clock = clock
        self._told = told
        self._again = anyio.Event()
        #: Whether all is read of a session that is over.
        self.over = False

    def again(self) -> None:
        """It has a new process: read on."""
        self._again.set()

    async def run(self) -> None:
        """For ever."""
        again = Again(self._clock)
        while True:
            before = self._notebook.seq
            try:
                await self._follow()
                await self._rest()
                continue
            except FellBehind:
                continue
            except DaemonUnreachable as error:
                self._told(error.message)
            except InspanError as error:  # it is gone, or was never there
                self._told(error.message)
                await self._rest()
                continue
            if self._notebook.seq > before:
                again.well()
            await again.pause()

    async def _follow(self) -> None:
        events = self._control.code.follow(self._session, self._notebook.seq)
        async with aclosing(events):
            async for event in events:
                self._notebook.take(event)
                await anyio.lowlevel.checkpoint()  # a long transcript comes at once

    async def _rest(self) -> None:
        """It is over, until somebody gives it a new process."""
        self.over = True
        await self._again.wait()
        self._again, self.over = anyio.Event(), False
