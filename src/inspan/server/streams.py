"""Events and output as server-sent events, for those who have no WebSocket.

Each has a number, by which whoever comes again says where to go on: browsers do it by themselves
(`Last-Event-ID`). Nothing is queued: a reader that is slow makes only its own stream wait, and one
that takes nothing is let go. What breaks off says so, so that it is told from an end.
"""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from http import HTTPStatus
from typing import Any, Final

import anyio
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from inspan.control import Control
from inspan.errors import InspanError
from inspan.model.event import Event
from inspan.model.session import Chunk, Ended, Gap, Output, Resized
from inspan.model.timeouts import DEFAULT
from inspan.server import problem, sse
from inspan.server.live import SINCE_OR_NOW
from inspan.server.query import Number
from inspan.server.rest import OFFSET, TASK, Stop, closing, encode
from inspan.server.ways import Asked

#: Seconds of silence after which a comment is sent: proxies end what says nothing.
BEAT: Final = 15.0
#: Seconds that one piece may take until the reader has room for it.
PATIENCE: Final = DEFAULT.ping + DEFAULT.pong
#: How long a browser waits before it comes again, in milliseconds.
_RETRY: Final = f"retry: {DEFAULT.reconnect * 1000:.0f}\n\n".encode()
_HEADER: Final = "last-event-id"
_LAST: Final = Number(_HEADER, "the number of the last event that was seen", None)

_Opening = Callable[[], AbstractAsyncContextManager[AsyncIterator[bytes]]]


class Streams:
    """The routes over one Control."""

    def __init__(self, control: Control, stop: Stop) -> None:
        self._control = control
        self._stop = stop

    async def events(self, asked: Asked) -> Response:
        since, task = asked[SINCE_OR_NOW], asked[TASK]
        last = _last(asked)
        opening = partial(self._events, since if last is None else last, task)
        return _Streamed(opening, self._stop)

    async def output(self, asked: Asked) -> Response:
        offset, last = asked[OFFSET], _last(asked)
        opening = partial(self._output, asked.ref, offset if last is None else last)
        return _Streamed(opening, self._stop)

    @asynccontextmanager
    async def _events(
        self, since: int | None, task: str | None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        if task is not None:
            task = (await self._control.get(task)).id
        watched = self._control.watch(since, task=task)
        async with closing(watched):
            yield _events(watched)

    @asynccontextmanager
    async def _output(self, ref: str, offset: int) -> AsyncIterator[AsyncIterator[bytes]]:
        async with self._control.attach(ref, offset=offset) as terminal:
            chunks = aiter(terminal)
            async with closing(chunks):
                yield _chunks(chunks)


def _last(asked: Asked) -> int | None:
    """Where a browser goes on that comes again. Raises BadInput."""
    return _LAST.made(asked.request.headers.get(_HEADER))


async def _events(watched: AsyncIterator[Event]) -> AsyncIterator[bytes]:
    async for event in watched:
        yield b"id: %d\ndata: %b\n\n" % (event.seq, encode(event))


async def _chunks(chunks: AsyncIterator[Chunk]) -> AsyncIterator[bytes]:
    async for chunk in chunks:
        yield _told(chunk)


def _told(chunk: Chunk) -> bytes:
    """A chunk, and as its number the offset to go on from."""
    told: dict[str, Any]
    match chunk:
        case Output(offset, data, stream):
            text = base64.b64encode(data).decode()
            told = {"offset": offset, "stream": stream, "data": text}
            return sse.said("output", told, offset + len(data))
        case Gap(offset, end):
            return sse.said("gap", {"offset": offset, "end": end}, end)
        case Resized(offset, cols, rows):
            return sse.said("resized", {"offset": offset, "cols": cols, "rows": rows}, offset)
        case Ended(offset, how):
            status = None if how is None else how.status
            return sse.said("ended", {"offset": offset, "status": status}, offset)


class _Streamed(Response):
    """An answer that goes on; what cannot be opened is refused as any other request is."""

    media_type = sse.TYPE

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
