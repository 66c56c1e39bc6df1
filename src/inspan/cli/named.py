"""Runs cells of a session that outlives this program, and that others may use, too.

It speaks to the daemon and knows no prompt. What a cell prints is followed by its number in the
session's transcript, so that nothing is missing where the daemon was killed in between.
"""

from __future__ import annotations

import asyncio
import math
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final

from inspan.cli import exits, reach
from inspan.cli.py_open import what_now
from inspan.cli.py_which import called
from inspan.cli.say import clean, note, out
from inspan.errors import Conflict, DaemonUnreachable, FellBehind, SessionDied
from inspan.model import code as c

if TYPE_CHECKING:
    from inspan.cli.cellview import View
    from inspan.control import Code

#: How often the daemon may go away under one cell.
_LOSSES_MOST: Final = 20
#: Seconds after which it is said that a cell waits for others, or does not listen.
_PATIENCE: Final = 1.0


class Named:
    """One session, one cell of ours at a time."""

    def __init__(self, code: Code, session: c.CodeSession, view: View) -> None:
        self.view = view
        self._code = code
        self._session = session
        self._name = called(session)
        self._running: str | None = None
        self._interrupt: asyncio.Task[Any] | None = None
        #: Set where the person will not wait for a cell that does not listen.
        self._left = asyncio.Event()
        self._reading: asyncio.Task[None] | None = None
        self._reminder: asyncio.TimerHandle | None = None

    async def greet(self) -> None:
        """What a person sees first."""
        folder = clean(self._session.spec.cwd)
        out(f"Python in the session {clean(self._name)}, in {folder}; Ctrl-D leaves it open")

    async def silently(self, code: str) -> None:
        """Prepare the session."""
        silent = c.CellOptions(silent=True)
        async with aclosing(self._code.run(self._session.id, code, silent)) as events:
            async for _ in events:
                continue

    async def run(self, code: str, file: str | None = None) -> int:
        """Run one cell, of ``file``, to its end; its exit status. Raises SessionDied."""
        await asyncio.to_thread(reach.ensure)
        options = c.CellOptions(file=file)
        cell = await self._code.execute(self._session.id, code, options)
        self._running, self._interrupt, self._reading = cell.id, None, None
        self._left.clear()
        self._remind("it waits: another cell of the session runs")
        following = asyncio.ensure_future(self._follow(cell.id))
        leaving = asyncio.ensure_future(self._left.wait())
        try:
            await asyncio.wait({following, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if following.done():
                return following.result()
        finally:
            self._running = None
            self._quiet()
            beside = [following, leaving, *self._beside()]
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
        note(
            f"cell {cell.number} runs on; `inspan py interrupt {self._name} --kill-after 0s` ends"
            " it, with its process and all names"
        )
        return exits.INTERRUPTED

    async def complete(self, code: str, cursor: int) -> tuple[tuple[str, ...], int]:
        """What could follow at ``cursor``, and where that begins."""
        found = await self._code.complete(self._session.id, code, cursor)
        return found.matches, found.start

    def interrupt(self) -> None:
        """Ctrl-C: interrupt the cell, and never the session. A second time: leave it alone."""
        if self._running is None:
            return
        if self._interrupt is not None:
            self._left.set()
            return
        self._ask_to_end(self._running)
        self._remind("it does not listen yet; Ctrl-C once more leaves it running")

    # ── what comes ────────────────────────────────────────────────────────────

    async def _follow(self, cell: str) -> int:
        since: int | None = None
        for _ in range(_LOSSES_MOST):
            try:
                events = self._code.follow(self._session.id, since, cell=cell)
                async with aclosing(events):
                    async for event in events:
                        since = event.seq
                        status = await self._show(event.fact)
                        if status is not None:
                            return status
            except FellBehind:
                continue
            except DaemonUnreachable:
                await self._rejoin()
        raise DaemonUnreachable("the daemon went away again and again", hint=self._log())

    async def _rejoin(self) -> None:
        """Find the next daemon. Raises DaemonUnreachable where somebody wanted none."""
        try:
            (await asyncio.to_thread(reach.successor)).close()
        except DaemonUnreachable as error:
            raise DaemonUnreachable(
                f"{error.message}; the cell runs on", hint=self._log()
            ) from error
        if self._interrupt is not None and self._running is not None:
            self._ask_to_end(self._running)

    def _log(self) -> str:
        return f"`inspan py log {self._name}` starts it again and shows what came of the cell."

    async def _show(self, fact: c.CodeFact) -> int | None:
        match fact:
            case c.CellBegan() if self._interrupt is None:
                self._quiet()
            case c.Printed():
                data = fact.text.encode(errors="surrogateescape")
                self.view.printed(fact.stream, data)
            case c.Shown():
                self.view.displayed(fact.data)
            case c.Wanted():
                self._reading = asyncio.ensure_future(self._answer(fact))
            case c.Given() if self._reading is not None:
                self._reading.cancel()
            case c.CellEnded():
                return await self._end(fact.end)
        return None

    async def _answer(self, wanted: c.Wanted) -> None:
        line = await self.view.line(wanted.prompt, password=wanted.password)
        try:
            await self._code.answer(self._session.id, wanted.request, line)
        except Conflict:
            # Somebody else was quicker, or the cell was interrupted meanwhile.
            return

    async def _end(self, end: c.CellEnd) -> int:
        if end.state is c.CellState.LOST:
            raise await self._died()
        if end.error is None:
            return self.view.ended(end.value, end.repr, end.seconds)
        return self.view.raised(
            end.error.name,
            end.error.message,
            end.error.traceback,
            seconds=end.seconds,
            interrupted=end.state is c.CellState.INTERRUPTED,
            status=end.error.status,
        )

    async def _died(self) -> SessionDied:
        found = await self._code.get(self._session.id)
        why = "" if found.reason is None else f": {found.reason.message}"
        hint = what_now(found, await self._code.checkpoints(found.id))
        return SessionDied(f"the session {self._name} ended before the cell did{why}", hint=hint)

    # ── within ────────────────────────────────────────────────────────────────

    def _ask_to_end(self, cell: str) -> None:
        asked = self._code.interrupt(self._session.id, cell, deadline=math.inf)
        self._interrupt = asyncio.ensure_future(asked)

    def _remind(self, words: str) -> None:
        self._quiet()
        self._reminder = asyncio.get_running_loop().call_later(_PATIENCE, note, words)

    def _quiet(self) -> None:
        if self._reminder is not None:
            self._reminder.cancel()

    def _beside(self) -> list[asyncio.Task[Any]]:
        return [task for task in (self._interrupt, self._reading) if task is not None]
