"""The door for agents that hand in tasks: a socket of their own, at which a token says whose agent.

It is all of inspan that a sandboxed agent can reach. Behind it are the verbs of ``Leash`` and no
others. A token counts while its task is at work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Final, cast

import anyio
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router, WebSocketRoute
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as ASGIScope
from starlette.websockets import WebSocket

from inspan.control import Control
from inspan.errors import NotFound, NotGranted, TaskNotFound
from inspan.model.delegation import Delegation
from inspan.model.value import value
from inspan.server import problem, table
from inspan.server.base import Base, NoBase
from inspan.server.door import OwnSocket
from inspan.server.guestkeys import GuestKeys
from inspan.server.heads import header
from inspan.server.leash import Leash
from inspan.server.live import Live
from inspan.server.query import Query
from inspan.server.rest import Rest, Stop
from inspan.server.visitor import Scope, Visitor, require, task_of
from inspan.server.ways import Asked, Way

#: What of the table there is here.
_VERBS: Final = frozenset(
    (
        *(Rest.submit, Rest.list, Rest.get, Rest.activity, Rest.diff, Rest.wait, Rest.history),
        *(Rest.prompt, Rest.answer, Rest.interrupt, Rest.cancel, Rest.resume, Rest.decide),
        *(Rest.plan, Rest.read),
    )
)
_SHOWN: Final = "Bearer "
_NOBODY: Final = "Inside a task that has it, INSPAN_TOKEN is the token."


@value(frozen=True)
class Guests:
    """What the door needs: where it is, whose tokens count, and how much their agents may."""

    socket: Path
    keys: GuestKeys
    rules: Delegation


class GuestDoor:
    """Admits whoever shows the token of a task."""

    headers: Mapping[str, str] = {}

    def __init__(self, keys: GuestKeys) -> None:
        self._keys = keys
        self._own = OwnSocket()

    def admits(self, connection: ASGIScope) -> Visitor | Response:
        """The agent of that task; whether it is at work is asked behind the door."""
        admitted = self._own.admits(connection)
        if isinstance(admitted, Response):
            return admitted
        shown = header(connection, b"authorization") or ""
        task = self._keys.task(shown.removeprefix(_SHOWN)) if shown.startswith(_SHOWN) else None
        if task is None:
            return problem.response(
                NotGranted("no token of a task was shown", hint=_NOBODY), HTTPStatus.UNAUTHORIZED
            )
        return Visitor(f"agent of {task}", frozenset({Scope.WRITE}), task)


def guests_app(control: Control, stop: Stop, base: Base, rules: Delegation) -> ASGIApp:
    """The routes for agents, behind no door."""
    gate = anyio.Lock()

    def leashed(task: str) -> Control:
        # A Control of which most is refused.
        return cast("Control", Leash(control, task, rules, base, gate))

    async def events(socket: WebSocket) -> None:
        own = await _at_work(control, socket.scope)
        query = Query(socket.query_params, table.LIVE[0].query)
        require(socket, Scope.READ)
        await Live(leashed(own)).events(socket, query)

    ways = [way for way in table.TASKS if way.verb in _VERBS]
    routes = [
        *(
            Route(way.path, _Leashed(way, control, stop, leashed), methods=[way.method])
            for way in ways
        ),
        WebSocketRoute(table.LIVE[0].path, events),
    ]
    return Router(routes, redirect_slashes=False, default=_nowhere)


class _Leashed:
    """A way, whose verb is called on what one agent has of Control."""

    def __init__(
        self, way: Way[Rest], control: Control, stop: Stop, leashed: Callable[[str], Control]
    ) -> None:
        self._way = way
        self._control = control
        self._stop = stop
        self._leashed = leashed

    async def __call__(self, scope: ASGIScope, receive: Receive, send: Send) -> None:
        way, request = self._way, Request(scope, receive, send)
        if way.needs is None:
            raise NotGranted("nobody is let in there")
        require(request, way.needs)
        own = await _at_work(self._control, scope)
        rest = Rest(self._leashed(own), self._stop, NoBase())
        response = await way.verb(rest, Asked(request, way.query))
        await response(scope, receive, send)


async def _at_work(control: Control, scope: ASGIScope) -> str:
    """Whose agent asks, while that is at work. Raises NotGranted."""
    own = task_of(scope)
    if own is None:
        raise NotGranted("no task's agent asks")
    try:
        task = await control.get(own)
    except TaskNotFound:
        raise NotGranted("the task of that token is forgotten") from None
    if task.done or not task.spec.delegates:
        raise NotGranted(
            "the task of that token is over, or its agent may hand in nothing",
            hint="`inspan run --mcp` lets an agent hand in tasks.",
        )
    return own


async def _nowhere(_scope: ASGIScope, _receive: Receive, _send: Send) -> None:
    raise NotFound("there is nothing at this address for an agent")
