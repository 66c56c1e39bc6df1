"""Tokens: who may come in by the network, as a file that only its owner can read.

A token is 256 random bits. The file keeps the SHA-256 of each and never the token itself: it is
shown once, when it is made. A hash that is quick to compute is enough for what cannot be guessed.

The file is read again when it has changed, so what `inspan token` does to it counts at once,
whether a daemon runs or not. A file that cannot be read, or that others could, lets nobody in.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import hmac
import json
import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from inspan.errors import BadInput, Conflict, NotFound, SettingsInvalid
from inspan.model.value import replaced, value
from inspan.server.visitor import Scope, Visitor

_PREFIX: Final = "inspan_"
_BYTES: Final = 32
_TEXT: Final = re.compile(_PREFIX + r"[A-Za-z0-9_-]{43}", re.ASCII)
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)
#: Each is compared with every token that is shown.
MOST: Final = 1000


@value(frozen=True, kw_only=True)
class Token:
    """What is kept of a token. Times are seconds since the epoch."""

    name: str
    hash: str
    scopes: tuple[Scope, ...]
    made: float
    ends: float | None = None
    #: A browser's, which sends it along by itself, as a cookie; never a program's.
    cookie: bool = False


class Tokens:
    """Those in one file; it need not exist, and then there are none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: tuple[Token, ...] = ()
        #: What the file looked like when it was read.
        self._as_of: tuple[int, int, int] | None = None

    def visitor(self, text: str, now: float, *, cookie: bool = False) -> Visitor | None:
        """Who shows it; ``None`` where it is none of ours, or over. Raises SettingsInvalid.

        One that was made to be a cookie counts as a cookie only, and the others never as one.
        """
        known = self.all()
        if not _TEXT.fullmatch(text):
            return None
        shown = _hashed(text)
        found = None
        for token in known:
            if hmac.compare_digest(token.hash, shown):
                found = token
        if found is None or found.cookie is not cookie or _is_over(found, now):
            return None
        return Visitor(f"token {found.name}", frozenset(found.scopes))

    def all(self) -> tuple[Token, ...]:
        """Every token, in the order of making. Raises SettingsInvalid."""
        try:
            with self._path.open("rb") as file:
                found = os.fstat(file.fileno())
                as_of = (found.st_ino, found.st_mtime_ns, found.st_size)
                if as_of != self._as_of:
                    self._refuse_open(found)
                    self._known = tuple(_token(item) for item in json.load(file)["tokens"])
                    self._as_of = as_of
        except FileNotFoundError:
            self._known, self._as_of = (), None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SettingsInvalid(
                f"the tokens in {self._path} cannot be read: {error}",
                hint="Nobody comes in by the network until it is mended or removed.",
            ) from error
        return self._known

    def make(
        self,
        name: str,
        scopes: Sequence[Scope],
        *,
        now: float,
        ends: float | None = None,
        cookie: bool = False,
    ) -> str:
        """A new token, which nobody will be shown again. Raises BadInput, Conflict."""
        if not _NAME.fullmatch(name):
            raise BadInput(
                f"{name!r} is no name for a token: letters from a to z, digits, '.', '_' and '-'"
            )
        if not scopes:
            raise BadInput("a token without a scope lets nobody do anything")
        text = _drawn()
        made = Token(
            name=name,
            hash=_hashed(text),
            scopes=tuple(scopes),
            made=now,
            ends=ends,
            cookie=cookie,
        )
        with self._changing() as tokens:
            # Browsers are many in a year, and nobody would tidy up after them.
            tokens[:] = [each for each in tokens if not (each.cookie and _is_over(each, now))]
            if any(token.name == name for token in tokens):
                raise Conflict(
                    f"there is a token {name!r}",
                    hint=f"`inspan token rotate {name}` makes it anew.",
                )
            if len(tokens) >= MOST:
                raise Conflict(f"there are {MOST} tokens, and no room for more")
            tokens.append(made)
        return text

    def rotate(self, name: str, *, now: float) -> str:
        """Another token in its place, with the same scopes. Raises NotFound."""
        text = _drawn()
        with self._changing() as tokens:
            index = _index(tokens, name)
            tokens[index] = replaced(tokens[index], hash=_hashed(text), made=now)
        return text

    def revoke(self, name: str) -> None:
        """It lets nobody in from now on. Raises NotFound."""
        with self._changing() as tokens:
            del tokens[_index(tokens, name)]

    # ── within ────────────────────────────────────────────────────────────────

    def _refuse_open(self, found: os.stat_result) -> None:
        if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
            raise ValueError(f"it is open to other users; `chmod 600 {self._path}` closes it")

    @contextmanager
    def _changing(self) -> Iterator[list[Token]]:
        """The tokens, to be changed in place; written when the block is left without an error."""
        lock = os.open(
            self._path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600
        )
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            tokens = list(self.all())
            yield tokens
            self._write(tokens)
        finally:
            os.close(lock)

    def _write(self, tokens: Sequence[Token]) -> None:
        new = self._path.with_suffix(".new")
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
        with os.fdopen(os.open(new, flags, 0o600), "w") as file:
            json.dump({"tokens": [asdict(token) for token in tokens]}, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._path)


def _is_over(token: Token, now: float) -> bool:
    return token.ends is not None and token.ends <= now


def _token(item: Any) -> Token:
    return Token(**{**item, "scopes": tuple(Scope(scope) for scope in item["scopes"])})


def _drawn() -> str:
    return _PREFIX + base64.urlsafe_b64encode(os.urandom(_BYTES)).rstrip(b"=").decode()


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _index(tokens: Sequence[Token], name: str) -> int:
    for index, token in enumerate(tokens):
        if token.name == name:
            return index
    raise NotFound(f"there is no token {name!r}", hint="`inspan token ls` lists them.")
