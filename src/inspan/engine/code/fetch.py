"""``http.fetch``: one page of an origin that the session was granted.

What is judged is the origin of the URL, that of each redirect, and the address that is gone to: a
name that leads to this machine or into a private network is refused, whoever controls the name.
Nothing but GET and HEAD, which may be asked twice.
"""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Final
from urllib.parse import urljoin

import anyio

from inspan.engine.code.asks import Question
from inspan.engine.code.ports import Fetched, Web
from inspan.errors import BadInput, NotGranted, Unable
from inspan.model.origin import Origin, origin_of, parsed, public

#: Of a page, in bytes.
BODY_MOST: Final = 1 << 20
#: Seconds for all of it, redirects included.
TIME_MOST: Final = 60.0
#: Pages that are fetched at once, for all sessions; more wait.
_AT_ONCE: Final = 16
_REDIRECTS: Final = 5
_MOVED: Final = (301, 302, 303, 307, 308)
_METHODS: Final = ("GET", "HEAD")
#: What is said by who makes the connection.
_OURS: Final = frozenset(
    (
        *("accept-encoding", "connection", "content-length", "expect", "host", "keep-alive", "te"),
        *("proxy-authorization", "proxy-connection", "trailer", "transfer-encoding", "upgrade"),
    )
)


class Fetch:
    """``http.fetch``: ``url``; ``method`` and ``headers``. Every status is an answer."""

    name: ClassVar[str] = "http.fetch"
    grant: ClassVar[str] = "http"
    word: ClassVar[str] = "http=ORIGIN"

    def __init__(self, web: Web) -> None:
        self._web = web
        self._limit = anyio.CapacityLimiter(_AT_ONCE)

    def check(self, given: Sequence[str]) -> None:
        """Each is an origin. Raises BadInput."""
        for origin in given:
            if not origin:
                raise BadInput("'http' is granted for an origin, as in 'http=https://example.org'")
            origin_of(origin)

    async def asked(self, ask: Question) -> Any:
        """``url`` in the end, ``status``, ``headers``; ``text``, or ``base64`` where it is none."""
        said = ask.fields(("url", "method", "headers"))
        url, method = said.get("url"), said.get("method", "GET")
        if not isinstance(url, str):
            raise BadInput("'url' is text")
        if method not in _METHODS:
            raise BadInput(f"'method' is {' or '.join(_METHODS)}")
        granted = frozenset(map(origin_of, ask.given))
        headers = _headers(said.get("headers", {}))
        try:
            async with self._limit:
                with anyio.fail_after(TIME_MOST):
                    url, page = await self._follow(url, method, headers, granted)
        except TimeoutError:
            raise Unable(f"{url} was not there within {TIME_MOST:g} s") from None
        return {"url": url, "status": page.status, "headers": _told(page), **_body(page.body)}

    async def _follow(
        self, url: str, method: str, headers: Mapping[str, str], granted: frozenset[Origin]
    ) -> tuple[str, Fetched]:
        came_from: Origin | None = None
        for _ in range(_REDIRECTS + 1):
            origin, target = parsed(url)
            _judge(origin, came_from, granted)
            if came_from not in (None, origin):
                headers = {}  # they were meant for the origin before, and may hold a secret
            page = await self._web.fetch(
                origin, method, target, headers, partial(reachable, origin, granted), BODY_MOST
            )
            place = next((value for name, value in page.headers if name == "location"), None)
            if page.status not in _MOVED or place is None:
                return url, page
            came_from, url = origin, urljoin(url, place).partition("#")[0]
        raise Unable(f"{url} comes after {_REDIRECTS} redirects")


def reachable(origin: Origin, granted: frozenset[Origin], address: str) -> bool:
    """Whether a request to ``origin``, which is granted, may go to ``address``."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if public(found) or str(found) == origin.host:
        return True
    if origin.host == "localhost" and found.is_loopback:
        return True
    return Origin(origin.scheme, str(found), origin.port) in granted


def _judge(origin: Origin, came_from: Origin | None, granted: frozenset[Origin]) -> None:
    if origin not in granted:
        which = f"{origin}" if came_from is None else f"{origin}, where {came_from} redirects to"
        raise NotGranted(f"This session was not granted {which}: that is 'http={origin}'.")


def _headers(said: object) -> dict[str, str]:
    if not isinstance(said, Mapping):
        raise BadInput("'headers' is a dict")
    for name, value in said.items():
        if not isinstance(value, str):
            raise BadInput(f"the header {name!r:.100} is not text")
        if name.lower() in _OURS:
            raise BadInput(f"the header {name!r:.100} is not yours to say")
    return dict(said)


def _told(page: Fetched) -> dict[str, str]:
    """One value for each name, as RFC 9110 joins them."""
    told: dict[str, str] = {}
    for name, value in page.headers:
        told[name] = f"{told[name]}, {value}" if name in told else value
    return told


def _body(body: bytes) -> dict[str, str]:
    try:
        return {"text": body.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode()}
