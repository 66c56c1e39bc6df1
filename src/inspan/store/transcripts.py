"""Transcripts of code sessions: one file of JSON lines for each, and the same in memory.

A line is written and not waited for: it outlives this process, and a loss of power it may not.
What a killed process left half written is cut off when its file is next written to. It never knows
what an event means, but that printed text is what there can be too much of.
"""

from __future__ import annotations

import errno
import json
import os
import re
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import anyio.to_thread

from inspan.errors import BadInput, DiskFull, StoreCorrupt, StoreFailed
from inspan.model.code import CodeEvent, Printed, Shown
from inspan.model.plain import KIND, load_code_event, text

#: Files that are open at once; the one used longest ago is closed.
OPEN_MOST: Final = 64
#: Bytes that were not kept, after which a line says so, if nothing else does before.
TOLD: Final = 1 << 20
#: The beginning of every line.
_SEQ: Final = re.compile(rb'\{"seq":(\d+),')
_PIECE: Final = 1 << 16
_FULL: Final = (errno.ENOSPC, errno.EDQUOT)
_ID: Final = re.compile(r"[A-Za-z0-9-]{1,64}")


@dataclass(slots=True)
class _File:
    """One that is written to. What was not kept since the last line is ``lost`` bytes."""

    fd: int
    size: int
    #: Lines that are written with the next one.
    begun: bytes = b""
    lost: int = 0
    last: tuple[CodeEvent, str] | None = None


class Transcripts:
    """The transcripts in one folder, which this object alone writes to."""

    def __init__(self, folder: Path, *, cap: int) -> None:
        """``cap``: bytes of a file beyond which printed text and rich values are not kept."""
        self._folder = folder
        self._cap = cap
        self._files: OrderedDict[str, _File] = OrderedDict()

    def append(self, event: CodeEvent, mark: str, *, more: bool = False) -> None:
        """Write it behind the last. Raises StoreFailed, DiskFull: then it is not there.

        ``more``: another comes at once, and both are written together or neither is.
        """
        file = self._file(event.session)
        if file.size >= self._cap and isinstance(event.fact, Printed | Shown):
            file.lost += _weight(event.fact)
            file.last = event, mark
            if file.lost >= TOLD:
                _tell(file)
            return
        if file.lost:
            _tell(file)
        file.begun += _line(event.seq, event.at, event.fact, mark)
        if not more:
            _write(file)

    async def read(self, session: str, since: int, limit: int) -> tuple[CodeEvent, ...]:
        """Events after ``since``, oldest first. Raises StoreCorrupt."""
        self._settle(session)
        return await anyio.to_thread.run_sync(_read, self._path(session), since, limit)

    async def last(self, session: str) -> tuple[int, str]:
        """The last ``seq`` and its mark; ``(0, "")`` where there is nothing."""
        self._settle(session)
        return await anyio.to_thread.run_sync(_last, self._path(session))

    def release(self, session: str) -> None:
        """Let go of its file: the session is over. More can be appended all the same."""
        file = self._files.pop(session, None)
        if file is not None:
            _shut(file)

    async def remove(self, session: str) -> int:
        """Delete it; the bytes it had."""
        file = self._files.pop(session, None)
        if file is not None:
            os.close(file.fd)
        return await anyio.to_thread.run_sync(_remove, self._path(session))

    async def size(self, session: str) -> int:
        """The bytes it has."""
        self._settle(session)
        return await anyio.to_thread.run_sync(_size, self._path(session))

    def close(self) -> None:
        """Let go of every file."""
        while self._files:
            _shut(self._files.popitem()[1])

    def _file(self, session: str) -> _File:
        file = self._files.get(session)
        if file is None:
            file = self._files[session] = _open(self._path(session))
            if len(self._files) > OPEN_MOST:
                _shut(self._files.popitem(last=False)[1])
        else:
            self._files.move_to_end(session)
        return file

    def _settle(self, session: str) -> None:
        file = self._files.get(session)
        if file is not None and file.lost:
            _tell(file)

    def _path(self, session: str) -> Path:
        if not _ID.fullmatch(session):
            raise BadInput(f"{session!r} is no id of a code session")
        return self._folder / f"{session}.jsonl"


class MemoryTranscripts:
    """``Transcripts`` in lists: nothing outlives the process."""

    def __init__(self) -> None:
        self._events: dict[str, list[tuple[CodeEvent, str]]] = {}

    def append(self, event: CodeEvent, mark: str, *, more: bool = False) -> None:
        """Behind the last."""
        del more
        self._events.setdefault(event.session, []).append((event, mark))

    async def read(self, session: str, since: int, limit: int) -> tuple[CodeEvent, ...]:
        """Events after ``since``, oldest first."""
        return tuple(event for event, _ in self._events.get(session, ())[since : since + limit])

    async def last(self, session: str) -> tuple[int, str]:
        """The last ``seq`` and its mark; ``(0, "")`` where there is nothing."""
        if not self._events.get(session):
            return 0, ""
        event, mark = self._events[session][-1]
        return event.seq, mark

    async def size(self, session: str) -> int:
        """The bytes it has on a disk: none."""
        del session
        return 0

    def release(self, session: str) -> None:
        """There is no file."""

    async def remove(self, session: str) -> int:
        """Delete it; it took no bytes of a disk."""
        self._events.pop(session, None)
        return 0


