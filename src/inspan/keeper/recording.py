"""The recording of a session: raw bytes and an index, in a folder of their own.

``output.raw`` has the bytes as the process wrote them; offset N of the session is offset N of the
file. ``index`` has fixed records that say what the bytes are and when they came. This module is
the format; the keeper writes it, and ``terminal.playback`` reads it. A record cut short by a crash
is ignored by readers.

An index record: time (float64, seconds since the epoch), offset (uint64), kind (uint8, a letter),
three bytes of padding, ``a`` and ``b`` (uint32 each).

kind  means                                                        a, b
----  -----------------------------------------------------------  --------------------
o     bytes from offset on are output (stdout where pipes)
e     bytes from offset on are stderr (pipes only)
r     the terminal has a new size; also the first record           cols, rows
i     input was typed (only where asked for); bytes are in
      ``input.raw``                                                 length, 0
m     a mark: the cap freed the middle; bytes from offset on for
      ``a * 2**32 + b`` bytes are gone                              high, low
x     the process ended                                            code, signal (0 = none)
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

RAW: Final = "output.raw"
INDEX: Final = "index"
INPUT: Final = "input.raw"

RECORD: Final = struct.Struct("<dQB3xII")


class Record(NamedTuple):
    """One record of the index."""

    at: float
    offset: int
    kind: str
    a: int = 0
    b: int = 0

    def pack(self) -> bytes:
        """Its bytes in the file."""
        return RECORD.pack(self.at, self.offset, ord(self.kind), self.a, self.b)


def unpack(raw: bytes) -> list[Record]:
    """The whole records in ``raw``; a torn one at the end is left out."""
    whole = len(raw) - len(raw) % RECORD.size
    return [
        Record(at, offset, chr(kind), a, b)
        for at, offset, kind, a, b in RECORD.iter_unpack(raw[:whole])
    ]
