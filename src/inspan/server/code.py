"""The verbs of Code as HTTP routes; each reads, calls one verb and writes what it gave.

It decides nothing: what is refused is refused by Code or by ``schema``. Verbs that take their time
(``open``, ``interrupt``, ``close``, ``restore``) answer when they are done, however long it takes.
"""

from __future__ import annotations

import math
from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from inspan.control import Code
from inspan.errors import BadInput, Unable
from inspan.model import wire
from inspan.model.code import CodeEvent, CodeSpec
from inspan.server import schema
from inspan.server.query import Query
from inspan.server.rest import answer, body_of, encode, ref_of
from inspan.server.visitor import Scope, way

#: The most events in one answer.
PAGE_MOST: Final = 1000
#: An answer with events ends with the one that makes it larger than this.
PAGE_BYTES: Final = 8 << 20
#: How many events are in memory at once while an answer is made.
STEP: Final = 50
#: The most seconds that a client may ask somebody to wait for code that does not listen.
DEADLINE_MOST: Final = 3600.0


class CodeRest:
    """The routes over one Code."""

    def __init__(self, code: Code) -> None:
        self._code = code

    def routes(self) -> list[BaseRoute]:
        """Everything under ``/v1/code``."""
        session = "/v1/code/{ref}"
        read, write = Scope.READ, Scope.WRITE
        return [
            way("POST", "/v1/code", write, self.open),
            way("GET", "/v1/code", read, self.list),
            way("GET", session, read, self.get),
            way("POST", f"{session}/checkpoint", write, self.checkpoint),
            way("GET", f"{session}/checkpoints", read, self.checkpoints),
            way("POST", f"{session}/restore", write, self.restore),
            way("POST", f"{session}/close", write, self.close),
            way("POST", f"{session}/cells", write, self.execute),
            way("GET", f"{session}/transcript", read, self.transcript),
            way("POST", f"{session}/answer", write, self.answer),
            way("POST", f"{session}/interrupt", write, self.interrupt),
            # Both may run code of the session: what completes or describes a value is its own.
            way("POST", f"{session}/complete", write, self.complete),
            way("POST", f"{session}/inspect", write, self.inspect),
        ]

    # ── sessions ──────────────────────────────────────────────────────────────

    async def open(self, request: Request) -> Response:
        spec = schema.read(CodeSpec, await body_of(request))
        key = request.headers.get(wire.KEY_HEADER)
        return answer(await self._code.open(spec, key=key), HTTPStatus.CREATED)

    async def list(self, request: Request) -> Response:
        ended = Query(request.query_params, "ended").flag("ended")
        return answer({"sessions": await self._code.list(ended=ended)})

    async def get(self, request: Request) -> Response:
        Query(request.query_params)
        return answer(await self._code.get(ref_of(request)))

    async def checkpoint(self, request: Request) -> Response:
        body = schema.read(schema.Naming, await body_of(request))
        saved = await self._code.checkpoint(ref_of(request), body.name)
        return answer(saved, HTTPStatus.CREATED)

    async def checkpoints(self, request: Request) -> Response:
        Query(request.query_params)
        return answer({"checkpoints": await self._code.checkpoints(ref_of(request))})

    async def restore(self, request: Request) -> Response:
        body = schema.read(schema.Naming, await body_of(request))
        return answer(await self._code.restore(ref_of(request), body.name))

    async def close(self, request: Request) -> Response:
        body = schema.read(schema.Closing, await body_of(request))
        seconds = _deadline(body.deadline)
        return answer(await self._code.close(ref_of(request), deadline=seconds))

    # ── cells ─────────────────────────────────────────────────────────────────

    async def execute(self, request: Request) -> Response:
        body = schema.read(schema.Executing, await body_of(request))
        cell = await self._code.execute(ref_of(request), body.code, body.options)
        return answer(cell, HTTPStatus.CREATED)

    async def transcript(self, request: Request) -> Response:
        """A page, and whether there may be more of what was asked for."""
        query = Query(request.query_params, "since", "limit")
        since = query.number("since", 0)
        left = query.number("limit", 500, least=1, most=PAGE_MOST)
        told: list[bytes] = []
        size, more = 0, True
        while more and left and size < PAGE_BYTES:
            step = await self._code.transcript(ref_of(request), since, min(left, STEP))
            pieces = [encoded(event) for event in step]
            told += pieces
            size += sum(map(len, pieces))
            left -= len(step)
            more = bool(step)
            since = step[-1].seq if step else since
        rest = b"true" if more else b"false"
        body = b'{"events":[' + b",".join(told) + b'],"more":' + rest + b"}"
        return Response(body, media_type="application/json")

    async def answer(self, request: Request) -> Response:
        body = schema.read(schema.Giving, await body_of(request))
        await self._code.answer(ref_of(request), body.request, body.text)
        return answer({})

    async def interrupt(self, request: Request) -> Response:
        body = schema.read(schema.Interrupting, await body_of(request))
        seconds = math.inf if body.deadline is None else _deadline(body.deadline)
        cell = await self._code.interrupt(ref_of(request), body.cell, deadline=seconds)
        return answer({"cell": cell})

    async def complete(self, request: Request) -> Response:
        code, cursor = _pointed(await body_of(request))
        return answer(await self._code.complete(ref_of(request), code, cursor))

    async def inspect(self, request: Request) -> Response:
        code, cursor = _pointed(await body_of(request))
        return answer({"data": await self._code.inspect(ref_of(request), code, cursor)})


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
