"""The two WebSockets: events as they are stored, and a terminal to follow and type into.

Each client has one task that pulls from Control and sends; nothing is queued here, so a slow
client makes only its own task wait. After every frame it steps aside, so that a flood leaves
the loop to the others.

What is refused before the upgrade is answered as a problem document. An error after it is one
last frame with the problem, then a close with 4008 where the client fell behind, else 4000.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import anyio
from anyio.abc import TaskGroup
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from inspan.control import Control, Terminal
from inspan.errors import BadInput, FellBehind, InspanError
from inspan.model import wire
from inspan.model.event import Event
from inspan.model.session import Answers
from inspan.server import problem
from inspan.server.query import Flag, Number, Query, Word
from inspan.server.rest import OFFSET, TASK, closing, encode
from inspan.server.ways import ref_of

SINCE_OR_NOW: Final = Number("since", "the last `seq` that was seen; without it from now on", None)
WRITER: Final = Flag("writer", "to type, too; one client at a time")
STEAL: Final = Flag("steal", "take the place of the one that types")
ANSWERS: Final = Word(
    "answers", "what the client's terminal answers of that which a program asks", Answers.NONE
)


class Live:
    """The routes over one Control."""

    def __init__(self, control: Control) -> None:
        self._control = control

    # ── events ────────────────────────────────────────────────────────────────

    async def events(self, socket: WebSocket, query: Query) -> None:
        watched = self._control.watch(query[SINCE_OR_NOW], task=query[TASK])
        opened = anyio.Event()
        async with anyio.create_task_group() as group:
            group.start_soon(self._tell, socket, watched, opened, group)
            # The watch begins before the upgrade is answered: "from now on" is then no lie.
            await anyio.lowlevel.checkpoint()
            await socket.accept()
            opened.set()
            await _until_gone(socket)
            group.cancel_scope.cancel()

    async def _tell(
        self,
        socket: WebSocket,
        watched: AsyncIterator[Event],
        opened: anyio.Event,
        group: TaskGroup,
    ) -> None:
        try:
            async with closing(watched):
                async for event in watched:
                    await opened.wait()
                    await socket.send_text(encode(event).decode())
                    await anyio.lowlevel.checkpoint()
            await opened.wait()
            await socket.close(wire.CLOSE_DONE)
        except InspanError as error:
            await opened.wait()
            await _fail(socket, error, problem.encoded(error).decode())
        except WebSocketDisconnect:
            group.cancel_scope.cancel()

    # ── a terminal ────────────────────────────────────────────────────────────

    async def terminal(self, socket: WebSocket, query: Query) -> None:
        attachment = self._control.attach(
            ref_of(socket),
            offset=query[OFFSET],
            writer=query[WRITER],
            steal=query[STEAL],
            answers=query[ANSWERS],
        )
        async with attachment as terminal:
            begins = terminal.answers_from
            told = [] if begins is None else [(wire.ANSWERS_HEADER.encode(), b"%d" % begins)]
            await socket.accept(headers=told)
            async with anyio.create_task_group() as group:
                group.start_soon(self._show, socket, terminal, group)
                await self._type(socket, terminal)
                group.cancel_scope.cancel()

    async def _show(self, socket: WebSocket, terminal: Terminal, group: TaskGroup) -> None:
        chunks = aiter(terminal)
        try:
            async with closing(chunks):
                async for chunk in chunks:
                    for frame in wire.encode(chunk):
                        _check(socket)
                        await socket.send_bytes(frame)
                        await anyio.lowlevel.checkpoint()
            _check(socket)
            await socket.close(wire.CLOSE_DONE)
        except InspanError as error:
            await _fail(socket, error, wire.frame(wire.FAILED, 0, problem.encoded(error)))
        except WebSocketDisconnect:
            group.cancel_scope.cancel()

    async def _type(self, socket: WebSocket, terminal: Terminal) -> None:
        """Obey what the client sends, and say of each frame whether it was done."""
        try:
            while True:
                message = await socket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                number, refusal = await _obey(terminal, message.get("bytes") or b"")
                _check(socket)  # the session may have ended meanwhile, and the client been told
                await socket.send_bytes(wire.frame(wire.ACK, number, refusal))
        except WebSocketDisconnect:
            return


async def _obey(terminal: Terminal, raw: bytes) -> tuple[int, bytes]:
    number = 0
    try:
        opcode, number, payload = wire.opened(raw)
        if opcode == wire.INPUT:
            await terminal.write(payload)
        elif opcode == wire.RESIZE:
            await terminal.resize(*wire.sized(payload))
        elif opcode == wire.LEAVE:
            await terminal.leave(wire.longed(payload))
        else:
            raise BadInput(f"a client sends no frame that begins with byte {opcode}")
    except InspanError as error:
        return number, problem.encoded(error)
    return number, b""


async def _until_gone(socket: WebSocket) -> None:
    """Return when the client has left; what it says meanwhile means nothing here."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        await anyio.lowlevel.checkpoint()


def _check(socket: WebSocket) -> None:
    """Raise WebSocketDisconnect where whoever else speaks here has met the end, or made it."""
    if socket.application_state is not WebSocketState.CONNECTED:
        raise WebSocketDisconnect(wire.CLOSE_DONE)


async def _fail(socket: WebSocket, error: InspanError, frame: str | bytes) -> None:
    try:
        _check(socket)
        if isinstance(frame, str):
            await socket.send_text(frame)
        else:
            await socket.send_bytes(frame)
        behind = isinstance(error, FellBehind)
        await socket.close(wire.CLOSE_FELL_BEHIND if behind else wire.CLOSE_FAILED, error.code)
    except WebSocketDisconnect:
        return
