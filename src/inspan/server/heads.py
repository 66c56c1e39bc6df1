"""What the head of a request says, read where it stands.

Starlette makes a mapping of all its headers for the first that is asked for, which is a good part
of what a short request takes.
"""

from __future__ import annotations

from starlette.types import Scope


def header(connection: Scope, name: bytes) -> str | None:
    """The first header of that name, which is in lower case as ASGI has all of them."""
    for each, value in connection["headers"]:
        if each == name:
            told: str = value.decode("latin-1")
            return told
    return None


def prefers(connection: Scope, preference: str) -> bool:
    """Whether a client says that it prefers that (RFC 7240); what it says beside it counts not."""
    return any(
        each.partition(";")[0].strip().lower() == preference
        for name, value in connection["headers"]
        if name == b"prefer"
        for each in value.decode("latin-1").split(",")
    )
