"""Durations and sizes as people write them: ``90``, ``5m``, ``1h30m``, ``none``; ``64M``, ``5G``.

Pure text to numbers; it never knows what the number is for.
"""

from __future__ import annotations

import re
from typing import Final

from inspan.errors import BadInput

_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
# Compiled by who reads a figure: every command imports this, and few do.
_PART: Final = r"(\d+(?:\.\d+)?|\.\d+)(ms|[smhdw])"
_PLAIN: Final = r"\d+(?:\.\d+)?|\.\d+"
#: Powers of 1024, as `ls -h` and `du -h` count.
_BYTES: Final = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_SIZE: Final = r"(\d+(?:\.\d+)?)([kmgt]?)(?:i?b)?"
_AMOUNT: Final = r"(\$?)(\d+(?:\.\d+)?)([km]?)"
_THOUSANDS: Final = {"": 0, "k": 1, "m": 2}
#: A century: beyond it a typing mistake is likelier than a wish, and clocks overflow.
_LONGEST: Final = 100 * 365 * 86400.0


def duration(text: str) -> float | None:
    """Seconds, or ``None`` for ``none``. A bare number is seconds. Raises BadInput."""
    wanted = text.strip().lower()
    if wanted in ("none", "never", "off"):
        return None
    seconds = _seconds(wanted)
    if seconds is None or seconds > _LONGEST:
        raise BadInput(
            f"{text!r} is not a duration",
            hint="Write 90, 90s, 5m, 1h30m, 2d, or none for no limit.",
        )
    return seconds


def _seconds(text: str) -> float | None:
    if re.fullmatch(_PLAIN, text):
        return float(text)
    parts = list(re.finditer(_PART, text))
    if not parts or "".join(part.group() for part in parts) != text:
        return None
    return sum(float(part[1]) * _SECONDS[part[2]] for part in parts)


def size(text: str) -> int:
    """Bytes; K, M, G and T are powers of 1024. Raises BadInput."""
    found = re.fullmatch(_SIZE, text.strip(), re.IGNORECASE)
    if found is None or len(found[1]) > 18:
        raise BadInput(f"{text!r} is not a size", hint="Write bytes, or 500K, 64M, 5G, 1T.")
    return int(float(found[1]) * 1024 ** _BYTES[found[2].lower()])


def amount(text: str) -> float | int:
    """What may be used: dollars (a float) after a ``$``, else tokens; k and M are powers of 1000.

    Raises BadInput.
    """
    wanted = text.strip().lower()
    found = re.fullmatch(_AMOUNT, wanted)
    if found is None or len(found[2]) > 15:
        raise BadInput(
            f"{text!r} is no budget", hint="Write '$2' or '$0.50', or 200k or 1.5M tokens."
        )
    many = float(found[2]) * 1000 ** _THOUSANDS[found[3]]
    return many if found[1] else int(many)


def show_duration(seconds: float | None) -> str:
    """Two units at most: ``12s``, ``1m 5s``, ``2h 10m``, ``3d 4h``; ``none`` for no limit."""
    if seconds is None:
        return "none"
    if seconds < 60:
        return f"{seconds:.1f}s" if 0 < seconds < 10 and seconds % 1 else f"{int(seconds)}s"
    whole = int(seconds)
    for big, small, name, lower in ((86400, 3600, "d", "h"), (3600, 60, "h", "m")):
        if whole >= big:
            rest = whole % big // small
            return f"{whole // big}{name} {rest}{lower}" if rest else f"{whole // big}{name}"
    rest = whole % 60
    return f"{whole // 60}m {rest}s" if rest else f"{whole // 60}m"


def show_size(count: int) -> str:
    """One decimal at most: ``812 B``, ``1.5 KB``, ``64 MB``."""
    amount = float(count)
    for unit in ("B", "KB", "MB", "GB"):
        if amount < 1024:
            return f"{amount:.1f}".removesuffix(".0") + f" {unit}"
        amount /= 1024
    return f"{amount:.1f}".removesuffix(".0") + " TB"
