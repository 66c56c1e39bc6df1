"""The WebSocket of cells: code is handed in, and what happens is told, on one connection.

``client.codecalls`` says what the messages are. Three tasks serve a connection: one reads what the
client says and does it before it reads on, one pulls from Code, and one sends what there is to say
by then as one message. That a cell was entered is said with what comes next, so one that ends at
once wakes its client once. The first two wait while more than ``BURST`` is unsent, so a slow client
makes only its own tasks wait, and is let go by Code where it falls behind; a flood leaves the loop
to the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

import anyio
import anyio.lowlevel
from starlette.websockets import WebSocket, WebSocketDisconnect

from inspan.control import Code
from inspan.errors import BadInput, Conflict, InspanError
from inspan.model.code import CellEnded, CellEntered, CodeEvent
from inspan.server import problem, schema
from inspan.server.code import encoded
from inspan.server.query import NUMBER_MOST, Query
from inspan.server.rest import encode

#: Bytes that wait to be sent, beyond which nothing is added; as much as a small event costs is
#: counted with each.
BURST: Final = 1 << 16
_LEAST: Final = 1 << 12
#: The most seconds that it waits what need not be said at once.
SOON: Final = 0.002


class CellTalks:
    """The route over one Code."""

    def __init__(self, code: Code) -> None:
        self._code = code

    async def talk(self, socket: WebSocket, _: Query) -> None:
        await socket.accept()
        talk = _Talk(self._code, socket)
        async with anyio.create_task_group() as group:
            group.start_soon(talk.tell)
            group.start_soon(talk.send)
            await talk.listen()
            group.cancel_scope.cancel()


class _Talk:
    """One connection."""

    def __init__(self, code: Code, socket: WebSocket) -> None:
        self._code = code
        self._socket = socket
        #: What is to be followed, and of which cell alone; one at a time.
        self._wanted: tuple[AsyncGenerator[CodeEvent, None], str | None] | None = None
        self._begun = asyncio.Event()
        #: Whether anything was told of the present following.
        self._told = False
        #: What is not sent yet, and how much that is.
        self._unsent: list[str] = []
        self._size = 0
        self._due = asyncio.Event()
        self._room = asyncio.Event()
        self._sending = self._gone = False
        #: One at a time, and never called off: it serves whatever waits when it fires.
        self._timer: asyncio.TimerHandle | None = None

    async def listen(self) -> None:
        """Do what is said, until the client leaves."""
        while (message := await self._socket.receive())["type"] != "websocket.disconnect":
            raw = message.get("bytes") or (message.get("text") or "").encode()
            try:
                await self._do(schema.read(schema.Said, raw))
            except InspanError as error:
                self._say(encode({"refused": problem.document(error)}))
            await self._room_for_more()

    async def tell(self) -> None:
        """What happens, of one following after the other."""
        while True:
            await self._begun.wait()
            self._begun.clear()
            if self._wanted is not None:
                await self._pull(*self._wanted)

    async def send(self) -> None:
        """All that is said, in its order."""
        while True:
            await self._due.wait()
            self._due.clear()
            await self._flush()

    # ── within ────────────────────────────────────────────────────────────────

    async def _do(self, said: schema.Said) -> None:
        match said:
            case schema.Said(execute=schema.ToExecute() as cell, run=None, follow=None):
                made = await self._code.execute(cell.session, cell.code, cell.options)
                self._say(encode({"cell": made}))
            case schema.Said(execute=None, run=schema.ToExecute() as cell, follow=None):
                self._check_free()
                made = await self._code.execute(cell.session, cell.code, cell.options)
                self._begin(self._code.follow(made.session, cell=made.id), made.id)
            case schema.Said(execute=None, run=None, follow=schema.ToFollow() as wanted):
                await self._follow(wanted)
            case _:
                raise BadInput("say one of execute, run and follow")

    def _check_free(self) -> None:
        if self._wanted is not None:
            raise Conflict("this connection follows already", hint="Use another connection.")

    def _begin(self, events: AsyncGenerator[CodeEvent, None], cell: str | None) -> None:
        self._wanted, self._told = (events, cell), False
        self._begun.set()

    async def _follow(self, wanted: schema.ToFollow) -> None:
        self._check_free()
        if not 0 <= (wanted.since or 0) <= NUMBER_MOST:
            raise BadInput(f"follow.since: must be from 0 to {NUMBER_MOST}")
        events = self._code.follow(wanted.session, wanted.since, cell=wanted.cell)
        self._begin(events, wanted.cell)
        # It begins before that is said: "from now on" is then no lie.
        await anyio.lowlevel.checkpoint()
        if not self._told:
            self._say(encode({"following": True}))

    async def _pull(self, events: AsyncGenerator[CodeEvent, None], cell: str | None) -> None:
        over = None
        try:
            async with aclosing(events):
                async for event in events:
                    self._told = True
                    raw = encoded(event)
                    if cell is not None and type(event.fact) is CellEnded:
                        # The last there is: once it is read, something else may be said.
                        self._wanted = None
                        self._say(raw, soon=True)
                        await self._flush()
                        return
                    self._say(raw, soon=type(event.fact) is CellEntered)
                    await self._room_for_more()
        except InspanError as error:
            over = problem.document(error)
        self._told, self._wanted = True, None
        self._say(encode({"over": over}))

    def _say(self, raw: bytes, *, soon: bool = False) -> None:
        """To be sent when the loop comes to it; ``soon``: or with what is said next."""
        if self._gone:
            return
        self._unsent.append(raw.decode())
        self._size += len(raw) + _LEAST
        if not soon:
            self._due.set()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SOON, self._ring)

    def _ring(self) -> None:
        self._timer = None
        self._due.set()

    async def _flush(self) -> None:
        if self._sending:
            return  # it is sent from there
        self._sending = True
        try:
            while self._unsent:
                unsent, self._unsent, self._size = self._unsent, [], 0
                self._room.set()
                await self._socket.send_text(f"[{','.join(unsent)}]")
        except WebSocketDisconnect:
            # The task that listens hears of it, and ends the others.
            self._gone, self._size = True, 0
            self._unsent.clear()
            self._room.set()
        finally:
            self._sending = False

    async def _room_for_more(self) -> None:
        """Wait while what is unsent is too much."""
        while self._size > BURST:
            self._room.clear()
            self._due.set()
            await self._room.wait()
