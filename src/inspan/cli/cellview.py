"""Puts what a cell sends where it belongs: the streams, a line that it waits for, its end.

It knows no session: the same serves one of this program's own and one that others use, too.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, Final

from inspan.cli import exits

_TEXT: Final = "text/plain"
#: Bytes asked of standard input at once.
_READ: Final = 1 << 16


class View:
    """What one program shows of its cells; with ``as_json`` one object for each."""

    def __init__(self, *, shown: bool, as_json: bool = False) -> None:
        """``shown``: the value of a cell's last expression is printed."""
        self._shown = shown
        self._told: dict[str, Any] | None = {"stdout": "", "stderr": ""} if as_json else None
        self._lines = _Lines()
        #: The program was left by ``exit()`` or ``sys.exit()``.
        self.left = False

    def printed(self, stream: str, data: bytes) -> None:
        """Bytes of ``stdout`` or ``stderr``, as they are."""
        if self._told is not None:
            self._told[stream] += data.decode(errors="replace")
            return
        target = sys.stdout if stream == "stdout" else sys.stderr
        target.flush()
        target.buffer.write(data)
        target.flush()

    def displayed(self, data: Mapping[str, Any]) -> None:
        """A rich value, by MIME type."""
        self.printed("stdout", f"{data.get(_TEXT, '')}\n".encode())

    async def line(self, prompt: str, *, password: bool) -> str | None:
        """The line that a cell waits for; ``None`` at the end of the input. May be cancelled."""
        self.printed("stdout", prompt.encode())
        with _unseen() if password and sys.stdin.isatty() else nullcontext():
            return await self._lines.next()

    def ended(self, value: Any, shown: str | None, seconds: float) -> int:
        """It ended well; the exit status that this stands for."""
        if self._told is not None:
            self._tell({"value": value, "repr": shown, "seconds": seconds})
        elif self._shown and shown is not None:
            print(shown, flush=True)
        return exits.DONE

    def raised(
        self,
        name: str,
        message: str,
        traceback: Sequence[str],
        *,
        seconds: float,
        interrupted: bool,
        status: int | None,
    ) -> int:
        """It raised; the exit status that this stands for.

        ``status`` is that of SystemExit, whose ``message`` a program would print.
        """
        if self._told is not None:
            about = {"name": name, "message": message, "traceback": list(traceback)}
            self._tell({"error": about, "seconds": seconds})
        elif status is None:
            lines = (line.rstrip("\n") for line in traceback)
            self.printed("stderr", "".join(f"{line}\n" for line in lines).encode())
        elif message:
            self.printed("stderr", f"{message}\n".encode(errors="replace"))
        if status is not None:
            self.left = True
            return status & 0xFF
        return exits.INTERRUPTED if interrupted else exits.FAILED

    def _tell(self, more: dict[str, Any]) -> None:
        told = self._told or {}
        print(json.dumps({**told, **more}), flush=True)
        told.update(stdout="", stderr="")


class _Lines:
    """Lines of standard input, from the file descriptor: a wait that is cancelled blocks nothing.

    It holds what came behind a line, which is one read at most and the line before it.
    """

    def __init__(self) -> None:
        self._held = b""

    async def next(self) -> str | None:
        """The next line; ``None`` at the end."""
        fd = sys.stdin.fileno()
        while b"\n" not in self._held:
            await _readable(fd)
            data = os.read(fd, _READ)
            if not data:
                break
            self._held += data
        line, newline, self._held = self._held.partition(b"\n")
        if not line and not newline:
            return None
        return line.decode(sys.stdin.encoding, "replace")


async def _readable(fd: int) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    try:
        loop.add_reader(fd, ready.set)
    except PermissionError:
        # A plain file, which is always readable and cannot be waited for.
        return
    try:
        await ready.wait()
    finally:
        loop.remove_reader(fd)


@contextmanager
def _unseen() -> Iterator[None]:
    """What is typed is not shown."""
    import termios

    fd = sys.stdin.fileno()
    before = termios.tcgetattr(fd)
    quiet = [*before]
    quiet[3] &= ~termios.ECHO
    termios.tcsetattr(fd, termios.TCSADRAIN, quiet)
    try:
        yield
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)
        # The one that was typed.
        print(flush=True)
