"""What can be asked: one value for each route and socket, from which it is served and described.

Who asks is looked at here, before the verb is called. The tables are in ``table``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final, Generic, TypeVar
from urllib.parse import unquote

from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import Receive, Send
from starlette.types import Scope as ASGIScope
from starlette.websockets import WebSocket

from inspan.errors import BadInput
from inspan.model import wire
from inspan.model.value import value
from inspan.server.heads import header, prefers
from inspan.server.query import Param, Query
from inspan.server.visitor import Scope, require, welcome

S = TypeVar("S")
T = TypeVar("T")


_NONE: Final = QueryParams()
_KEY: Final = wire.KEY_HEADER.encode()


class Asked:
    """One request, with what of it verbs want to know."""

    __slots__ = ("_query", "request")

    def __init__(self, request: Request, known: tuple[Param[Any], ...]) -> None:
        self.request = request
        # Where there are none, reading them would be a good part of what a short request takes.
        asked = request.scope["query_string"]
        self._query = Query(request.query_params if asked else _NONE, known)

    def __getitem__(self, param: Param[T]) -> T:
        """A parameter. Raises BadInput."""
        return self._query[param]

    @property
    def ref(self) -> str:
        """The reference in the path."""
        return ref_of(self.request)

    @property
    def key(self) -> str | None:
        """The idempotency key."""
        return header(self.request.scope, _KEY)

    @property
    def brief(self) -> bool:
        """Whether what whoever asks knows may be left out of the answer."""
        return prefers(self.request.scope, wire.BRIEF)

    async def body(self) -> bytes:
        """The whole body, refused as soon as it is more than ``wire.BODY_MOST``."""
        parts: list[bytes] = []
        size, more = 0, True
        while more:
            message = await self.request.receive()
            if message["type"] == "http.disconnect":
                raise BadInput("the body was cut short")
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > wire.BODY_MOST:
                raise HTTPException(
                    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                    f"the body is larger than {wire.BODY_MOST} bytes",
                )
            more = message.get("more_body", False)
        return b"".join(parts)


def ref_of(connection: HTTPConnection) -> str:
    """The reference in the path. It is quoted twice, so that a name with a slash is one segment."""
    ref: str = connection.path_params["ref"]
    return unquote(ref)


@value(frozen=True)
class Raw:
    """Bytes that are no JSON."""

    media_type: str
    about: str


@value(frozen=True, kw_only=True)
class Way(Generic[S]):
    """A verb of ``S`` by HTTP."""

    method: str
    path: str
    #: ``None``: anybody may.
    needs: Scope | None
    verb: Callable[[S, Asked], Awaitable[Response]]
    about: str
    query: tuple[Param[Any], ...] = ()
    #: The class of its JSON, several of which one is meant, or Raw; ``None``: no body.
    takes: Any = None
    gives: Any = None
    status: HTTPStatus = HTTPStatus.OK
    #: Whether it heeds an idempotency key.
    keyed: bool = False
    #: Whether it heeds that a brief answer is preferred.
    brief: bool = False

    def route(self, owner: S) -> Route:
        """It over ``owner``, for those who may."""
        return Route(self.path, _Guarded(self, owner), methods=[self.method])


class _Guarded(Generic[S]):
    """A way as an application of its own: nothing of Starlette's is between it and the door."""

    def __init__(self, way: Way[S], owner: S) -> None:
        self._way = way
        self._owner = owner

    async def __call__(self, scope: ASGIScope, receive: Receive, send: Send) -> None:
        way, request = self._way, Request(scope, receive, send)
        if way.needs is None:
            welcome(request)
        else:
            require(request, way.needs)
        response = await way.verb(self._owner, Asked(request, way.query))
        await response(scope, receive, send)


@value(frozen=True, kw_only=True)
class Socket(Generic[S]):
    """A verb of ``S`` by WebSocket."""

    path: str
    #: What it needs, by what is asked for.
    needs: Callable[[Query], Scope]
    verb: Callable[[S, WebSocket, Query], Awaitable[None]]
    about: str
    query: tuple[Param[Any], ...] = ()
    #: What the client says and hears: classes of JSON, or Raw.
    says: Any = None
    hears: Any = None

    def route(self, owner: S) -> WebSocketRoute:
        """It over ``owner``, for those who may."""

        async def guarded(socket: WebSocket) -> None:
            query = Query(socket.query_params, self.query)
            require(socket, self.needs(query))
            await self.verb(owner, socket, query)

        return WebSocketRoute(self.path, guarded)
