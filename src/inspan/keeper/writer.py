"""Writes one recording, within its byte cap, whatever the disk does.

It must never stop the child: where bytes cannot be kept they are counted, marked in the index, and
the offsets go on. What bytes are stands in the index before them, so that no byte is ever without a
label. A stamp that tells only when they came follows them: nobody who waits for them waits for it.
"""

from __future__ import annotations

import contextlib
import os
import time
from typing import Final

from inspan.keeper import linux
from inspan.keeper.recording import INDEX, INPUT, RAW, RECORD

#: Blocks are given back in whole pages.
_PAGE: Final = 4096
#: A full disk is tried again after this many seconds.
_RETRY: Final = 1.0
#: A loss that goes on is marked each time it has reached this many bytes.
_LOSS_STEP: Final = 1 << 20
#: Index records that could not be written yet, in bytes; more than this are given up.
_HELD_MOST: Final = 1 << 16
#: Size of the index from which on output is stamped every so many seconds: the index of a session
#: that talks for days stays small beside its output.
_STAMPS: Final = ((1 << 20, 0.01), (4 << 20, 0.1), (16 << 20, 1.0))
_STAMP_LAST: Final = 10.0
#: Losses that are remembered for ``read``; further ones are merged with the last.
_LOSSES_MOST: Final = 64
#: What is written last is kept in memory, up to so many bytes: as a terminal gives them at once.
_LAST_MOST: Final = 4096

CAP_LEAST: Final = 64 << 10


