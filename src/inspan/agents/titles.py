"""What a tool is used for, in one line for a person: the command, the file, the address."""

from __future__ import annotations

import json
from typing import Any, Final

#: Names under which agents' tools take what matters most, in this order.
_TELLING: Final = (
    "command",
    "cmd",
    "file_path",
    "filePath",
    "path",
    "absolute_path",
    "notebook_path",
    "url",
    "pattern",
    "query",
    "description",
    "prompt",
)
_MOST: Final = 500


def title(given: Any) -> str:
    """What the arguments of a tool say."""
    told = telling(given)
    if told or not isinstance(given, dict) or not given:
        return told
    return _line(json.dumps(given, ensure_ascii=False))


def telling(given: Any) -> str:
    """The one that tells most; nothing where none has a name that we know."""
    if isinstance(given, str):
        return _line(given)
    if not isinstance(given, dict):
        return ""
    for name in _TELLING:
        found = given.get(name)
        if isinstance(found, str) and found:
            return _line(found)
        if isinstance(found, list) and found and all(isinstance(word, str) for word in found):
            return _line(" ".join(found))
    return ""


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _MOST else line[: _MOST - 1] + "…"
