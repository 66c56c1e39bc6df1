"""What a host that takes a session up must know of the one before; it acts on nothing itself."""

from __future__ import annotations

from dataclasses import dataclass

from inspan.kernel.protocol import Execute


@dataclass(frozen=True, slots=True, kw_only=True)
class Former:
    """What an earlier host of a session had: how far it was told, and which cells have no end."""

    last_seq: int = 0
    #: Bytes of both capture files; ``None``: what the note of the last reader says.
    taken: tuple[int, int] | None = None
    cells: tuple[Execute, ...] = ()
    #: The one of them of which it was told that it has begun.
    running: str = ""
