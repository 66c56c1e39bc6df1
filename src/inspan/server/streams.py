"""Events and output as server-sent events, for those who have no WebSocket.

Each has a number, by which whoever comes again says where to go on: browsers do it by themselves
(`Last-Event-ID`). What breaks off says so, so that it is told from an end.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final

from starlette.responses import Response

from inspan.control import Control
from inspan.model.event import Event
from inspan.model.session import Chunk, Ended, Gap, Output, Resized
from inspan.server import sse
from inspan.server.live import SINCE_OR_NOW
from inspan.server.query import Number
from inspan.server.rest import OFFSET, TASK, Stop, closing, encode
from inspan.server.ways import Asked

_HEADER: Final = "last-event-id"
_LAST: Final = Number(_HEADER, "the number of the last event that was seen", None)


class Streams:
    """The routes over one Control."""

    def __init__(self, control: Control, stop: Stop) -> None:
        self._control = control
        self._stop = stop

    async def events(self, asked: Asked) -> Response:
        since, task = asked[SINCE_OR_NOW], asked[TASK]
        last = _last(asked)
        opening = partial(self._events, since if last is None else last, task)
        return sse.Streamed(opening, self._stop)

    async def output(self, asked: Asked) -> Response:
        offset, last = asked[OFFSET], _last(asked)
        opening = partial(self._output, asked.ref, offset if last is None else last)
        return sse.Streamed(opening, self._stop)

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
