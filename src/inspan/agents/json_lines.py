"""Lines of JSON, one way and the other, from programs whose word nobody takes.

What is asked for and is not there, or is of another kind, is empty: an agent may change its lines
with any release, and a line that is not understood must do no harm.
"""

from __future__ import annotations

import json
from typing import Any, Final

#: The longest line that is read, in bytes; a longer one is passed over.
LINE_MOST: Final = 16 << 20


class Lines:
    """Pieces of output in, whole lines out; holds one unfinished line of ``LINE_MOST`` bytes."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._skipping = False

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that are complete now, without their ends."""
        *whole, rest = data.split(b"\n")
        lines = []
        for piece in whole:
            if not self._skipping:
                lines.append((bytes(self._held) + piece).rstrip(b"\r"))
            self._held.clear()
            self._skipping = False
        if len(self._held) + len(rest) > LINE_MOST:
            self._held.clear()
            self._skipping = True
        elif not self._skipping:
            self._held += rest
        return lines

    def skip(self) -> None:
        """Output is missing here: what is held, and the rest of its line, is worth nothing."""
        self._held.clear()
        self._skipping = True

    def close(self) -> list[bytes]:
        """The last line, where it has no end."""
        held, skipped = bytes(self._held), self._skipping
        self._held.clear()
        self._skipping = False
        return [held] if held and not skipped else []


def line(value: dict[str, Any]) -> bytes:
    """``value`` as a line. Characters that UTF-8 cannot hold go as escapes."""
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def parsed(raw: bytes) -> dict[str, Any]:
    """The object in a line; an empty one where there is none."""
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def number(value: dict[str, Any], name: str) -> float:
    """A number of an object; 0 where it has none."""
    found = value.get(name)
    return found if isinstance(found, int | float) and not isinstance(found, bool) else 0


def words_of(value: dict[str, Any], *path: str) -> str:
    """The text at the end of ``path``; nothing where there is none."""
    found: Any = value
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, str) else ""


def object_of(value: dict[str, Any], name: str) -> dict[str, Any]:
    """An object of an object; an empty one where it has none."""
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def items(value: dict[str, Any], *path: str) -> list[dict[str, Any]]:
    """The objects in the list at the end of ``path``."""
    found: Any = value
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def text_of(content: Any) -> str:
    """The text of a tool's result: itself, or of its parts."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(words_of(part, "text") for part in parts if isinstance(part, dict))
