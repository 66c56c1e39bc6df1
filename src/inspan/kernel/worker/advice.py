"""What to say beneath an error that confinement is likely to have caused: which grant would help.

It adds words and changes nothing. A grant is named only where what is confined explains the error:
a file that is granted and cannot be opened all the same is the file's own affair.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from typing import Any, Final

from .paths import within

_DENIED: Final = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_NO_WAY: Final = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ECONNREFUSED})
#: Errors that are followed from one: what it came from, and what groups hold.
_MOST: Final = 50


class Advice:
    """Of one session."""

    def __init__(self, wanted: dict[str, Any], grants: dict[str, str], *, viewed: bool) -> None:
        """``wanted["say"]`` holds, for each grant, how to ask for it; ``{}`` is for its path."""
        self._say: dict[str, str] = wanted["say"]
        self._limits: dict[str, int | None] = wanted["limits"]
        self._net, self._confined = bool(wanted["net"]), bool(grants)
        self._cwd: str = wanted["cwd"]
        self._grants, self._viewed = grants, viewed

    def add(self, error: BaseException) -> None:
        """Add a note to ``error`` where one of the errors it came from calls for it."""
        for one in _chain(error):
            words = self._of(one)
            if words is not None:
                if words not in getattr(error, "__notes__", ()):
                    error.add_note(words)
                return

    def _of(self, error: BaseException) -> str | None:
        if isinstance(error, MemoryError):
            return self._limited("memory", "its memory is limited")
        if isinstance(error, OSError):
            if error.errno == errno.EMFILE:
                return self._limited("files", "the files it has open at a time are limited")
            if self._confined:
                return self._of_system(error)
        return None

    def _of_system(self, error: OSError) -> str | None:
        if isinstance(error.filename, str | bytes):
            return self._of_path(error, os.fsdecode(error.filename))
        if not self._net and self._is_of_network(error):
            return f"This session has no network: {self._say['net']} grants it."
        return None

    def _of_path(self, error: OSError, path: str) -> str | None:
        there = os.path.realpath(os.path.join(self._cwd_now(), path))  # noqa: PTH118 - as quick
        how = self._how(there)
        if error.errno == errno.ENOENT:
            seen = not self._viewed or how is not None or self._how(os.path.dirname(there))  # noqa: PTH120 - the same
            return None if seen else self._read(there, "see")
        if how == "write" or error.errno not in _DENIED:
            return None
        if error.errno == errno.EROFS or (how == "read" and not self._viewed):
            return self._write(there)
        return self._read(there, "read") if how is None else None

    def _how(self, path: str) -> str | None:
        found = {how for granted, how in self._grants.items() if within(path, granted)}
        return next((how for how in ("write", "device", "read") if how in found), None)

    def _read(self, path: str, verb: str) -> str:
        asked = self._say["read"].format(self._short(path))
        return f"This session may not {verb} {path}: {asked} grants it."

    def _write(self, path: str) -> str:
        folder = path if os.path.isdir(path) else os.path.dirname(path)  # noqa: PTH112, PTH120 - the same
        asked = self._say["write"].format(self._short(folder))
        return f"This session may not write there: {asked} grants it."

    def _short(self, path: str) -> str:
        if not within(path, self._cwd):
            return path
        return os.path.relpath(path, self._cwd)

    def _cwd_now(self) -> str:
        try:
            return os.getcwd()  # noqa: PTH109 - the same
        except OSError:
            return self._cwd

    def _limited(self, what: str, words: str) -> str | None:
        if self._limits[what] is None:
            return None
        return f"In this session {words}: {self._say[what]} sets another limit."

    @staticmethod
    def _is_of_network(error: OSError) -> bool:
        socket = sys.modules.get("socket")
        by_name = socket is not None and isinstance(error, socket.gaierror)
        return by_name or error.errno in _NO_WAY or error.errno == errno.EACCES


def _chain(error: BaseException) -> Iterator[BaseException]:
    waiting, seen = [error], 0
    while waiting and seen < _MOST:
        one = waiting.pop(0)
        seen += 1
        yield one
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions[:_MOST]
        came_from = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
        if came_from is not None:
            waiting.append(came_from)
