"""Runs cells of a code session and puts what they send where it belongs; knows no prompt."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any, Final

from inspan.cli import exits
from inspan.cli.say import note

if TYPE_CHECKING:
    from inspan.kernel import protocol as p
    from inspan.kernel.host.cell import Cell
    from inspan.kernel.host.session import KernelSession

_TEXT: Final = "text/plain"


class Runner:
    """One session, one cell at a time."""

    def __init__(self, session: KernelSession, *, shown: bool, as_json: bool = False) -> None:
        """``shown``: the value of a cell's last expression is printed."""
        self.session = session
        self._shown = shown
        self._told: dict[str, Any] | None = {"stdout": "", "stderr": ""} if as_json else None
        self._running: Cell | None = None
        self._interrupts: set[asyncio.Task[object]] = set()
        #: The program was left by ``exit()`` or ``sys.exit()``.
        self.left = False

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
                        self._print(item.stream, item.data)
                    case p.Display():
                        self._print("stdout", f"{item.data.get(_TEXT, '')}\n".encode())
                    case p.Input():
                        self.session.answer(item.request, await self._line(item))
                    case p.Ask():
                        self.session.settle(item.promise, error="this session has no host to ask")
                    case p.Result():
                        status = self._result(item)
                    case p.Error():
                        status = self._error(item)
        finally:
            self._running = None
        return status

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

    def _print(self, stream: str, data: bytes) -> None:
        if self._told is not None:
            self._told[stream] += data.decode(errors="replace")
            return
        target = sys.stdout if stream == "stdout" else sys.stderr
        target.flush()
        target.buffer.write(data)
        target.flush()

    async def _line(self, asked: p.Input) -> str | None:
        from getpass import getpass

        try:
            if asked.password:
                return await asyncio.to_thread(getpass, asked.prompt)
            self._print("stdout", asked.prompt.encode())
            line = await asyncio.to_thread(sys.stdin.readline)
        except EOFError:
            return None
        return line.rstrip("\n") if line else None

    def _result(self, result: p.Result) -> int:
        if self._told is not None:
            took = result.execution_time
            self._tell({"value": result.value, "repr": result.repr, "seconds": took})
        elif self._shown and result.repr is not None:
            print(result.repr, flush=True)
        return exits.DONE

    def _error(self, error: p.Error) -> int:
        status = exits.INTERRUPTED if error.interrupted else exits.FAILED
        if error.name == "SystemExit":
            self.left = True
            status = _code(error.message)
        if self._told is not None:
            about = {"name": error.name, "message": error.message, "traceback": error.traceback}
            self._tell({"error": about, "seconds": error.execution_time})
        elif error.name != "SystemExit":
            lines = (line.rstrip("\n") for line in error.traceback)
            self._print("stderr", "".join(f"{line}\n" for line in lines).encode())
        elif error.message and not _number(error.message):
            note(error.message)
        return status

    def _tell(self, more: dict[str, Any]) -> None:
        print(json.dumps({**(self._told or {}), **more}), flush=True)


def _number(text: str) -> bool:
    return text.removeprefix("-").isdigit()


def _code(message: str) -> int:
    """What the system makes of ``sys.exit``: nothing is 0, a number is that, words are 1."""
    if not message or message == "None":
        return exits.DONE
    return int(message) & 0xFF if _number(message) else exits.FAILED
