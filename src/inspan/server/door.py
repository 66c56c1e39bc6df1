"""The door of the socket: who may come in at all, before any route is looked at.

The socket's mode and the peer's uid keep other users out. This keeps a browser of the same user
out, which a page could steer here through a port forwarder or a rebound name: only our own two
host names are served, and whoever sends an Origin is a browser. HTTP and WebSocket alike.
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from inspan.errors import BadInput, DaemonMismatch, InspanError, Refused
from inspan.model import wire
from inspan.server import problem

HOSTS: Final = frozenset({wire.HOST, "localhost"})
#: A client of another version may still ask how this daemon is, and tell it to go.
ANY_VERSION: Final = frozenset({"/v1/health", "/v1/shutdown"})

log = logging.getLogger(__name__)


class Door:
    """ASGI middleware: admits, stamps every answer with our version, turns errors into problems."""

    def __init__(self, app: ASGIApp, *, version: str) -> None:
        self._app = app
        self._version = version

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def stamped(message: Message) -> None:
            nonlocal started
            if message["type"].endswith((".start", ".accept")):
                started = True
                message.setdefault("headers", [])
                MutableHeaders(scope=message)[wire.VERSION_HEADER] = self._version
            await send(message)

        refusal = self._refusal(scope)
        if refusal is None:
            # With an app in the scope, Starlette raises what it refuses and leaves it to us.
            scope["app"] = self
            try:
                await self._app(scope, receive, stamped)
            except (InspanError, HTTPException) as error:
                if started:
                    raise
                refusal = _answer(error)
            except Exception:
                log.exception("a request failed unforeseen", extra={"path": scope["path"]})
                if started:
                    raise
                refusal = problem.response(InspanError())
        if refusal is not None:
            await refusal(scope, receive, stamped)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0] not in HOSTS:
            refused = Refused("that host is not served here", hint="Use the inspan command.")
            return problem.response(refused, HTTPStatus.MISDIRECTED_REQUEST)
        if "origin" in headers:
            refused = Refused("a browser has no business here", hint="Use the inspan command.")
            return problem.response(refused, HTTPStatus.FORBIDDEN)
        theirs = headers.get(wire.VERSION_HEADER, self._version)
        if theirs != self._version and scope["path"] not in ANY_VERSION:
            return problem.response(
                DaemonMismatch(f"the daemon is inspan {self._version}, this command is {theirs}")
            )
        return None


def _answer(error: InspanError | HTTPException) -> Response:
    if isinstance(error, InspanError):
        return problem.response(error)
    status = HTTPStatus(error.status_code)
    said = error.detail if error.detail != status.phrase else f"{status.phrase} here".lower()
    return problem.response(BadInput(said), status, error.headers)
