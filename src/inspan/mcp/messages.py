"""JSON-RPC 2.0 as the Model Context Protocol uses it by lines: what comes in, and what goes out.

It reads and makes messages, and knows no method and no tool.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

from inspan.model.value import named_value, value

#: Of JSON-RPC 2.0, 5.1.
UNREADABLE: Final = -32700
INVALID: Final = -32600
UNKNOWN: Final = -32601
BAD_PARAMS: Final = -32602
INTERNAL: Final = -32603

Id: TypeAlias = str | int


@value
class Request:
    """Somebody wants an answer."""

    id: Id
    method: str
    params: Mapping[str, Any]


@value
class Notice:
    """Somebody tells something, and wants none."""

    method: str
    params: Mapping[str, Any]


@value
class Answer:
    """An answer to something; we ask nothing, so it is to nothing of ours."""


@named_value
class Refused:
    """What came is no message; ``id`` where it had one."""

    code: int
    message: str
    id: Id | None = None


Message: TypeAlias = Request | Notice | Answer | Refused


def read(line: bytes) -> tuple[Iterator[Message], bool]:
    """The messages of a line, and whether they are a batch, whose answers go together."""
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        return iter([Refused(code=UNREADABLE, message="that line is no JSON")]), False
    if isinstance(told, list) and told:
        return map(_message, told), True
    return iter([_message(told)]), False


def _message(told: Any) -> Message:
    if not isinstance(told, dict) or told.get("jsonrpc") != "2.0":
        return Refused(code=INVALID, message="that is no message of JSON-RPC 2.0")
    method, number = told.get("method"), told.get("id")
    known = number if isinstance(number, str | int) and not isinstance(number, bool) else None
    if method is None and ("result" in told or "error" in told):
        return Answer()
    if not isinstance(method, str) or ("id" in told and known is None):
        return Refused(code=INVALID, message="a request has a method and an id", id=known)
    params = told.get("params", {})
    if not isinstance(params, dict):
        return Refused(code=BAD_PARAMS, message="`params` is an object", id=known)
    return Notice(method, params) if known is None else Request(known, method, params)


def result(number: Id, told: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to a request."""
    return {"jsonrpc": "2.0", "id": number, "result": told}


def failure(number: Id | None, code: int, message: str) -> dict[str, Any]:
    """That a request was refused, or could not be read."""
    return {"jsonrpc": "2.0", "id": number, "error": {"code": code, "message": message}}


def notice(method: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Something that wants no answer."""
    return {"jsonrpc": "2.0", "method": method, "params": params}


def line(told: Any) -> bytes:
    """A message, or a batch, as a line: ASCII, so that no text in it can end it early."""
    return json.dumps(told, separators=(",", ":")).encode() + b"\n"
