"""The file of a checkpoint: authenticated, private, and on the disk as a whole or not at all.

It knows bytes and a manifest; it must never unpickle, nor know what a namespace is. The layout is
a magic, a version, the length of the manifest, the manifest (JSON), the payload, and last an
HMAC-SHA256 over everything before it.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import os
import secrets
import stat
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

MAGIC: Final = b"inspanCP"
#: Raised when the layout or the meaning of the payload changes.
VERSION: Final = 1
HEAD: Final = struct.Struct(">8sIQ")
MAC_BYTES: Final = 32
KEY_LEAST: Final = 16
#: The longest name of a file, so that the name of its unfinished copy fits a file system too.
NAME_MOST: Final = 200
PART: Final = ".part"


class CheckpointError(Exception):
    """A checkpoint was not made, or not read; nothing has changed. The message is for people."""


def python_minor() -> str:
    """What a checkpoint is bound to: compiled code differs between minor versions."""
    return f"{sys.implementation.name} {sys.version_info[0]}.{sys.version_info[1]}"


def pack(manifest: dict[str, Any], payload: bytes, key: bytes) -> bytes:
    """The bytes of a checkpoint."""
    if len(key) < KEY_LEAST:
        raise CheckpointError(f"the key is shorter than {KEY_LEAST} bytes")
    header = json.dumps(manifest, separators=(",", ":")).encode()
    body = HEAD.pack(MAGIC, VERSION, len(header)) + header + payload
    return body + hmac.digest(key, body, hashlib.sha256)


def unpack(raw: bytes, key: bytes) -> tuple[dict[str, Any], bytes]:
    """Manifest and payload, once version, MAC and Python fit. Raises CheckpointError."""
    if len(raw) < HEAD.size + MAC_BYTES or not raw.startswith(MAGIC):
        raise CheckpointError("this is no checkpoint, or only the beginning of one")
    _, version, length = HEAD.unpack_from(raw)
    if version != VERSION:
        raise CheckpointError(
            f"the checkpoint has version {version}; this inspan reads version {VERSION}"
        )
    end = len(raw) - MAC_BYTES
    expected = hmac.digest(key, memoryview(raw)[:end], hashlib.sha256)
    if not hmac.compare_digest(expected, raw[end:]):
        raise CheckpointError("the checkpoint was changed, cut short, or made with another key")
    first = HEAD.size + length
    if first > end:
        raise CheckpointError("the checkpoint contradicts its own lengths")
    manifest = json.loads(raw[HEAD.size : first])
    if manifest["python"] != python_minor():
        raise CheckpointError(
            f"the checkpoint was made by {manifest['python']} and this is {python_minor()}; "
            "restore it in a session of that Python"
        )
    return manifest, raw[first:end]


def write(path: str, folder: str | None, data: bytes) -> None:
    """Put ``data`` at ``path`` so that a crash at any moment leaves the old file or the new one."""
    with _place(path, folder) as (where, name):
        _sweep(where, name)
        part = f".{name}.{secrets.token_hex(8)}{PART}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        file = os.open(part, flags, 0o600, dir_fd=where)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _write_all(file, data)
            os.fsync(file)
            os.rename(part, name, src_dir_fd=where, dst_dir_fd=where)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(part, dir_fd=where)
            raise
        finally:
            os.close(file)
        os.fsync(where)


def read(path: str, folder: str | None, most: int) -> bytes:
    """The bytes at ``path``, which must be a regular file and no link, of at most ``most``."""
    with _place(path, folder) as (where, name):
        # Without O_NONBLOCK a FIFO of that name would hold the session for ever.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        file = os.open(name, flags, dir_fd=where)
        with os.fdopen(file, "rb") as stream:
            about = os.fstat(file)
            if not stat.S_ISREG(about.st_mode):
                raise CheckpointError("the checkpoint is no regular file")
            if about.st_size > most:
                raise CheckpointError(f"the checkpoint has {about.st_size} bytes, over {most}")
            # No more than that: a read makes room for all that it is asked for.
            return stream.read(about.st_size)


@contextmanager
def _place(path: str, folder: str | None) -> Iterator[tuple[int, str]]:
    """The folder, open, and the plain name in it. Turns what the system refuses into our error."""
    above, name = os.path.split(path)
    if folder is not None and above not in ("", folder.rstrip("/")):
        raise CheckpointError("a checkpoint lies in its session's own folder")
    if name in ("", ".", "..") or "\0" in path or len(os.fsencode(name)) > NAME_MOST:
        raise CheckpointError("a checkpoint needs a plain file name")
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        where = os.open(folder or above or ".", flags)
        try:
            yield where, name
        finally:
            os.close(where)
    except OSError as error:
        raise CheckpointError(f"the file of the checkpoint: {error.strerror or error}") from error


def _sweep(where: int, name: str) -> None:
    """Remove what a killed save left behind; a part that is still written to is locked."""
    for entry in os.listdir(where):
        if not (entry.startswith(f".{name}.") and entry.endswith(PART)):
            continue
        with suppress(OSError):
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            file = os.open(entry, flags, dir_fd=where)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.unlink(entry, dir_fd=where)
            finally:
                os.close(file)


def _write_all(file: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]
