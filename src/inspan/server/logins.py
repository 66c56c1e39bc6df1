"""How a browser comes in: by a code that the owner got at his own socket, for a cookie.

A code is good once, for a minute, and travels behind the ``#`` of an address, which no browser
sends anywhere. The cookie is a token like others but for its ways: it ends by itself, and counts as
nothing else. Codes are forgotten with the daemon, cookies are not.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import time
from collections.abc import Callable, Sequence
from typing import Final

from inspan.errors import BadInput, Conflict, NotGranted
from inspan.server.tokens import Tokens
from inspan.server.visitor import Scope

#: Seconds for which a code is good, and how many may be at once.
LIFE: Final = 60.0
MOST: Final = 16
#: Seconds for which a browser stays logged in.
STAYS: Final = 30 * 86400.0
_BYTES: Final = 16


class Logins:
    """The codes of one daemon, and the cookies that they become."""

    def __init__(self, tokens: Tokens, now: Callable[[], float] = time.time) -> None:
        self._tokens = tokens
        self._now = now
        #: By hash: until when, and what the browser may do.
        self._codes: dict[bytes, tuple[float, tuple[Scope, ...]]] = {}

    def code(self, scopes: Sequence[Scope]) -> str:
        """A new one. Raises Conflict where too many wait to be used."""
        now = self._now()
        self._codes = {code: kept for code, kept in self._codes.items() if kept[0] > now}
        if len(self._codes) >= MOST:
            raise Conflict(f"{MOST} codes wait to be used", hint="They end in a minute.")
        text = base64.urlsafe_b64encode(os.urandom(_BYTES)).rstrip(b"=").decode()
        self._codes[_hashed(text)] = (now + LIFE, tuple(scopes))
        return text

    def enter(self, code: str) -> str:
        """The cookie for a code, which is used up by it. Raises NotGranted."""
        shown, now = _hashed(code), self._now()
        found = None
        for known in self._codes:
            if hmac.compare_digest(known, shown):
                found = known
        ends, scopes = self._codes.pop(found) if found is not None else (0.0, ())
        if ends <= now:
            raise NotGranted(
                "that code is over, used, or was never one", hint="`inspan web` makes another."
            )
        name = f"web-{base64.b32encode(os.urandom(5)).decode().lower()}"
        return self._tokens.make(name, scopes, now=now, ends=now + STAYS, cookie=True)

    def leave(self, visitor: str) -> None:
        """Its cookie counts no more. Raises BadInput for whoever came in by another way."""
        name = visitor.removeprefix("token ")
        if not any(token.name == name and token.cookie for token in self._tokens.all()):
            raise BadInput("only a browser logs out", hint="`inspan token revoke` ends a token.")
        self._tokens.revoke(name)


def _hashed(text: str) -> bytes:
    return hashlib.sha256(text.encode(errors="replace")).digest()
