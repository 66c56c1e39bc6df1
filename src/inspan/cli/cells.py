"""Runs cells of a session that is this program's own; knows no prompt."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from inspan import __version__
from inspan.cli import exits
from inspan.cli.say import out
from inspan.errors import SessionDied

if TYPE_CHECKING:
    from inspan.cli.cellview import View
    from inspan.kernel import protocol as p
    from inspan.kernel.host.cell import Cell
    from inspan.kernel.host.session import KernelSession

_GONE: Final = (
    "Its names are gone; those of a session that stays can be saved: `inspan py --session NAME`."
)


class Runner:
    """One session, one cell at a time."""

    def __init__(self, session: KernelSession, view: View) -> None:
        self.session = session
        self.view = view
        self._running: Cell | None = None
        self._interrupts: set[asyncio.Task[object]] = set()
        self._reading: asyncio.Task[None] | None = None

    async def greet(self) -> None:
        """What a person sees first."""
        out(f"Python {self.session.ready.python} in a session of inspan {__version__}")

    async def silently(self, code: str) -> None:
        """Prepare the session."""
        await (await self.session.execute(code, silent=True)).outcome()

    async def run(self, code: str, file: str | None = None) -> int:
        """Run one cell, of ``file``, to its end; the exit status that it stands for."""
        from inspan.kernel import protocol as p
        from inspan.kernel.host.cell import Output

        self._running, self._reading = await self.session.execute(code, file=file), None
        status = exits.FAILED
        try:
            async for item in self._running:
                match item:
                    case Output():
                        self.view.printed(item.stream, item.data)
                    case p.Display():
                        self.view.displayed(item.data)
                    case p.Input():
                        self._reading = asyncio.ensure_future(self._answer(item))
                    case p.Result():
                        status = self.view.ended(item.value, item.repr, item.execution_time)
                    case p.Error():
                        status = self._raised(item)
        except SessionDied as error:
            if error.hint != SessionDied.default_hint:
                raise
            raise SessionDied(error.message, hint=_GONE) from None
        finally:
            self._running = None
            if self._reading is not None:
                # The cell was interrupted while it waited for a line.
                self._reading.cancel()
                await asyncio.gather(self._reading, return_exceptions=True)
        return status

    async def complete(self, code: str, cursor: int) -> tuple[tuple[str, ...], int]:
        """What could follow at ``cursor``, and where that begins."""
        found = await self.session.complete(code, cursor)
        return found.matches, found.start

    def interrupt(self) -> None:
        """Ctrl-C: end the running cell, whatever it takes."""
        if self._running is not None and not self._interrupts:
            work = self.session.interrupt(self._running.execution_id)
            task = asyncio.ensure_future(work)
            self._interrupts.add(task)
            task.add_done_callback(self._interrupts.discard)

    async def settled(self) -> None:
        """Return once no interrupt is under way."""
        await asyncio.gather(*self._interrupts, return_exceptions=True)

    async def _answer(self, asked: p.Input) -> None:
        line = await self.view.line(asked.prompt, password=asked.password)
        self.session.answer(asked.request, line)

    def _raised(self, error: p.Error) -> int:
        return self.view.raised(
            error.name,
            error.message,
            error.traceback,
            seconds=error.execution_time,
            interrupted=error.interrupted,
            status=error.status,
        )
