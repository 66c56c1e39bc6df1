"""The door: who may come in at all, before any route is looked at; the same for each way in.

Whoever is admitted gets to the routes as a visitor with a name. Every answer is stamped with our
version, every error becomes a problem document, and what was asked goes into the audit log, unless
somebody only looked.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final, Protocol

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from inspan.errors import BadInput, DaemonMismatch, InspanError, Refused
from inspan.model import wire
from inspan.server import problem, visitor
from inspan.server.audit import Audit
from inspan.server.heads import header
from inspan.server.visitor import Visitor

HOSTS: Final = frozenset({wire.HOST, "localhost"})
_HOSTS: Final = frozenset(host.encode() for host in HOSTS)
_VERSION: Final = wire.VERSION_HEADER.encode()
#: A client of another version may still ask how this daemon is, and tell it to go.
ANY_VERSION: Final = frozenset({"/v1/health", "/v1/shutdown"})
#: The answer to an upgrade (RFC 6455, 1.3).
_SWITCHING: Final = 101
_TURNED_AWAY: Final = frozenset({401, 403, 421})

log = logging.getLogger(__name__)


class Guard(Protocol):
    """Who stands at the door."""

    @property
    def headers(self) -> Mapping[str, str]:
        """What every answer has to carry."""
        ...

    def admits(self, connection: Scope) -> Visitor | Response:
        """Who comes in; or the answer to whom does not."""
        ...


class OwnSocket:
    """At the Unix socket, whose mode and peer's uid keep other users out.

    This keeps a browser of the same user out, which a page could steer here through a port
    forwarder or a rebound name: only our own two host names are served, and whoever sends an
    Origin is a browser.
    """

    headers: Mapping[str, str] = {}

    def admits(self, connection: Scope) -> Visitor | Response:
        """The owner, who may do everything."""
        headers = connection["headers"]
        hosts = [value for name, value in headers if name == b"host"]
        if len(hosts) != 1 or hosts[0] not in _HOSTS:
            refused = Refused("that host is not served here", hint="Use the inspan command.")
            return problem.response(refused, HTTPStatus.MISDIRECTED_REQUEST)
        if any(name == b"origin" for name, _ in headers):
            refused = Refused("a browser has no business here", hint="Use the inspan command.")
            return problem.response(refused, HTTPStatus.FORBIDDEN)
        return _OWNER


_OWNER: Final = Visitor("owner", frozenset({visitor.Scope.ADMIN}))


class Door:
    """ASGI middleware around the routes."""

    def __init__(self, app: ASGIApp, *, version: str, guard: Guard, audit: Audit) -> None:
        self._app = app
        self._version = version
        self._stamp = (_VERSION, version.encode())
        self._guard = guard
        self._audit = audit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        status = 0

        async def stamped(message: Message) -> None:
            nonlocal status
            if message["type"].endswith((".start", ".accept")):
                status = message.get("status", _SWITCHING)
                message.setdefault("headers", []).append(self._stamp)
                for name, text in self._guard.headers.items():
                    MutableHeaders(scope=message).setdefault(name, text)
                self._tell(scope, status)
            await send(message)

        refusal = self._refusal(scope)
        if refusal is None:
            # With an app in the scope, Starlette raises what it refuses and leaves it to us.
            scope["app"] = self
            try:
                await self._app(scope, receive, stamped)
            except (InspanError, HTTPException) as error:
                if status:
                    raise
                refusal = _answer(error)
            except Exception:
                log.exception("a request failed unforeseen", extra={"path": scope["path"]})
                if status:
                    raise
                refusal = problem.response(InspanError())
        if refusal is not None:
            await refusal(scope, receive, stamped)

    def _refusal(self, scope: Scope) -> Response | None:
        try:
            admitted = self._guard.admits(scope)
        except InspanError as error:
            log.warning("nobody is admitted: %s", error)
            return problem.response(error)
        if isinstance(admitted, Response):
            return admitted
        visitor.admit(scope, admitted)
        theirs = header(scope, _VERSION) or self._version
        if theirs != self._version and scope["path"] not in ANY_VERSION:
            return problem.response(
                DaemonMismatch(f"the daemon is inspan {self._version}, this command is {theirs}")
            )
        return None

    def _tell(self, scope: Scope, status: int) -> None:
        who, needs = visitor.seen(scope)
        if needs not in (None, visitor.Scope.READ) or (who is None and status in _TURNED_AWAY):
            self._audit.note(who, f"{scope.get('method', 'WEBSOCKET')} {scope['path']}", status)


def _answer(error: InspanError | HTTPException) -> Response:
    if isinstance(error, InspanError):
        return problem.response(error)
    status = HTTPStatus(error.status_code)
    said = error.detail if error.detail != status.phrase else f"{status.phrase} here".lower()
    return problem.response(BadInput(said), status, error.headers)
