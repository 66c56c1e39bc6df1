"""A few bytes that host and worker share, in the file ``interrupt`` of the session's folder.

A little-endian uint64: the number of the cell that the host wants to end, or 0. Another: the number
of the cell that runs, or ran last; then its mode, ASCII in 16 bytes that end in zeros. The worker
maps the file, so what it says there is true even while C code holds the interpreter's lock.
"""

from __future__ import annotations

import os
import struct
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from inspan.kernel.protocol import ExecutionMode

FILE: Final = "interrupt"
_NUMBER: Final = struct.Struct("<Q")
_BEGUN: Final = struct.Struct("<Q16s")


class Begun(NamedTuple):
    """The cell that began last."""

    number: int
    mode: ExecutionMode


def prepare(folder: Path) -> None:
    """Make the file. Raises OSError."""
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
    with os.fdopen(os.open(folder / FILE, flags, 0o600), "wb") as file:
        file.write(bytes(_NUMBER.size + _BEGUN.size))


class Board:
    """The host's side. It keeps no descriptor: it is looked at rarely."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE

    def want(self, number: int) -> None:
        """Name the cell that is to end; 0 for none. Raises OSError."""
        file = os.open(self._path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            os.pwrite(file, _NUMBER.pack(number), 0)
        finally:
            os.close(file)

    def begun(self) -> Begun | None:
        """The cell that began last; ``None`` where none did, or where that cannot be told."""
        with suppress(OSError, ValueError, struct.error):
            file = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                raw = os.pread(file, _BEGUN.size, _NUMBER.size)
            finally:
                os.close(file)
            number, mode = _BEGUN.unpack(raw)
            return Begun(number, ExecutionMode(mode.rstrip(b"\0").decode("ascii")))
        return None
