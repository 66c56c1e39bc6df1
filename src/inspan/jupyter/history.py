"""The cells that one kernel has run, for ``history_request``. It ends with the kernel."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

from inspan.jupyter.wire import Message

#: The session that all lines are of: there is no other.
SESSION: Final = 1
#: Lines, and characters of them, that are kept; beyond these the oldest go.
MOST: Final = 10_000
MOST_TEXT: Final = 32 << 20


@dataclass(slots=True)
class Line:
    """A cell, and what it gave."""

    number: int
    code: str
    result: str | None = None


class History:
    """Oldest first."""

    def __init__(self) -> None:
        self._lines: deque[Line] = deque()
        self._size = 0

    def add(self, number: int, code: str, result: str | None) -> None:
        """A cell has ended."""
        self._lines.append(Line(number, code, result))
        self._size += len(code) + len(result or "")
        while len(self._lines) > MOST or (self._size > MOST_TEXT and len(self._lines) > 1):
            old = self._lines.popleft()
            self._size -= len(old.code) + len(old.result or "")

    def asked(self, request: Message) -> dict[str, Any]:
        """The content of a ``history_reply``. Raises WireError."""
        found: list[Line]
        match request.text("hist_access_type"):
            case "range":
                found = self._range(request)
            case "search":
                found = _last(self._matching(request), request.whole("n", MOST))
            case "tail":
                found = _last(self._lines, request.whole("n", 10))
            case _:
                found = []
        output = request.flag("output", default=False)
        lines = [
            [SESSION, line.number, [line.code, line.result] if output else line.code]
            for line in found
        ]
        return {"status": "ok", "history": lines}

    def _range(self, request: Message) -> list[Line]:
        """Session 0 is the present one, and a negative one was before it."""
        if request.whole("session", 0) not in (0, SESSION):
            return []
        start, stop = request.whole("start", 0), request.whole("stop", 1 << 62)
        return [line for line in self._lines if start <= line.number < stop]

    def _matching(self, request: Message) -> list[Line]:
        pattern = request.content.get("pattern") or "*"
        found = [line for line in self._lines if fnmatchcase(line.code, str(pattern))]
        if request.flag("unique", default=False):
            found = list({line.code: line for line in found}.values())
        return found


def _last(lines: Iterable[Line], number: int) -> list[Line]:
    found = list(lines)
    return found[-number:] if number > 0 else []