# ── writing ───────────────────────────────────────────────────────────────────


def _open(path: Path) -> _File:
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = os.open(path, flags, 0o600)
        size = os.fstat(fd).st_size
        whole = _whole(fd, size)
        if whole < size:
            os.ftruncate(fd, whole)
    except OSError as error:
        raise _failure(error) from error
    return _File(fd, whole)


def _line(seq: int, at: float, fact: Any, mark: str) -> bytes:
    return f'{{"seq":{seq},"at":{at!r},"mark":{text(mark)},"fact":{text(fact)}}}\n'.encode()


def _write(file: _File) -> None:
    line, file.begun = file.begun, b""
    try:
        done = os.write(file.fd, line)
        if done < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # noqa: TRY301 - so it is
    except OSError as error:
        with suppress(OSError):
            os.ftruncate(file.fd, file.size)
        raise _failure(error) from error
    file.size += done


def _tell(file: _File) -> None:
    """Write what was not kept, in the place of it."""
    assert file.last is not None
    event, mark = file.last
    fact = event.fact
    cell = fact.cell if isinstance(fact, Printed | Shown) else None
    stream = fact.stream if isinstance(fact, Printed) else "stdout"
    gone = Printed(cell, stream, "", file.lost)
    file.begun += _line(event.seq, event.at, gone, mark)
    _write(file)
    file.lost, file.last = 0, None


def _shut(file: _File) -> None:
    try:
        if file.lost:
            _tell(file)
        elif file.begun:
            _write(file)
    except StoreFailed:
        file.lost = 0
    finally:
        os.close(file.fd)


def _weight(fact: Printed | Shown) -> int:
    """Bytes that are not kept, nearly where they are no ASCII."""
    if isinstance(fact, Printed):
        text, dropped = fact.text, fact.dropped
        size = len(text) if text.isascii() else len(text.encode(errors="surrogatepass"))
        return size + dropped
    return sum(len(str(part)) for part in fact.data.values())


def _failure(error: OSError) -> StoreFailed:
    kind = DiskFull if error.errno in _FULL else StoreFailed
    return kind(f"The transcript cannot be written: {error}.")


# ── reading, in a thread ──────────────────────────────────────────────────────


def _read(path: Path, since: int, limit: int) -> tuple[CodeEvent, ...]:
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return ()
    with file:
        whole = _whole(file.fileno(), os.fstat(file.fileno()).st_size)
        file.seek(_place(file.fileno(), whole, since))
        found: list[CodeEvent] = []
        while len(found) < limit and file.tell() < whole:
            plain = _plain(file.readline(), path)
            if plain["seq"] > since:
                found.append(load_code_event({**plain, "session": path.stem}))
        return tuple(found)


def _last(path: Path) -> tuple[int, str]:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return 0, ""
    try:
        whole = _whole(fd, os.fstat(fd).st_size)
        if not whole:
            return 0, ""
        start = _behind_newline(fd, whole - 1)
        plain = _plain(os.pread(fd, whole - start, start), path)
        return plain["seq"], plain["mark"]
    finally:
        os.close(fd)


def _place(fd: int, whole: int, since: int) -> int:
    """Where to begin, so that all after ``since`` is behind it: by halves, since lines are many."""
    low, high = 0, whole
    while high - low > _PIECE:
        middle = _behind_newline(fd, (low + high) // 2)
        found = _SEQ.match(os.pread(fd, 32, middle))
        if middle <= low or found is None or int(found[1]) > since:
            high = (low + high) // 2
        else:
            low = middle
    return low


def _whole(fd: int, size: int) -> int:
    """Bytes of the file up to the end of its last whole line."""
    return _behind_newline(fd, size)


def _behind_newline(fd: int, end: int) -> int:
    """Behind the last newline before ``end``; 0 where there is none."""
    while end > 0:
        start = max(0, end - _PIECE)
        at = os.pread(fd, end - start, start).rfind(b"\n")
        if at >= 0:
            return start + at + 1
        end = start
    return 0


def _plain(line: bytes, path: Path) -> dict[str, Any]:
    try:
        plain: dict[str, Any] = json.loads(line)
        if not {"seq", "at", "mark", "fact"} <= plain.keys() or KIND not in plain["fact"]:
            raise KeyError(KIND)  # noqa: TRY301 - told below
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise StoreCorrupt(f"A line of {path.name} is not readable.") from error
    return plain


def _size(path: Path) -> int:
    with suppress(FileNotFoundError):
        return path.stat().st_size
    return 0


def _remove(path: Path) -> int:
    size = _size(path)
    path.unlink(missing_ok=True)
    return size
