"""What an agent has us do with files over the Agent Client Protocol: ``fs/``, from ask to answer.

A fold beneath the conversation (``acp``). It also remembers which edits were allowed: an agent that
asked for leave to change a file, and then has us write it, asks for one thing and not for two. No
file is touched here.
"""

from __future__ import annotations

from typing import Any, Final

from inspan.agents.json_lines import object_of
from inspan.agents.served import Fault, FileText, NotServed, Served
from inspan.agents.signs import FileAsked, Permission
from inspan.model.value import value

READ: Final = "fs/read_text_file"
WRITE: Final = "fs/write_text_file"
_EDIT: Final = "edit"
#: Errors as the protocol numbers them; the last is JSON-RPC's.
CODES: Final = {Fault.MISSING: -32002, Fault.REFUSED: -32602, Fault.FAILED: -32603}

DENIED: Final = NotServed(Fault.REFUSED, "it was not allowed")
CANCELLED: Final = NotServed(Fault.REFUSED, "the turn was cancelled")


@value
class Offer:
    """What of it we offer an agent."""

    read: bool = True
    write: bool = True

    def capabilities(self) -> dict[str, bool]:
        """The same as the protocol has it."""
        return {"readTextFile": self.read, "writeTextFile": self.write}


NOTHING: Final = Offer(read=False, write=False)


class FileRequests:
    """What one agent wants done and was not told yet."""

    def __init__(self, offer: Offer, cwd: str) -> None:
        self._offer = offer
        self._cwd = cwd
        #: Whether each that is open is to be written, by its key.
        self._open: dict[str, tuple[Any, bool]] = {}
        #: The files of edits that were allowed, by their calls.
        self._granted: dict[str, frozenset[str]] = {}

    def were_offered(self, capabilities: dict[str, Any]) -> None:
        """That was offered: perhaps by another daemon, for which there were other rules."""
        told = object_of(capabilities, "fs")
        self._offer = Offer(told.get("readTextFile") is True, told.get("writeTextFile") is True)

    def serves(self, method: str) -> bool:
        """Whether this was offered."""
        return (method == READ and self._offer.read) or (method == WRITE and self._offer.write)

    def asked(self, key: str, request: Any, method: str, params: dict[str, Any]) -> FileAsked:
        """It wants that; ``key`` is its request as we call it. What it does not state is empty."""
        path, text = params.get("path"), params.get("content")
        stated = path if isinstance(path, str) else ""
        whole = self._whole(stated) if stated else ""
        writes = method == WRITE
        self._open[key] = (request, writes)
        return FileAsked(
            key,
            whole,
            text=(text if isinstance(text, str) else "") if writes else None,
            line=_count(params, "line") or 1,
            limit=_count(params, "limit"),
            granted=writes and any(whole in paths for paths in self._granted.values()),
        )

    def answer(self, key: str, told: Served) -> dict[str, Any] | None:
        """The message that tells it what came of it; ``None`` where it does not wait for that."""
        if key not in self._open:
            return None
        request, writes = self._open[key]
        if isinstance(told, NotServed):
            return {"id": request, "error": {"code": CODES[told.fault], "message": told.why}}
        text = told.text if isinstance(told, FileText) else ""
        return {"id": request, "result": {} if writes else {"content": text}}

    def answered(self, key: str) -> None:
        """It was told."""
        self._open.pop(key, None)

    @property
    def open(self) -> tuple[str, ...]:
        """What it waits for."""
        return tuple(self._open)

    def grant(self, call: str, permission: Permission) -> None:
        """It was allowed that, as a part of that call."""
        if permission.name == _EDIT:
            self._granted[call] = frozenset(map(self._whole, permission.paths))

    def call_ended(self, call: str) -> None:
        """What was allowed for it was for it alone."""
        self._granted.pop(call, None)

    def turned(self) -> None:
        """Its turn has ended, and waits for nothing."""
        self._open.clear()
        self._granted.clear()

    def _whole(self, path: str) -> str:
        return path if path.startswith("/") else f"{self._cwd}/{path}"


def _count(params: dict[str, Any], name: str) -> int | None:
    """A number of lines; ``None`` where none is stated."""
    found = params.get(name)
    return max(found, 0) if isinstance(found, int) and not isinstance(found, bool) else None
