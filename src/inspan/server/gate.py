"""The gate of the network: a page, a stranger on this machine or one from afar stands before it.

Three looks, none of which is enough alone: the Host header has to be one that is served, so that a
name which was bent to this address leads nowhere; an Origin, where there is one, has to be ours,
and is never compared with the Host, which the same page chose; and a token has to be shown, in a
header, which no page of another origin can send here. Loopback is no exemption.

Our own page shows a cookie instead, which a browser sends along by itself. So what changes
anything, and every WebSocket, has to say its Origin then: that it is missing proves nothing. The
page's own files are no secret, and neither is the place where a code is shown.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Scope

from inspan.errors import NotGranted, Refused
from inspan.server import problem
from inspan.server.tokens import Tokens
from inspan.server.visitor import Visitor

#: What a stranger may ask for: the page, and to be let in.
OPEN: Final = ("/", "/v1/login")
OPEN_BELOW: Final = "/web/"
_LOOKS: Final = ("GET", "HEAD")
#: What a browser says of where a request comes from (Fetch Metadata, W3C): another site's never.
_FROM_HERE: Final = frozenset({"same-origin", "none"})
_SHOWN: Final = "Bearer "
#: On every answer: no page may frame, sniff or keep it, and it runs nothing.
HEADERS: Final = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class Gate:
    """Admits whoever shows a token of ours to one of the names that we serve."""

    headers = HEADERS

    def __init__(
        self,
        tokens: Tokens,
        *,
        hosts: frozenset[str],
        origins: frozenset[str],
        cookie: str,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._tokens = tokens
        self._hosts = hosts
        self._origins = origins
        self._cookie = cookie
        self._now = now

    def admits(self, connection: Scope) -> Visitor | Response:
        """Who it is, or the answer that turns them away. Raises SettingsInvalid."""
        headers = Headers(scope=connection)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            return problem.response(
                Refused(
                    "that host is not served here",
                    hint="Use the address that `inspan status` shows, or name it in server.hosts.",
                ),
                HTTPStatus.MISDIRECTED_REQUEST,
            )
        method = connection.get("method", "")
        is_page = method in _LOOKS and _is_file(connection["path"])
        if self._foreign(headers, followed=is_page):
            return problem.response(
                Refused(
                    "a page of another origin has no business here",
                    hint="Name its origin in server.origins if you trust all that it runs.",
                ),
                HTTPStatus.FORBIDDEN,
            )
        if headers.getlist("authorization"):
            return self._shown(headers.getlist("authorization"))
        visitor = self._kept(headers)
        if visitor is not None and (method in _LOOKS or "origin" in headers):
            return visitor
        if is_page or connection["path"] in OPEN:
            return STRANGER
        return self._shown([])

    def _foreign(self, headers: Headers, *, followed: bool) -> bool:
        """``followed``: a link leads there, wherever it stands."""
        origins = headers.getlist("origin")
        if origins:
            return len(origins) != 1 or origins[0].lower() not in self._origins
        sites = headers.getlist("sec-fetch-site")
        return not followed and any(site not in _FROM_HERE for site in sites)

    def _kept(self, headers: Headers) -> Visitor | None:
        """Who shows our cookie. One that is there twice is nobody's."""
        pairs = [
            pair.strip().partition("=")
            for line in headers.getlist("cookie")
            for pair in line.split(";")
        ]
        shown = [value for name, _, value in pairs if name == self._cookie]
        if len(shown) != 1:
            return None
        return self._tokens.visitor(shown[0], self._now(), cookie=True)

    def _shown(self, shown: list[str]) -> Visitor | Response:
        text = shown[0].removeprefix(_SHOWN) if len(shown) == 1 else ""
        visitor = self._tokens.visitor(text, self._now())
        if visitor is not None and shown[0].startswith(_SHOWN):
            return visitor
        return problem.response(
            NotGranted(
                "no token that counts here was shown",
                hint="Send `Authorization: Bearer TOKEN`; `inspan token new` makes one.",
            ),
            HTTPStatus.UNAUTHORIZED,
            {"www-authenticate": 'Bearer realm="inspan"'},
        )


#: Whoever asks for what is open. No scope, so no verb.
STRANGER: Final = Visitor("a stranger", frozenset())


def _is_file(path: str) -> bool:
    return path == "/" or path.startswith(OPEN_BELOW)
