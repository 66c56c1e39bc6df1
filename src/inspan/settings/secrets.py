"""Keys and passwords by reference: a task has the reference, its process gets the value.

A reference is one of::

    held:NAME             a file of our own in the runtime directory; a reboot forgets it
    file:PATH             the first line of a file of the user's
    env:NAME              a variable of the daemon's own environment
    keyring:SERVICE/USER  the user's keyring, where the package `keyring` is installed

The values are in no task, no event and no log. It knows no task and no agent.
"""

from __future__ import annotations

import hmac
import os
import re
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from inspan.errors import BadInput, SecretMissing

KINDS: Final = ("held", "file", "env", "keyring")
_HELD: Final = re.compile(r"[0-9a-f]{32}")
_SALT: Final = "salt"
#: The longest value, in bytes.
_MOST: Final = 64 << 10


class Secrets:
    """What is held in ``folder``, and what references of the other kinds lead to."""

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self._folder = folder
        self._env = env

    def hold(self, value: str) -> str:
        """Keep ``value``; its reference, the same for the same value. Raises BadInput."""
        data = value.encode(errors="surrogateescape")
        if len(data) > _MOST:
            raise BadInput(f"a secret of {len(data)} bytes is too long; {_MOST} are the most")
        self._folder.mkdir(mode=0o700, exist_ok=True)
        name = hmac.digest(self._salt(), data, "sha256").hex()[:32]
        self._write(name, data)
        return f"held:{name}"

    def look_up(self, reference: str) -> str:
        """The value behind ``reference``. Raises SecretMissing, BadInput."""
        kind, _, what = check(reference).partition(":")
        found = {
            "held": self._held,
            "file": _first_line,
            "env": self._env.get,
            "keyring": _of_keyring,
        }[kind](what)
        if not found:
            raise SecretMissing(f"There is nothing behind the secret {reference}.")
        return found

    def forget(self, older_than: float) -> int:
        """Let go of what nobody has held or asked for in ``older_than`` seconds; how many."""
        gone = 0
        with suppress(FileNotFoundError), os.scandir(self._folder) as entries:
            for entry in entries:
                old = time.time() - entry.stat(follow_symlinks=False).st_mtime > older_than
                if old and entry.name != _SALT:
                    with suppress(FileNotFoundError):
                        os.unlink(entry.path)  # noqa: PTH108 - an entry is no Path
                        gone += 1
        return gone

    def _held(self, name: str) -> str | None:
        if not _HELD.fullmatch(name):
            return None
        path = self._folder / name
        data = _read(path)
        if data is not None:
            os.utime(path)
        return None if data is None else data.decode(errors="surrogateescape")

    def _salt(self) -> bytes:
        """So that a reference, which is stored, tells nothing of its value."""
        path = self._folder / _SALT
        known = _read(path)
        if known:
            return known
        fresh = self._fresh(secrets.token_bytes(32))
        try:
            with suppress(FileExistsError):
                path.hardlink_to(fresh)  # whole, and never over another's
        finally:
            fresh.unlink()
        return path.read_bytes()

    def _write(self, name: str, data: bytes) -> None:
        self._fresh(data).replace(self._folder / name)

    def _fresh(self, data: bytes) -> Path:
        path = self._folder / f".{secrets.token_hex(8)}"
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(file, "wb") as opened:
            opened.write(data)
        return path


def check(reference: str) -> str:
    """``reference``, where it is one. Raises BadInput."""
    kind, colon, what = reference.partition(":")
    if kind not in KINDS or not colon or not what:
        raise BadInput(
            f"{reference!r} is no reference to a secret",
            hint="Write file:PATH, env:NAME or keyring:SERVICE/USER.",
        )
    return reference


def _read(path: Path) -> bytes | None:
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(file, "rb") as opened:
        return opened.read(_MOST)


def _first_line(path: str) -> str | None:
    try:
        with Path(path).expanduser().open("rb") as opened:
            return opened.readline(_MOST).decode().strip()
    except (OSError, UnicodeDecodeError):
        return None


def _of_keyring(what: str) -> str | None:
    service, _, user = what.partition("/")
    try:
        import keyring  # noqa: PLC0415 - an extra, and slow to import
    except ImportError as error:
        raise SecretMissing(
            "The keyring cannot be read: the package `keyring` is not installed.",
            hint="Install it beside inspan: `pip install keyring`.",
        ) from error
    found: str | None = keyring.get_password(service, user)
    return found
