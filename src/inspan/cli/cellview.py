"""Puts what a cell sends where it belongs: the streams, a line that it waits for, its end.

It knows no session: the same serves one of this program's own and one that others use, too.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

from inspan.cli import exits

_TEXT: Final = "text/plain"


class View:
    """What one program shows of its cells; with ``as_json`` one object for each."""

    def __init__(self, *, shown: bool, as_json: bool = False) -> None:
        """``shown``: the value of a cell's last expression is printed."""
        self._shown = shown
        self._told: dict[str, Any] | None = {"stdout": "", "stderr": ""} if as_json else None
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
        """The line that a cell waits for; ``None`` at the end of the input."""
        from getpass import getpass

        try:
            if password:
                return await asyncio.to_thread(getpass, prompt)
            self.printed("stdout", prompt.encode())
            line = await asyncio.to_thread(sys.stdin.readline)
        except EOFError:
            return None
        return line.rstrip("\n") if line else None

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