class Writer:
    """The files of one session. ``size`` counts every byte of output, kept or not."""

    def __init__(self, folder: str, *, cap: int, size: tuple[int, int] | None, typed: bool) -> None:
        """``size`` is the terminal's, in columns and rows; pipes have none.

        Raises FileExistsError where the folder has a recording; else OSError.
        """
        os.makedirs(folder, mode=0o700, exist_ok=True)  # noqa: PTH103  pathlib costs 5 ms at start
        self._path = folder + "/" + RAW
        self._index_path = folder + "/" + INDEX
        self._input_path = folder + "/" + INPUT
        flags = os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._raw = os.open(self._path, flags | os.O_RDWR, 0o600)
        try:
            # A disk that is full already is told at once; one that fills up later costs only bytes.
            os.pwrite(self._raw, b"\0", 0)
            os.ftruncate(self._raw, 0)
            self._index = os.open(self._index_path, flags | os.O_WRONLY, 0o600)
        except OSError:
            os.close(self._raw)
            os.unlink(self._path)  # noqa: PTH108
            raise
        self._typed = typed
        self._input = -1
        self._input_size = 0
        self.size = 0
        #: Bytes that are gone: freed by the cap or never written.
        self.cut = 0
        self._losses: list[tuple[int, int]] = []
        self._cap = cap
        self._head = cap // 4 // _PAGE * _PAGE
        self._step = max(_PAGE, cap // 16 // _PAGE * _PAGE)
        self._freed = 0
        self._stopped = False
        #: The bytes that were written last, where they are few.
        self._last = b""
        self._lost_at = 0
        self._lost = 0
        self._retry_at = 0.0
        self._held = bytearray()
        self._index_size = 0
        self._kind = ""
        #: From here on the index tells nothing but that the output is of ``_kind``. A size of the
        #: terminal belongs to the byte behind it, the first one too.
        self._plain = 0 if size is None else 1
        self._stamped = 0.0
        self._interval = _STAMPS[0][1]
        if size is not None:
            self._note("r", *size)

    def output(self, data: bytes, kind: str) -> bool:
        """Record what the process wrote; ``kind`` is ``o`` or ``e``.

        Whether ``stamp`` is to be called soon.
        """
        now = time.time()
        since = now - self._stamped
        stamped = True
        if (
            (kind != self._kind and self._index_size < _STAMPS[-1][0])
            or since >= self._interval
            or since < 0  # the wall clock was set back
        ):
            self._stamped = now
            stamped = kind != self._kind
            if stamped:
                self._plain = max(self._plain, self.size)
                self._kind = kind
                self._note(kind)
            else:
                self._hold(kind)
        self._put(data)
        if self.size - self.cut > self._cap and not self._stopped:
            self._free()
        return not stamped

    def stamp(self) -> None:
        """Let the index tell when the last bytes came, where it does not yet."""
        if self._held:
            self._write_index()

    def resized(self, cols: int, rows: int) -> None:
        """Record a new size of the terminal."""
        self._note("r", cols, rows)
        self._kind = ""
        self._plain = self.size + 1

    def typed(self, data: bytes) -> None:
        """Record what was typed, where that was asked for; a quarter of the cap at most."""
        if not self._typed or self._input_size + len(data) > self._cap // 4:
            return
        with contextlib.suppress(OSError):
            if self._input < 0:
                flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
                self._input = os.open(self._input_path, flags, 0o600)
            done = os.pwrite(self._input, data, self._input_size)
            self._input_size += done
            self._note("i", done)

    def close(self, code: int, signal: int) -> None:
        """Record the end and, where ``settle`` can, let go of the files."""
        self._mark_loss()
        self._note("x", code, signal)
        self.settle()

    def settle(self) -> bool:
        """Let go of the files of a closed recording; False while the index finds no room.

        Until then the raw file keeps its length: bytes that were lost must not be found as zeros
        by a reader who cannot know of the loss yet.
        """
        if self._index >= 0:
            self._write_index()
            if self._held:
                return False
            with contextlib.suppress(OSError):
                os.ftruncate(self._raw, self.size)
            self._release()
        return True

    def abandon(self) -> None:
        """Undo it: the process was never started."""
        self._release()
        for path in (self._path, self._index_path):
            with contextlib.suppress(OSError):
                os.unlink(path)  # noqa: PTH108

    def read(self, offset: int, limit: int) -> tuple[int, bytes]:
        """Bytes from ``offset`` on, or from the end of the gap that ``offset`` is in."""
        end = min(self.size, offset + limit)
        for start, stop in sorted([(self._head, self._head + self._freed), *self._all_losses()]):
            if start == stop:
                continue
            if start <= offset < stop:
                offset = stop
                end = min(self.size, offset + limit)
            elif offset < start < end:
                end = start
        if end <= offset:
            return min(offset, self.size), b""
        fd = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return offset, os.pread(fd, end - offset, offset)
        finally:
            os.close(fd)

    def newest(self, offset: int, most: int) -> tuple[str, bytes]:
        """Their kind and all bytes from ``offset`` on, where nothing else is to be told of them.

        None where there are more than ``most``, or something lies between: the recording tells it.
        """
        length = self.size - offset
        if not 0 < length <= most or offset < self._plain or self._raw < 0:
            return "", b""
        data = self._last
        if len(data) != length:
            data = os.pread(self._raw, length, offset)
        return (self._kind, data) if len(data) == length else ("", b"")

    def _put(self, data: bytes) -> None:
        self._last = b""
        if self._stopped or (self._lost and time.monotonic() < self._retry_at):
            self._lose(len(data))
            return
        if self._lost:
            self._mark_loss()
        try:
            done = os.pwrite(self._raw, data, self.size)
        except OSError:
            done = 0
        self.size += done
        if done < len(data):
            self._retry_at = time.monotonic() + _RETRY
            self._lose(len(data) - done)
        elif done <= _LAST_MOST:
            self._last = data

    def _lose(self, length: int) -> None:
        if not self._lost:
            self._lost_at = self.size
        self._lost += length
        self.size += length
        self.cut += length
        self._plain = self.size
        if self._lost >= _LOSS_STEP:
            self._mark_loss()

    def _mark_loss(self) -> None:
        """Note the bytes that were lost, before others are written behind them."""
        if self._lost:
            self._note_gap(self._lost_at, self._lost)
            begin, end = self._losses[-1] if self._losses else (0, -1)
            if end == self._lost_at or len(self._losses) >= _LOSSES_MOST:
                self._losses[-1] = (begin, self._lost_at + self._lost)
            else:
                self._losses.append((self._lost_at, self._lost_at + self._lost))
            self._lost = 0
            self._kind = ""

    def _free(self) -> None:
        """Free the oldest bytes after the head until the recording is within its cap."""
        # Tried where nothing is, beyond the end.
        able = self._freed or linux.punch(self._raw, self.size + _PAGE, _PAGE)
        while able and self.size - self.cut > self._cap:
            start = self._head + self._freed
            self.cut += self._step - self._never_written(start, start + self._step)
            # Marked first: a reader that finds zeros must also find the mark.
            self._note_gap(start, self._step)
            self._freed += self._step
            able = linux.punch(self._raw, start, self._step)
        # A file system that cannot keeps what is there, and the rest is only counted.
        self._stopped = not able

    def _never_written(self, start: int, stop: int) -> int:
        return sum(max(0, min(stop, end) - max(start, begin)) for begin, end in self._all_losses())

    def _all_losses(self) -> list[tuple[int, int]]:
        return [*self._losses, (self._lost_at, self._lost_at + self._lost)]

    def _note_gap(self, start: int, length: int) -> None:
        self._note("m", length >> 32, length & 0xFFFFFFFF, offset=start)

    def _note(self, kind: str, a: int = 0, b: int = 0, *, offset: int | None = None) -> None:
        if self._hold(kind, a, b, offset=offset):
            self._write_index()

    def _hold(self, kind: str, a: int = 0, b: int = 0, *, offset: int | None = None) -> bool:
        """Whether there was room for it; it is written before the next one, or with it."""
        if len(self._held) > _HELD_MOST:
            return False
        at = self.size if offset is None else offset
        self._held += RECORD.pack(time.time(), at, ord(kind), a, b)
        return True

    def _write_index(self) -> None:
        try:
            done = os.pwrite(self._index, self._held, self._index_size)
        except OSError:
            return
        # A record that was written in part is written again, from its beginning.
        whole = done - done % RECORD.size
        self._index_size += whole
        del self._held[:whole]
        for most, interval in _STAMPS:
            if self._index_size < most:
                self._interval = interval
                return
        self._interval = _STAMP_LAST

    def _release(self) -> None:
        for fd in (self._raw, self._index, self._input):
            if fd >= 0:
                os.close(fd)
        self._raw = self._index = self._input = -1
