"""The daemon's HTTP and WebSocket face as one ASGI application over a Control.

It knows the verbs of Control and nothing of who implements them.
"""

from __future__ import annotations

from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

from inspan.control import Control
from inspan.errors import NotFound
from inspan.server import codetable, table
from inspan.server.agentapi import AgentApi
from inspan.server.base import Base, NoBase
from inspan.server.cells import CellTalks
from inspan.server.code import CodeRest
from inspan.server.entry import Entry, Front
from inspan.server.live import Live
from inspan.server.page import Page
from inspan.server.rest import Rest, Stop
from inspan.server.streams import Streams


def routed(
    control: Control, stop: Stop, front: Front | None = None, base: Base | None = None
) -> ASGIApp:
    """The routes, behind no door. ``stop`` is set by ``POST /v1/shutdown`` and ends what waits.

    ``front`` is where browsers come in, if they may; ``base`` what tasks get that lack it.
    """
    base = base or NoBase()
    rest, code = Rest(control, stop, base), CodeRest(control.code, base)
    entry, page = Entry(front), Page().routes() if front else ()
    live, cells = Live(control), CellTalks(control.code)
    agentapi, streams = AgentApi(control, stop), Streams(control, stop)
    routes = [
        *(way.route(rest) for way in table.TASKS),
        *(way.route(streams) for way in table.STREAMS),
        *(way.route(entry) for way in table.ENTRY),
        *page,
        *(way.route(agentapi) for way in table.AGENTAPI),
        *(way.route(code) for way in codetable.CODE),
        *(socket.route(live) for socket in table.LIVE),
        *(socket.route(cells) for socket in codetable.CELLS),
    ]
    return Router(routes, redirect_slashes=False, default=_nowhere)


async def _nowhere(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise NotFound("there is nothing at this address")
