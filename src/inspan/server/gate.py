"""The gate of the network: a page, a stranger on this machine or one from afar stands before it.

Three looks, none of which is enough alone: the Host header has to be one that is served, so that a
name which was bent to this address leads nowhere; an Origin, where there is one, has to be ours,
and is never compared with the Host, which the same page chose; and a token has to be shown, in a
header, which no page of another origin can send here. Loopback is no exemption.
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
        now: Callable[[], float] = time.time,
    ) -> None:
        self._tokens = tokens
        self._hosts = hosts
        self._origins = origins
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
        if self._foreign(headers):
            return problem.response(
                Refused(
                    "a page of another origin has no business here",
                    hint="Name its origin in server.origins if you trust all that it runs.",
                ),
                HTTPStatus.FORBIDDEN,
            )
        return self._shown(headers.getlist("authorization"))

    def _foreign(self, headers: Headers) -> bool:
        origins = headers.getlist("origin")
        if origins:
            return len(origins) != 1 or origins[0].lower() not in self._origins
        return any(site not in _FROM_HERE for site in headers.getlist("sec-fetch-site"))

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
