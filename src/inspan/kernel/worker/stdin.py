"""``input()``, ``getpass()`` and ``sys.stdin`` of a session: the host is asked for each line.

It knows neither the wire nor who answers.
"""

from __future__ import annotations

import builtins
import io
import os
import sys
import threading
from collections.abc import Callable
from typing import Any, Final

#: Sends a message after all that was printed before it.
Send = Callable[[dict[str, Any]], None]
#: The cell that code runs for.
Here = Callable[[], "str | None"]
#: Whether lines are answered now.
Allowed = Callable[[], bool]

_PROMPT_MOST: Final = 1 << 16


class Lines:
    """Asks for lines and waits for them, from any thread."""

    def __init__(self, send: Send, here: Here, allowed: Allowed) -> None:
        self._send, self._here, self._allowed = send, here, allowed
        self._waiting: dict[str, _Waiting] = {}
        self._number = 0
        self._counting = threading.Lock()

    def ask(self, prompt: str = "", *, password: bool = False) -> str | None:
        """The next line without its end; ``None`` at the end of input. Raises EOFError.

        On the main thread the session's loop stands still meanwhile.
        """
        if not self._allowed():
            raise EOFError("nobody answers input() here")
        here = self._here()
        with self._counting:
            self._number += 1
            request = f"input-{self._number}"
        waiting = self._waiting[request] = _Waiting()
        message = {"type": "input", "execution_id": here, "request": request}
        try:
            self._send({**message, "prompt": prompt[:_PROMPT_MOST], "password": password})
            waiting.come.acquire()  # noqa: SIM115, RUF100 - a wait that an interrupt can end
        finally:
            del self._waiting[request]
        return waiting.value

    def answer(self, request: str, value: str | None) -> None:
        """A line came. One that nobody waits for any more is let go."""
        waiting = self._waiting.get(request)
        if waiting is not None and waiting.come.locked():
            waiting.value = value
            waiting.come.release()


class _Waiting:
    __slots__ = ("come", "value")

    def __init__(self) -> None:
        self.value: str | None = None
        self.come = threading.Lock()
        self.come.acquire()


class Stdin(io.TextIOBase):
    """``sys.stdin``: each line is asked for; closing it does nothing."""

    encoding = "utf-8"
    errors = "strict"
    name = "<stdin>"
    mode = "r"

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._held = ""

    def readline(self, size: int | None = -1, /) -> str:  # type: ignore[override]  # None is -1
        if not self._held:
            line = self._lines.ask()
            self._held = "" if line is None else f"{line}\n"
        end = len(self._held) if size is None or size < 0 else size
        taken, self._held = self._held[:end], self._held[end:]
        return taken

    def read(self, size: int | None = -1, /) -> str:
        parts: list[str] = []
        left = sys.maxsize if size is None or size < 0 else size
        while left and (line := self.readline(left)):
            parts.append(line)
            left -= len(line)
        return "".join(parts)

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return 0

    def isatty(self) -> bool:
        return False

    def close(self) -> None:
        """``exit()`` closes it; the session goes on."""


def install(lines: Lines) -> None:
    """Let Python's own ways of reading a line ask the host. Descriptor 0 reads nothing."""
    nothing = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    os.dup2(nothing, 0)
    os.close(nothing)
    # Kept, for closing the stream would close our descriptor.
    install.former = sys.__stdin__  # type: ignore[attr-defined]  # a place that lives as long as we
    sys.stdin = sys.__stdin__ = Stdin(lines)  # type: ignore[assignment, misc]  # stands in for one

    def ask(prompt: object = "", /) -> str:
        """Read a line. The session's host is asked for it."""
        return _line(lines.ask(str(prompt)))

    def getpass(prompt: str = "Password: ", stream: object = None, **_: object) -> str:
        """Read a line that is not shown. The session's host is asked for it."""
        del stream
        return _line(lines.ask(prompt, password=True))

    ask.__name__ = ask.__qualname__ = "input"
    builtins.input = ask
    import getpass as module  # noqa: PLC0415  # its name is that of the function

    module.getpass = getpass


def _line(line: str | None) -> str:
    if line is None:
        raise EOFError("the input is at its end")
    return line
