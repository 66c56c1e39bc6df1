"""What a session's descriptors 1 and 2 got: two files that only grow, followed while a cell runs.

A file never blocks who writes it, so C code that prints under the interpreter's lock cannot hang,
and nobody has to drain anything. While no cell runs there is no timer. What a reader has taken is
given back to the disk, where the system can do that: a file keeps its length, and its end.
"""

from __future__ import annotations

import asyncio
import os
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from inspan.kernel.host.cell import Stream
from inspan.kernel.host.holes import free

FILES: Final[tuple[tuple[str, Stream], ...]] = (("out.raw", "stdout"), ("err.raw", "stderr"))
#: Where the readers of earlier hosts had got to, in both files, and how far each was given back:
#: four little-endian uint64. It is there once somebody had got anywhere.
TAKEN: Final = "taken"
#: Bytes that are given back at a time, and bytes behind a reader that are kept: whoever goes on
#: from where an older word says it was finds them.
HELPING: Final = 1 << 22
BEHIND: Final = 1 << 21
#: Bytes that one look takes of one file, so that the loop goes on between two looks.
PIECE: Final = 1 << 18
#: Seconds between two looks: at first, and at most, where nothing came.
_SOON: Final = 0.002
_LATEST: Final = 0.01
_NOTE: Final = struct.Struct("<QQQQ")
_OPEN: Final = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC


class Captures:
    """Both files, read from where the last reader stopped."""

    def __init__(self, folder: Path, taken: tuple[int, int] | None = None) -> None:
        """``taken``: bytes that the last reader has, where it knows better than its note.

        Raises OSError where the folder lacks one of both.
        """
        self._fds: list[int] = []
        self._note = folder / TAKEN
        self._taken = -1
        note = b""
        try:
            for name, _ in FILES:
                self._fds.append(os.open(folder / name, _OPEN))
            with suppress(FileNotFoundError):
                self._taken = os.open(self._note, _OPEN)
                self._fds.append(self._taken)
                note = os.pread(self._taken, _NOTE.size, 0)
        except OSError:
            self._shut()
            raise
        out, err, *gone = _NOTE.unpack(note.ljust(_NOTE.size, b"\0"))
        self.at: list[int] = [*((out, err) if taken is None else taken)]
        self._settled = self.at[:]
        #: Up to where each was given back.
        self._gone: list[int] = gone

    def size(self, which: int) -> int:
        """Bytes that the file has now."""
        # A quarter of what fstat costs; reading is by offsets.
        return os.lseek(self._fds[which], 0, os.SEEK_END)

    def read(self, which: int, until: int) -> bytes:
        """The next bytes, PIECE at most and none behind ``until``."""
        most = min(PIECE, until - self.at[which])
        if most <= 0:
            return b""
        data = os.pread(self._fds[which], most, self.at[which])
        self.at[which] += len(data)
        return data

    def passed(self, which: int) -> int:
        """Bytes that come next and are not there any more; they count as read."""
        gone = max(0, self._gone[which] - self.at[which])
        self.at[which] += gone
        return gone

    def settled(self, which: int, offset: int) -> None:
        """Up to here a reader has taken it: a later host goes on behind."""
        if offset > self._settled[which]:
            self._settled[which] = offset
            back = offset - BEHIND
            helping = back - self._gone[which] >= HELPING
            if helping:
                self._gone[which] = back
            # A host that cannot note it sends bytes twice one day; that is no reason to fail now.
            with suppress(OSError):
                if self._taken < 0 and self._fds:
                    self._taken = os.open(self._note, _OPEN | os.O_CREAT, 0o600)
                    self._fds.append(self._taken)
                os.pwrite(self._taken, _NOTE.pack(*self._settled, *self._gone), 0)
                if helping:
                    free(self._fds[which], back)

    def last_words(self, most: int = 2000) -> str:
        """The end of what descriptor 2 got."""
        size = self.size(1)
        start = max(0, size - most)
        return os.pread(self._fds[1], size - start, start).decode(errors="replace").strip()

    def close(self) -> None:
        """Let go of the files."""
        self._shut()

    def _shut(self) -> None:
        while self._fds:
            os.close(self._fds.pop())


def prepare(folder: Path) -> None:
    """Make the files, empty. Raises OSError, FileExistsError where there are some."""
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
    for name, _ in FILES:
        os.close(os.open(folder / name, flags, 0o600))


class Follower:
    """Calls ``look`` while it runs: at once again where that found much, else ever later."""

    def __init__(self, look: Callable[[], int]) -> None:
        """``look`` returns how many bytes it found."""
        self._look = look
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._pause = _SOON
        #: When to look next; a timer may be set for an earlier time.
        self._due = 0.0
        self._on = False

    def start(self) -> None:
        """Look soon, and go on."""
        self._on = True
        self._pause = _SOON
        self._due = self._loop.time() + _SOON
        # The timer of a cell that has just ended serves the next one.
        if self._timer is not None and self._timer.when() > self._due:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._timer = self._loop.call_at(self._due, self._tick)

    def stop(self) -> None:
        """Look no more; a timer that is set finds that out."""
        self._on = False

    def _tick(self) -> None:
        self._timer = None
        if not self._on:
            return
        if self._loop.time() >= self._due:
            found = self._look()
            self._pause = _SOON if found else min(self._pause * 2, _LATEST)
            self._due = self._loop.time() + (0.0 if found >= PIECE else self._pause)
        # What was found may have led to the end of all this.
        if self._on:
            self._timer = self._loop.call_at(self._due, self._tick)
