"""Server-sent events, as the HTML standard has them (9.2): lines of text that a browser reads.

Nothing is queued: a reader that is slow makes only its own stream wait, and one that takes nothing
is let go.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from http import HTTPStatus
from typing import Any, Final

import anyio
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from inspan.errors import InspanError
from inspan.model.timeouts import DEFAULT
from inspan.server import problem
from inspan.server.rest import Stop, closing

TYPE: Final = "text/event-stream"
#: Seconds of silence after which a comment is sent: proxies end what says nothing.
BEAT: Final = 15.0
#: Seconds that one piece may take until the reader has room for it.
PATIENCE: Final = DEFAULT.ping + DEFAULT.pong
#: How long a browser waits before it comes again, in milliseconds.
_RETRY: Final = f"retry: {DEFAULT.reconnect * 1000:.0f}\n\n".encode()

_Opening = Callable[[], AbstractAsyncContextManager[AsyncIterator[bytes]]]


def said(event: str, data: Any, number: int) -> bytes:
    """One event; JSON has no line ends of its own, and so it is one line."""
    return f"id: {number}\nevent: {event}\ndata: {json.dumps(data)}\n\n".encode()


class Streamed(Response):
    """An answer that goes on; what cannot be opened is refused as any other request is."""

    media_type = TYPE

    def __init__(self, opening: _Opening, stop: Stop) -> None:
        super().__init__()
        del self.headers["content-length"]
        self._opening = opening
        self._stop = stop
        self._sending = anyio.Lock()
        self._spoke = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope
        async with self._opening() as pieces:
            await send(
                {
                    "type": "http.response.start",
                    "status": HTTPStatus.OK,
                    "headers": self.raw_headers,
                }
            )
            async with anyio.create_task_group() as group:

                async def until(over: Callable[[], Any]) -> None:
                    await over()
                    group.cancel_scope.cancel()

                group.start_soon(until, partial(_gone, receive))
                group.start_soon(until, self._stop.wait)
                group.start_soon(until, partial(self._beat, send))
                await self._tell(pieces, send)
                group.cancel_scope.cancel()
        with anyio.move_on_after(PATIENCE, shield=True):
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _tell(self, pieces: AsyncIterator[bytes], send: Send) -> None:
        try:
            if await self._say(_RETRY, send):
                async with closing(pieces):
                    async for piece in pieces:
                        if not await self._say(piece, send):
                            return
                        await anyio.lowlevel.checkpoint()
        except InspanError as error:
            data = json.loads(problem.encoded(error))
            await self._say(f"event: failed\ndata: {json.dumps(data)}\n\n".encode(), send)

    async def _say(self, piece: bytes, send: Send) -> bool:
        """False where the reader takes nothing."""
        with anyio.move_on_after(PATIENCE) as patience:
            async with self._sending:
                self._spoke = True
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        return not patience.cancelled_caught

    async def _beat(self, send: Send) -> None:
        """A comment whenever nothing was said for so long; until the reader takes none."""
        taken = True
        while taken:
            self._spoke = False
            await anyio.sleep(BEAT)
            taken = self._spoke or await self._say(b": still here\n\n", send)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        await anyio.lowlevel.checkpoint()
