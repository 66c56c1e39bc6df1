"""The verbs of Control as HTTP routes; each reads, calls one verb and writes what it gave.

It decides nothing: what is refused is refused by Control or by ``schema``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import Any, Final, Protocol, TypeVar
from urllib.parse import unquote

import anyio
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from inspan.control import Control, EventQuery, PrunePolicy, TaskQuery
from inspan.errors import BadInput, FellBehind
from inspan.model import plain, wire
from inspan.model.session import Chunk, Ended, Gap, Output, Resized
from inspan.model.task import Task, TaskState
from inspan.server import schema
from inspan.server.query import Query
from inspan.server.visitor import Scope, way

T = TypeVar("T")

PAGE_MOST: Final = 1000
EVENTS_MOST: Final = 5000
READ_MOST: Final = wire.FRAME_MOST
#: A waiting client asks again after this many seconds, so that a dead one is noticed.
WAIT_MOST: Final = 60.0


class Stop(Protocol):
    """Set when the server is to stop; an ``anyio.Event``, or what behaves like one."""

    def set(self) -> object: ...

    async def wait(self) -> object: ...


class Rest:
    """The routes over one Control."""

    def __init__(self, control: Control, stop: Stop) -> None:
        self._control = control
        self._stop = stop

    def routes(self) -> list[BaseRoute]:
        """Everything under ``/v1`` that is not a WebSocket."""
        task = "/v1/tasks/{ref}"
        read, write = Scope.READ, Scope.WRITE
        return [
            way("POST", "/v1/tasks", write, self.submit),
            way("GET", "/v1/tasks", read, self.list),
            way("GET", task, read, self.get),
            way("GET", f"{task}/activity", read, self.activity),
            way("GET", f"{task}/diff", read, self.diff),
            way("GET", f"{task}/wait", read, self.wait),
            way("POST", f"{task}/send", Scope.ATTACH, self.send),
            way("POST", f"{task}/prompt", write, self.prompt),
            way("POST", f"{task}/answer", write, self.answer),
            way("POST", f"{task}/interrupt", write, self.interrupt),
            way("POST", f"{task}/resume", write, self.resume),
            way("POST", f"{task}/cancel", write, self.cancel),
            way("POST", f"{task}/decide", write, self.decide),
            way("GET", "/v1/events", read, self.history),
            way("GET", "/v1/sessions/{ref}/output", read, self.read),
            way("GET", "/v1/health", read, self.health),
            way("POST", "/v1/prune", Scope.ADMIN, self.prune),
            way("POST", "/v1/shutdown", Scope.ADMIN, self.shutdown),
        ]

    # ── tasks ─────────────────────────────────────────────────────────────────

    async def submit(self, request: Request) -> Response:
        specs, several = schema.read_specs(await body_of(request))
        key = request.headers.get(wire.KEY_HEADER)
        if several:
            tasks = await self._control.submit_all(specs, key=key)
            return answer({"tasks": plain.dump(tasks)}, HTTPStatus.CREATED)
        return answer(await self._control.submit(specs[0], key=key), HTTPStatus.CREATED)

    async def list(self, request: Request) -> Response:
        query = Query(request.query_params, "states", "role", "name", "before", "limit")
        return answer(
            await self._control.list(
                TaskQuery(
                    states=tuple(_state(word) for word in query.texts("states")),
                    role=query.text("role"),
                    name=query.text("name"),
                    before=query.text("before"),
                    limit=query.number("limit", 100, least=1, most=PAGE_MOST),
                )
            )
        )

    async def get(self, request: Request) -> Response:
        Query(request.query_params)
        return answer(await self._control.get(ref_of(request)))

    async def activity(self, request: Request) -> Response:
        Query(request.query_params)
        return answer(await self._control.activity(ref_of(request)))

    async def diff(self, request: Request) -> Response:
        Query(request.query_params)
        patch = await self._control.diff(ref_of(request))
        return Response(
            patch.encode(errors="surrogateescape"), media_type="text/x-diff; charset=utf-8"
        )

    async def wait(self, request: Request) -> Response:
        """The task once it rests, or as it is when the time is over."""
        seconds = Query(request.query_params, "timeout").seconds(
            "timeout", WAIT_MOST / 2, most=WAIT_MOST
        )
        task = await self._control.get(ref_of(request))
        with anyio.move_on_after(seconds):
            async with self._unless_gone(request):
                await self._rested(task)
        return answer(await self._control.get(task.id))

    async def _rested(self, task: Task) -> None:
        while not task.settled:
            news = self._control.watch(task.seq, task=task.id)
            with suppress(FellBehind):
                async with closing(news):
                    await anext(news)
            task = await self._control.get(task.id)

    @asynccontextmanager
    async def _unless_gone(self, request: Request) -> AsyncIterator[None]:
        """Leave the block early when the client goes away or the server stops."""

        async def stopping() -> None:
            await self._stop.wait()
            group.cancel_scope.cancel()

        async def leaving() -> None:
            while (await request.receive())["type"] != "http.disconnect":
                await anyio.lowlevel.checkpoint()
            group.cancel_scope.cancel()

        async with anyio.create_task_group() as group:
            group.start_soon(stopping)
            group.start_soon(leaving)
            yield
            group.cancel_scope.cancel()

    async def history(self, request: Request) -> Response:
        query = Query(request.query_params, "since", "task", "correlation", "limit")
        events = await self._control.history(
            EventQuery(
                task=query.text("task"),
                correlation=query.text("correlation"),
                since=query.number("since", 0),
                limit=query.number("limit", 500, least=1, most=EVENTS_MOST),
            )
        )
        return answer({"events": plain.dump(events)})

    # ── steering ──────────────────────────────────────────────────────────────

    async def send(self, request: Request) -> Response:
        stage = await self._control.send(ref_of(request), await body_of(request))
        return answer({"stage": stage})

    async def prompt(self, request: Request) -> Response:
        """Hand it over first, so that a client that goes while it waits changes nothing."""
        body = schema.read(schema.Prompting, await body_of(request))
        if not 0 <= body.wait <= WAIT_MOST:
            raise BadInput(f"wait: must be seconds from 0 to {WAIT_MOST:g}")
        ref = ref_of(request)
        receipt = await self._control.prompt(ref, body.text, key=body.key)
        if body.wait and not receipt.settled:
            async with self._unless_gone(request):
                receipt = await self._control.prompt(
                    ref, body.text, key=receipt.key, wait=body.wait
                )
        return answer(receipt)

    async def answer(self, request: Request) -> Response:
        body = schema.read(schema.Answering, await body_of(request))
        return answer(
            await self._control.answer(ref_of(request), body.text, question=body.question)
        )

    async def interrupt(self, request: Request) -> Response:
        body = schema.read(schema.Stopping, await body_of(request))
        return answer(
            await self._control.interrupt(ref_of(request), reason=body.reason, force=body.force)
        )

    async def cancel(self, request: Request) -> Response:
        body = schema.read(schema.Stopping, await body_of(request))
        return answer(
            await self._control.cancel(ref_of(request), reason=body.reason, force=body.force)
        )

    async def resume(self, request: Request) -> Response:
        body = schema.read(schema.Resuming, await body_of(request))
        return answer(await self._control.resume(ref_of(request), budget=body.budget, to=body.to))

    async def decide(self, request: Request) -> Response:
        body = schema.read(schema.Deciding, await body_of(request))
        return answer(
            await self._control.decide(ref_of(request), body.verdict, body.findings, by=body.by)
        )

    # ── sessions ──────────────────────────────────────────────────────────────

    async def read(self, request: Request) -> Response:
        """Raw bytes, with what else there is to say in headers; or all of it as frames."""
        query = Query(request.query_params, "offset", "limit")
        offset = query.number("offset", 0)
        limit = query.number("limit", 1 << 16, least=1, most=READ_MOST)
        chunks = await self._control.read(ref_of(request), offset, limit)
        headers = _told(offset, chunks)
        if request.headers.get("accept") == wire.FRAMES_TYPE:
            return Response(wire.pack(chunks), media_type=wire.FRAMES_TYPE, headers=headers)
        raw = b"".join(chunk.data for chunk in chunks if isinstance(chunk, Output))
        return Response(raw, media_type="application/octet-stream", headers=headers)

    # ── service ───────────────────────────────────────────────────────────────

    async def health(self, request: Request) -> Response:
        Query(request.query_params)
        return answer(await self._control.health())

    async def prune(self, request: Request) -> Response:
        policy = schema.read(PrunePolicy, await body_of(request))
        return answer(await self._control.prune(policy))

    async def shutdown(self, request: Request) -> Response:
        schema.read(schema.Nothing, await body_of(request))
        self._stop.set()
        return answer({}, HTTPStatus.ACCEPTED)


@asynccontextmanager
async def closing(iterator: AsyncIterator[T]) -> AsyncIterator[None]:
    """Let go of what ``iterator`` holds when the block is left; a plain one holds nothing."""
    try:
        yield
    finally:
        aclose = getattr(iterator, "aclose", None)
        if aclose is not None:
            await aclose()


async def body_of(request: Request) -> bytes:
    """The whole body, refused as soon as it is more than ``wire.BODY_MOST``."""
    held = bytearray()
    try:
        async for piece in request.stream():
            held += piece
            if len(held) > wire.BODY_MOST:
                raise HTTPException(
                    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                    f"the body is larger than {wire.BODY_MOST} bytes",
                )
    except ClientDisconnect:
        raise BadInput("the body was cut short") from None
    return bytes(held)


def answer(value: Any, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """A value of ours as JSON."""
    return Response(encode(value), status_code=status, media_type="application/json")


def encode(value: Any) -> bytes:
    """A value of ours as the JSON that ``plain.load`` reads."""
    return plain.text(value).encode()


def ref_of(connection: HTTPConnection) -> str:
    """The reference in the path. It is quoted twice, so that a name with a slash is one segment."""
    ref: str = connection.path_params["ref"]
    return unquote(ref)


def _state(word: str) -> TaskState:
    try:
        return TaskState(word)
    except ValueError:
        raise BadInput(f"states: {word[:40]!r} is no state of a task") from None


def _told(offset: int, chunks: tuple[Chunk, ...]) -> dict[str, str]:
    """The headers that raw bytes need: where to go on, what is gone, and whether it is over."""
    told: dict[str, str] = {}
    for chunk in chunks:
        match chunk:
            case Output(start, data):
                offset = start + len(data)
            case Gap(start, end):
                offset = end
                told[wire.GAP_HEADER] = f"{start}-{end}"
            case Ended(_, how):
                told[wire.ENDED_HEADER] = "unknown" if how is None else str(how.status)
            case Resized():
                offset = max(offset, chunk.offset)
    return {wire.NEXT_HEADER: str(offset), **told}
