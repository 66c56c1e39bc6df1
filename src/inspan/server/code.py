"""The verbs of Code by HTTP; each reads, calls one verb and writes what it gave.

It decides nothing: what is refused is refused by Code or by ``schema``. Verbs that take their time
(``open``, ``interrupt``, ``close``, ``restore``) answer when they are done, however long it takes.
"""

from __future__ import annotations

import math
from http import HTTPStatus
from typing import Final

import anyio.to_thread
from starlette.responses import Response

from inspan.control import Code
from inspan.errors import BadInput, Unable
from inspan.model import wire
from inspan.model.code import CodeEvent, CodeSpec
from inspan.server import schema
from inspan.server.base import BASE, Base
from inspan.server.query import Flag, Number
from inspan.server.rest import SINCE, answer, encode
from inspan.server.ways import Asked

#: The most events in one answer.
PAGE_MOST: Final = 1000
#: An answer with events ends with the one that makes it larger than this.
PAGE_BYTES: Final = 8 << 20
#: How many events are in memory at once while an answer is made.
STEP: Final = 50
#: The most seconds that a client may ask somebody to wait for code that does not listen.
DEADLINE_MOST: Final = 3600.0

ENDED: Final = Flag("ended", "those that are over, too")
LIMIT: Final = Number("limit", "the most events", 500, least=1, most=PAGE_MOST)


class CodeRest:
    """The routes over one Code."""

    def __init__(self, code: Code, base: Base) -> None:
        self._code = code
        self._base = base

    # ── sessions ──────────────────────────────────────────────────────────────

    async def open(self, asked: Asked) -> Response:
        spec = schema.read(CodeSpec, await asked.body())
        key = asked.key
        if asked[BASE]:
            spec = await anyio.to_thread.run_sync(self._base.code, spec)
        return answer(await self._code.open(spec, key=key), HTTPStatus.CREATED)

    async def list(self, asked: Asked) -> Response:
        return answer({"sessions": await self._code.list(ended=asked[ENDED])})

    async def get(self, asked: Asked) -> Response:
        return answer(await self._code.get(asked.ref))

    async def checkpoint(self, asked: Asked) -> Response:
        body = schema.read(schema.Naming, await asked.body())
        saved = await self._code.checkpoint(asked.ref, body.name)
        return answer(saved, HTTPStatus.CREATED)

    async def checkpoints(self, asked: Asked) -> Response:
        return answer({"checkpoints": await self._code.checkpoints(asked.ref)})

    async def restore(self, asked: Asked) -> Response:
        body = schema.read(schema.Naming, await asked.body())
        return answer(await self._code.restore(asked.ref, body.name))

    async def close(self, asked: Asked) -> Response:
        body = schema.read(schema.Closing, await asked.body())
        seconds = _deadline(body.deadline)
        return answer(await self._code.close(asked.ref, deadline=seconds))

    # ── cells ─────────────────────────────────────────────────────────────────

    async def execute(self, asked: Asked) -> Response:
        body = schema.read(schema.Executing, await asked.body())
        cell = await self._code.execute(asked.ref, body.code, body.options)
        return answer(cell, HTTPStatus.CREATED)

    async def transcript(self, asked: Asked) -> Response:
        """A page, and whether there may be more of what was asked for."""
        since, left = asked[SINCE], asked[LIMIT]
        told: list[bytes] = []
        size, more = 0, True
        while more and left and size < PAGE_BYTES:
            step = await self._code.transcript(asked.ref, since, min(left, STEP))
            pieces = [encoded(event) for event in step]
            told += pieces
            size += sum(map(len, pieces))
            left -= len(step)
            more = bool(step)
            since = step[-1].seq if step else since
        rest = b"true" if more else b"false"
        body = b'{"events":[' + b",".join(told) + b'],"more":' + rest + b"}"
        return Response(body, media_type="application/json")

    async def answer(self, asked: Asked) -> Response:
        body = schema.read(schema.Giving, await asked.body())
        await self._code.answer(asked.ref, body.request, body.text)
        return answer({})

    async def interrupt(self, asked: Asked) -> Response:
        body = schema.read(schema.Interrupting, await asked.body())
        seconds = math.inf if body.deadline is None else _deadline(body.deadline)
        cell = await self._code.interrupt(asked.ref, body.cell, deadline=seconds)
        return answer({"cell": cell})

    async def complete(self, asked: Asked) -> Response:
        code, cursor = _pointed(await asked.body())
        return answer(await self._code.complete(asked.ref, code, cursor))

    async def inspect(self, asked: Asked) -> Response:
        code, cursor = _pointed(await asked.body())
        return answer({"data": await self._code.inspect(asked.ref, code, cursor)})


def encoded(event: CodeEvent) -> bytes:
    """An event as JSON. Raises Unable where it is larger than a client takes."""
    raw = encode(event)
    if len(raw) > wire.EVENT_MOST:
        raise Unable(
            f"event {event.seq} of {event.session} has {len(raw)} bytes, and"
            f" {wire.EVENT_MOST} are the most that can be told",
            hint=f"Read on after it, with since={event.seq}.",
        )
    return raw


def _deadline(seconds: float) -> float:
    if not 0 <= seconds <= DEADLINE_MOST:
        raise BadInput(f"deadline: must be seconds from 0 to {DEADLINE_MOST:g}")
    return seconds


def _pointed(raw: bytes) -> tuple[str, int]:
    body = schema.read(schema.Pointing, raw)
    if not 0 <= body.cursor <= len(body.code):
        raise BadInput(f"cursor: must be from 0 to {len(body.code)}, the length of the code")
    return body.code, body.cursor
