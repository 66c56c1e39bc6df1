"""Runs cells of a session that is this program's own; knows no prompt."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from inspan.cli import exits

if TYPE_CHECKING:
    from inspan.cli.cellview import View
    from inspan.kernel import protocol as p
    from inspan.kernel.host.cell import Cell
    from inspan.kernel.host.session import KernelSession


class Runner:
    """One session, one cell at a time."""

    def __init__(self, session: KernelSession, view: View) -> None:
        self.session = session
        self.view = view
        self._running: Cell | None = None
        self._interrupts: set[asyncio.Task[object]] = set()

    async def silently(self, code: str) -> None:
        """Prepare the session."""
        await (await self.session.execute(code, silent=True)).outcome()

    async def run(self, code: str) -> int:
        """Run one cell to its end; the exit status that it stands for."""
        from inspan.kernel import protocol as p
        from inspan.kernel.host.cell import Output

        self._running = await self.session.execute(code)
        status = exits.FAILED
        try:
            async for item in self._running:
                match item:
                    case Output():
                        self.view.printed(item.stream, item.data)
                    case p.Display():
                        self.view.displayed(item.data)
                    case p.Input():
                        line = await self.view.line(item.prompt, password=item.password)
                        self.session.answer(item.request, line)
                    case p.Result():
                        status = self.view.ended(item.value, item.repr, item.execution_time)
                    case p.Error():
                        status = self._raised(item)
        finally:
            self._running = None
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

    def _raised(self, error: p.Error) -> int:
        return self.view.raised(
            error.name,
            error.message,
            error.traceback,
            seconds=error.execution_time,
            interrupted=error.interrupted,
            status=error.status,
        )
