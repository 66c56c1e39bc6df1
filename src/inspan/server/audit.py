"""The audit log: who asked for what and got which answer, each line chained to the one before.

A line is JSON with the SHA-256 of the line before it, so a line that is changed, taken out or put
in shows. A tail that was cut off does not: whoever minds that keeps the last hash elsewhere, which
`inspan audit` prints. Bodies and query strings, in which secrets may be, are never written.

It is no part of the promise to lose nothing: lines are handed to the system and not synced, and
where the disk is full the daemon works on without them, and says so in its log.
"""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from inspan.model import plain
from inspan.model.value import value

log = logging.getLogger(__name__)

#: What the first line of all is chained to.
NOTHING: Final = "0" * 64
#: A file this large makes room for another; so many older ones are kept.
FILE_MOST: Final = 16 << 20
KEPT: Final = 4
#: Of what strangers are refused, so many lines in so many seconds: a flood must not fill the disk.
REFUSALS_MOST: Final = 100
REFUSALS_SPAN: Final = 60.0
_WHAT_MOST: Final = 300


class Audit:
    """Appends to one file; one per process."""

    def __init__(self, path: Path, now: Callable[[], float] = time.time) -> None:
        self._path = path
        self._now = now
        self._file = -1
        self._size = 0
        self._before = NOTHING
        self._failed = False
        self._span_began = 0.0
        self._refused = 0

    def note(self, who: str | None, what: str, status: int) -> None:
        """One answer. ``who`` is ``None`` for a stranger, of whom a flood is told in numbers."""
        at = self._now()
        told: dict[str, Any] = {"at": round(at, 3), "who": who, "what": what[:_WHAT_MOST]}
        told["status"] = status
        if who is None:
            if at - self._span_began > REFUSALS_SPAN:
                if self._refused > REFUSALS_MOST:
                    told["unwritten"] = self._refused - REFUSALS_MOST
                self._span_began, self._refused = at, 0
            self._refused += 1
            if self._refused > REFUSALS_MOST:
                return
        try:
            self._append(told)
        except OSError:
            if not self._failed:
                log.exception("the audit log cannot be written; inspan works on without it")
            self._failed = True
            self.close()  # what stands in the file now is looked up before the next line
        else:
            self._failed = False

    def close(self) -> None:
        """Let go of the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    # ── within ────────────────────────────────────────────────────────────────

    def _append(self, told: dict[str, Any]) -> None:
        if self._file < 0 or self._size > FILE_MOST:
            self._open()
        line = plain.text(told | {"before": self._before}).encode()
        written = os.write(self._file, line + b"\n")
        if written != len(line) + 1:
            raise OSError(errno.ENOSPC, "a line was cut short")
        self._size += written
        self._before = hashlib.sha256(line).hexdigest()

    def _open(self) -> None:
        self.close()
        if self._path.exists():
            self._before = _last(self._path)
            if self._path.stat().st_size > FILE_MOST:
                for older in range(KEPT, 0, -1):
                    source = _older(self._path, older - 1)
                    if source.exists():
                        source.replace(_older(self._path, older))
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        self._file = os.open(self._path, flags, 0o600)
        self._size = os.fstat(self._file).st_size
        if self._size and os.pread(self._file, 1, self._size - 1) != b"\n":
            # The end of a line that a crash cut short; what follows is chained to it as it is.
            self._size += os.write(self._file, b"\n")


@value(frozen=True)
class Entry:
    """One line as it was read; ``broken`` where it is not chained to the line before it."""

    line: dict[str, Any]
    hash: str
    broken: bool


def read(path: Path) -> Iterator[Entry]:
    """Every line that is kept, oldest first. What the first of them is chained to is not known."""
    before: str | None = None
    for age in range(KEPT, -1, -1):
        file = _older(path, age)
        if not file.exists():
            continue
        with file.open("rb") as lines:
            for raw in lines:
                whole = raw.rstrip(b"\n")
                line = _parsed(whole)
                yield (entry := _entry(line, whole, before))
                before = entry.hash


def _entry(line: dict[str, Any], whole: bytes, before: str | None) -> Entry:
    chained = line.get("before")
    broken = chained is None or (before is not None and chained != before)
    return Entry(line, hashlib.sha256(whole).hexdigest(), broken)


def _parsed(raw: bytes) -> dict[str, Any]:
    try:
        line = json.loads(raw)
    except ValueError:
        return {}
    return line if isinstance(line, dict) else {}


def _last(path: Path) -> str:
    """The hash of the last line in the file, whole or not."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - (1 << 16)))
        lines = file.read().rstrip(b"\n").split(b"\n")
    return hashlib.sha256(lines[-1]).hexdigest() if lines[-1] else NOTHING


def _older(path: Path, age: int) -> Path:
    return path if age == 0 else path.with_suffix(f".{age}{path.suffix}")
