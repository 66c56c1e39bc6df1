"""Takes the names of this machine's folders out of a recording, and moves nothing on its screens.

What stands for a name is as long as the name. It knows nothing of agents.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

#: What may stand between two letters of a name: its colours, or a line's end and a box's border.
#: It gives nothing back, or much blank space would take for ever.
_BETWEEN = rb"((?:\x1b\[[0-9;?]*[A-Za-z]|[\r\n ]|\xe2\x94[\x80-\xbf])*+)"
_NEUTRAL = "/home/person/"


def cleaned(data: bytes, names: Iterable[str]) -> bytes:
    """The same bytes without these names, the longest taken first."""
    for name in sorted(set(names), key=len, reverse=True):
        letters = name.encode()
        pattern = _BETWEEN.join(re.escape(letters[at : at + 1]) for at in range(len(letters)))
        data = re.sub(pattern, _Stand(letters), data)
    return data


class _Stand:
    """Puts other letters in the place of a name's, and leaves what stands between them."""

    def __init__(self, name: bytes) -> None:
        self._letters = stand_in(name.decode()).encode()

    def __call__(self, match: re.Match[bytes]) -> bytes:
        between = [*match.groups(b""), b""]
        pairs = zip(self._letters, between, strict=True)
        return b"".join(bytes([letter]) + other for letter, other in pairs)


def stand_in(name: str) -> str:
    """As long as ``name``: a person's folder for a path, and any letter for a mere word."""
    if not name.startswith("/"):
        return "x" * len(name.encode())
    return _NEUTRAL.ljust(len(name.encode()), "x")[: len(name.encode())]
