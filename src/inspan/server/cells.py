"""The WebSocket of cells: code is handed in, and what happens is told, on one connection.

``client.codecalls`` says what the messages are. Nothing is queued here: one task reads what the
client says and does it before it reads on, another pulls from Code and sends, so a slow client
makes only its own tasks wait, and is let go by Code where it falls behind. The second steps aside
now and then, so that a flood leaves the loop to the others.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

import anyio
import anyio.lowlevel
from anyio.abc import TaskGroup
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from inspan.control import Code
from inspan.errors import BadInput, Conflict, InspanError
from inspan.model.code import Cell, CellEnded, CodeEvent
from inspan.server import problem, schema
from inspan.server.code import encoded
from inspan.server.query import NUMBER_MOST, Query
from inspan.server.rest import closing, encode

#: Bytes that are sent at a stretch, before the loop is left to others; as much as a small event
#: costs is added to each.
BURST: Final = 1 << 16
_LEAST: Final = 1 << 12


class CellTalks:
    """The route over one Code."""

    def __init__(self, code: Code) -> None:
        self._code = code

    def routes(self) -> list[BaseRoute]:
        """``/v1/cells``."""
        return [WebSocketRoute("/v1/cells", self.talk)]

    async def talk(self, socket: WebSocket) -> None:
        Query(socket.query_params)
        await socket.accept()
        async with anyio.create_task_group() as group:
            await _Talk(self._code, socket, group).listen()
            group.cancel_scope.cancel()


class _Talk:
    """One connection."""

    def __init__(self, code: Code, socket: WebSocket, group: TaskGroup) -> None:
        self._code = code
        self._socket = socket
        self._group = group
        self._following = False
        #: Whether anything was told of the present following.
        self._told = False

    async def listen(self) -> None:
        """Do what is said, until the client leaves."""
        try:
            while (message := await self._socket.receive())["type"] != "websocket.disconnect":
                raw = message.get("bytes") or (message.get("text") or "").encode()
                try:
                    await self._do(schema.read(schema.Said, raw))
                except InspanError as error:
                    await self._send({"refused": problem.document(error)})
        except WebSocketDisconnect:
            return

    async def _do(self, said: schema.Said) -> None:
        match said:
            case schema.Said(execute=schema.ToExecute() as cell, run=None, follow=None):
                await self._send({"cell": await self._enter(cell)})
            case schema.Said(execute=None, run=schema.ToExecute() as cell, follow=None):
                self._check_free()
                made = await self._enter(cell)
                self._begin(self._code.follow(made.session, cell=made.id), made.id)
            case schema.Said(execute=None, run=None, follow=schema.ToFollow() as wanted):
                await self._follow(wanted)
            case _:
                raise BadInput("say one of execute, run and follow")

    async def _enter(self, cell: schema.ToExecute) -> Cell:
        # A cell that is half handed in would be nobody's.
        with anyio.CancelScope(shield=True):
            made = await self._code.execute(cell.session, cell.code, cell.options)
        return made  # noqa: RET504 - to mypy a scope may swallow what is raised

    def _check_free(self) -> None:
        if self._following:
            raise Conflict("this connection follows already", hint="Use another connection.")

    def _begin(self, events: AsyncIterator[CodeEvent], cell: str | None) -> None:
        self._following, self._told = True, False
        self._group.start_soon(self._tell, events, cell)

    async def _follow(self, wanted: schema.ToFollow) -> None:
        self._check_free()
        if not 0 <= (wanted.since or 0) <= NUMBER_MOST:
            raise BadInput(f"follow.since: must be from 0 to {NUMBER_MOST}")
        events = self._code.follow(wanted.session, wanted.since, cell=wanted.cell)
        self._begin(events, wanted.cell)
        # It begins before that is said: "from now on" is then no lie.
        await anyio.lowlevel.checkpoint()
        if not self._told:
            await self._send({"following": True})

    async def _tell(self, events: AsyncIterator[CodeEvent], cell: str | None) -> None:
        over = None
        try:
            async with closing(events):
                sent = 0
                async for event in events:
                    self._told = True
                    raw = encoded(event)
                    if cell is not None and isinstance(event.fact, CellEnded):
                        # The last there is: once it is read, something else may be said.
                        self._following = False
                        await self._socket.send_text(raw.decode())
                        return
                    await self._socket.send_text(raw.decode())
                    sent += len(raw) + _LEAST
                    if sent > BURST:
                        sent = 0
                        await anyio.lowlevel.checkpoint()
        except InspanError as error:
            over = problem.document(error)
        except WebSocketDisconnect:
            self._group.cancel_scope.cancel()
            return
        self._told, self._following = True, False
        await self._send({"over": over})

    async def _send(self, said: dict[str, Any]) -> None:
        try:
            await self._socket.send_text(encode(said).decode())
        except WebSocketDisconnect:
            self._group.cancel_scope.cancel()
