"""Values of other programs' columns as ours; each raises ValueError or TypeError
on what it cannot be.

Text columns of CSV and SQLite often hold JSON; it is read where it begins like a list or object.
"""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Any, Final

from inspan.store.legacy_words import NO, PRIORITIES, YES, plain

#: Seconds since the epoch: from 1973, before which numbers are counts and flags, to about 3200.
_TIMES: Final = (1e8, 4e10)
#: Milliseconds, microseconds and nanoseconds are told by their size.
_SCALES: Final = ((4e16, 1e9), (4e13, 1e6), (4e10, 1e3))


def text(value: Any) -> str:
    """Anything, as text."""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.hex()
    return json.dumps(value, ensure_ascii=False)


def opened(value: Any) -> Any:
    """What a text that is JSON holds; anything else as it is."""
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def command(value: Any) -> tuple[str, ...]:
    """A list as it is; a line of text as a shell would have run it."""
    value = opened(value)
    if isinstance(value, list):
        return tuple(text(item) for item in value)
    return ("/bin/sh", "-c", text(value))


def names(value: Any) -> tuple[str, ...]:
    """A list, or text with commas between."""
    value = opened(value)
    if isinstance(value, list):
        return tuple(text(item) for item in value)
    if isinstance(value, dict):
        raise TypeError("not a list")
    return tuple(word for part in text(value).split(",") if (word := part.strip()))


def pairs(value: Any) -> dict[str, str]:
    """An object; its values as text."""
    value = opened(value)
    if not isinstance(value, dict):
        raise TypeError("not an object")
    return {name: text(item) for name, item in value.items()}


def labels(value: Any) -> dict[str, str]:
    """An object, or a list of tags, which become labels without a value."""
    value = opened(value)
    return pairs(value) if isinstance(value, dict) else dict.fromkeys(names(value), "")


def flag(value: Any) -> bool:
    """Yes or no, in one of their spellings."""
    word = plain(text(value))
    if word in YES or word in NO:
        return word in YES
    raise ValueError("neither yes nor no")


def number(value: Any) -> float:
    """A finite number."""
    if isinstance(value, bool):
        raise TypeError("not a number")
    found = float(value)
    if not math.isfinite(found):
        raise ValueError("not a finite number")
    return found


def whole(value: Any) -> int:
    """A whole number of a size that can be stored."""
    found = number(value)
    if found != int(found) or abs(found) > 1 << 53:
        raise ValueError("not a whole number")
    return int(found)


def count(value: Any) -> int:
    """A whole number from 0."""
    found = whole(value)
    if found < 0:
        raise ValueError("less than nothing")
    return found


def seconds(value: Any) -> float:
    """A span of time."""
    found = number(value)
    if found <= 0:
        raise ValueError("no span of time")
    return found


def priority(value: Any) -> int:
    """A whole number or one of the usual words."""
    word = PRIORITIES.get(plain(text(value)))
    return whole(value) if word is None else word


def moment(value: Any) -> float:
    """Seconds since the epoch, from a number of any scale or from ISO 8601; UTC if not told."""
    try:
        found = number(value)
    except (ValueError, TypeError):
        if not isinstance(value, str):
            raise
        told = datetime.fromisoformat(value.strip())
        found = (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp()
    else:
        for above, scale in _SCALES:
            if found > above:
                found /= scale
                break
    if not _TIMES[0] <= found <= _TIMES[1]:
        raise ValueError("not a time")
    return found
