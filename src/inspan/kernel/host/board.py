"""A few numbers that host and worker share, in the file ``interrupt`` of the session's folder.

Each is a uint64 in the machine's byte order. The number of the cell that the host wants to end, or
0. Of the cell that runs, or ran last; then its mode, ASCII in 16 bytes that end in zeros. What is
printed is gathered in rounds: the round of what was printed last, the last round that is in
messages, and the number of the last message. The worker maps the file, so what it says there is
true even while C code holds the interpreter's lock.
"""

from __future__ import annotations

import os
import struct
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

from inspan.kernel.protocol import ExecutionMode

FILE: Final = "interrupt"
_NUMBER: Final = struct.Struct("=Q")
_BEGUN: Final = struct.Struct("=Q16s")
_STAND: Final = struct.Struct("=Q16xQQQ")


class Begun(NamedTuple):
    """The cell that began last."""

    number: int
    mode: ExecutionMode


class Stand(NamedTuple):
    """How far the worker is: ``number`` is of the cell that began last."""

    number: int
    printed: int
    sent: int
    said: int


def prepare(folder: Path) -> None:
    """Make the file. Raises OSError."""
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
    with os.fdopen(os.open(folder / FILE, flags, 0o600), "wb") as file:
        file.write(bytes(_NUMBER.size + _STAND.size))


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
            number, mode = self._read(_BEGUN)
            return Begun(number, ExecutionMode(mode.rstrip(b"\0").decode("ascii")))
        return None

    def stand(self) -> Stand | None:
        """How far the worker is; ``None`` where that cannot be told."""
        with suppress(OSError, struct.error):
            return Stand(*self._read(_STAND))
        return None

    def _read(self, what: struct.Struct) -> tuple[Any, ...]:
        file = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            return what.unpack(os.pread(file, what.size, _NUMBER.size))
        finally:
            os.close(file)
