"""How open files are saved: those only read from, as place and position; no other.

A file is never opened for writing by a checkpoint, and what is restored reads on as the old one
would have; where that cannot be known, the file is refused.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from . import checkpoint_rebuild as rebuild
from .checkpoint_refusal import Refused, kind_of

#: The most bytes of a text file that are looked through to know how it splits lines.
TEXT_MOST: Final = 64 << 20
PROBE: Final = 1 << 16


def _raw_file(value: io.FileIO) -> Any:
    _readable(value)
    about = os.fstat(value.fileno())
    if not isinstance(value.name, str | bytes) or not stat.S_ISREG(about.st_mode):
        raise Refused(kind_of(value), "it is not a regular file opened by its path")
    path = Path(os.fsdecode(value.name)).absolute()
    try:
        there = path.stat()
    except OSError:
        there = None
    if there is None or (there.st_dev, there.st_ino) != (about.st_dev, about.st_ino):
        raise Refused(kind_of(value), "its path names another file now")
    place = (str(path), value.name, about.st_size, about.st_mtime_ns, value.tell())
    return rebuild.raw_file, place


def _buffered_file(value: io.BufferedReader) -> Any:
    _readable(value)
    if type(value.raw) is not io.FileIO:
        return NotImplemented
    _raw_file(value.raw)
    return rebuild.buffered_file, (value.raw, value.tell())


def _text_file(value: io.TextIOWrapper) -> Any:
    _readable(value)
    if type(value.buffer) is not io.BufferedReader or type(value.buffer.raw) is not io.FileIO:
        raise Refused(kind_of(value), "it is not a regular file opened by its path")
    _raw_file(value.buffer.raw)
    try:
        position = value.tell()
    except OSError as error:
        raise Refused(kind_of(value), "it is in the middle of a loop over its lines") from error
    _same_lines(value, position)
    encoding, errors = value.encoding, value.errors
    mode = getattr(value, "mode", "r")
    return rebuild.text_file, (value.buffer, encoding, errors, mode, position)


def _readable(value: Any) -> None:
    if value.closed:
        raise Refused(kind_of(value), "it is closed")
    if not value.readable() or value.writable():
        raise Refused(kind_of(value), "it is open for writing")


def _same_lines(value: io.TextIOWrapper, position: int) -> None:
    """A text file does not tell its ``newline``; refuse where another one would read otherwise."""
    path = Path(os.fsdecode(value.name))
    with path.open("rb") as content:
        if path.stat().st_size > TEXT_MOST or b"\r" in content.read(TEXT_MOST):
            raise Refused(kind_of(value), "how it splits lines cannot be known")
    with path.open(encoding=value.encoding, errors=value.errors) as probe:
        value.seek(0)
        try:
            same = value.readline(PROBE) == probe.readline(PROBE)
        finally:
            value.seek(position)
    if not same:
        raise Refused(kind_of(value), "how it splits lines cannot be known")


def _written(value: Any) -> Any:
    raise Refused(kind_of(value), "it is open for writing")


#: In the order in which they are tried.
FILES: Final[tuple[tuple[type, Callable[[Any], Any]], ...]] = (
    (io.TextIOWrapper, _text_file),
    (io.BufferedReader, _buffered_file),
    (io.BufferedWriter, _written),
    (io.BufferedRandom, _written),
    (io.FileIO, _raw_file),
)
