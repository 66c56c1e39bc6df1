"""The verbs of Control by HTTP; each reads, calls one verb and writes what it gave.

It decides nothing: what is refused is refused by Control or by ``schema``. At which address each
is, and who may ask for it, stands in ``table``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from hashlib import sha256
from http import HTTPStatus
from typing import Any, Final, Protocol, TypeVar

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response

from inspan import __version__
from inspan.control import Control, EventQuery, PrunePolicy, SearchQuery, TaskQuery
from inspan.errors import BadInput, FellBehind, NotFound
from inspan.goals import planned, pursued
from inspan.model import plain, wire
from inspan.model.merging import MergeRequest
from inspan.model.metrics import MetricsQuery
from inspan.model.place import SweepPolicy
from inspan.model.session import Chunk, Ended, Gap, Output, Resized
from inspan.model.task import Task, TaskSpec, TaskState
from inspan.server import exposition, schema
from inspan.server.base import BASE, Base
from inspan.server.query import Flag, Moment, Number, Seconds, Text, Words
from inspan.server.ways import Asked

T = TypeVar("T")

PAGE_MOST: Final = 1000
EVENTS_MOST: Final = 5000
MARKS_MOST: Final = 10_000
SAMPLES_MOST: Final = 3600
READ_MOST: Final = wire.FRAME_MOST
#: A waiting client asks again after this many seconds, so that a dead one is noticed.
WAIT_MOST: Final = 60.0

STATES: Final = Words("states", "only tasks in these states", TaskState, "state of a task")
ROLE: Final = Text("role", "only tasks of this role")
NAME: Final = Text("name", "only tasks of this name")
BEFORE: Final = Text("before", "the `next` of the page before")
TASKS_LIMIT: Final = Number("limit", "the most tasks of a page", 100, least=1, most=PAGE_MOST)
TIMEOUT: Final = Seconds("timeout", "seconds to wait at most", WAIT_MOST / 2, most=WAIT_MOST)
TASK: Final = Text("task", "only events of this task")
CORRELATION: Final = Text("correlation", "only of tasks with this correlation, as those of a goal")
SINCE: Final = Number("since", "the last `seq` that was seen", 0)
EVENTS_LIMIT: Final = Number("limit", "the most events", 500, least=1, most=EVENTS_MOST)
OFFSET: Final = Number("offset", "the first byte that is wanted", 0)
FROM: Final = Moment("since", "only what was measured after that; without it the newest")
SAMPLES: Final = Number("limit", "the most samples", 360, least=1, most=SAMPLES_MOST)
BYTES: Final = Number("limit", "the most bytes", 1 << 16, least=1, most=READ_MOST)

UNTIL: Final = Number("until", "the byte up to which; all where it is not there", None)
MARKS: Final = Number("most", "the most marks", 1000, least=2, most=MARKS_MOST)
TEXT: Final = Text("text", "what is searched for: a line, or a part of one")
IN_TASK: Final = Text("task", "only in sessions of this task, or in this session")
CASE: Final = Flag("case", "upper and lower case differ")
AFTER: Final = Text("after", "the `next` of the page before")
HITS_LIMIT: Final = Number("limit", "the most lines of a page", 50, least=1, most=PAGE_MOST)


class Stop(Protocol):
    """Set when the server is to stop; an ``anyio.Event``, or what behaves like one."""

    def set(self) -> object: ...

    async def wait(self) -> object: ...


class Rest:
    """The routes over one Control."""

    def __init__(self, control: Control, stop: Stop, base: Base) -> None:
        self._control = control
        self._stop = stop
        self._base = base

    # ── tasks ─────────────────────────────────────────────────────────────────

    async def submit(self, asked: Asked) -> Response:
        sent, several = schema.read_specs(await asked.body())
        specs = sent
        key = asked.key
        if asked[BASE]:
            specs = await anyio.to_thread.run_sync(lambda: tuple(map(self._base.task, specs)))
        if several:
            tasks = await self._control.submit_all(specs, key=key)
        else:
            tasks = (await self._control.submit(specs[0], key=key),)
        told: Sequence[Any] = tasks
        headers: dict[str, str] = {}
        if asked.brief:
            told = tuple(map(_brief, tasks, sent))
            headers[wire.PREFERRED_HEADER] = wire.BRIEF
        return answer({"tasks": told} if several else told[0], HTTPStatus.CREATED, headers)

    async def list(self, asked: Asked) -> Response:
        return _json(
            asked,
            await self._control.list(
                TaskQuery(
                    states=asked[STATES],
                    role=asked[ROLE],
                    name=asked[NAME],
                    correlation=asked[CORRELATION],
                    before=asked[BEFORE],
                    limit=asked[TASKS_LIMIT],
                )
            ),
        )

    async def get(self, asked: Asked) -> Response:
        return _json(asked, await self._control.get(asked.ref))

    async def activity(self, asked: Asked) -> Response:
        return answer(await self._control.activity(asked.ref))

    async def diff(self, asked: Asked) -> Response:
        patch = await self._control.diff(asked.ref)
        raw = patch.encode(errors="surrogateescape")
        return tagged(asked, raw, "text/x-diff; charset=utf-8")

    async def wait(self, asked: Asked) -> Response:
        """The task once it rests, or as it is when the time is over."""
        task = await self._control.get(asked.ref)
        with anyio.move_on_after(asked[TIMEOUT]):
            async with self._unless_gone(asked.request):
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

    async def history(self, asked: Asked) -> Response:
        events = await self._control.history(
            EventQuery(
                task=asked[TASK],
                correlation=asked[CORRELATION],
                since=asked[SINCE],
                limit=asked[EVENTS_LIMIT],
            )
        )
        return answer({"events": plain.dump(events)})

    # ── steering ──────────────────────────────────────────────────────────────

    async def send(self, asked: Asked) -> Response:
        stage = await self._control.send(asked.ref, await asked.body())
        return answer({"stage": stage})

    async def prompt(self, asked: Asked) -> Response:
        """Hand it over first, so that a client that goes while it waits changes nothing."""
        body = schema.read(schema.Prompting, await asked.body())
        if not 0 <= body.wait <= WAIT_MOST:
            raise BadInput(f"wait: must be seconds from 0 to {WAIT_MOST:g}")
        ref = asked.ref
        receipt = await self._control.prompt(ref, body.text, key=body.key)
        if body.wait and not receipt.settled:
            async with self._unless_gone(asked.request):
                receipt = await self._control.prompt(
                    ref, body.text, key=receipt.key, wait=body.wait
                )
        return answer(receipt)

    async def answer(self, asked: Asked) -> Response:
        body = schema.read(schema.Answering, await asked.body())
        return answer(await self._control.answer(asked.ref, body.text, question=body.question))

    async def interrupt(self, asked: Asked) -> Response:
        body = schema.read(schema.Suspending, await asked.body())
        return answer(
            await self._control.interrupt(
                asked.ref, reason=body.reason, by=body.by, force=body.force
            )
        )

    async def cancel(self, asked: Asked) -> Response:
        body = schema.read(schema.Stopping, await asked.body())
        return answer(await self._control.cancel(asked.ref, reason=body.reason, force=body.force))

    async def resume(self, asked: Asked) -> Response:
        body = schema.read(schema.Resuming, await asked.body())
        to = body.to
        if to is not None and asked[BASE]:
            to = await anyio.to_thread.run_sync(self._base.handover, to)
        return answer(await self._control.resume(asked.ref, budget=body.budget, to=to))

    async def decide(self, asked: Asked) -> Response:
        body = schema.read(schema.Deciding, await asked.body())
        return answer(
            await self._control.decide(asked.ref, body.verdict, body.findings, by=body.by)
        )

    async def plan(self, asked: Asked) -> Response:
        found = await planned(self._control, asked.ref)
        if found is None:
            raise NotFound(
                "there is no plan",
                hint="Only a goal has one, from when its planner or a person has made it.",
            )
        return _json(asked, {"version": found.version, "plan": found.plan, "by": found.by})

    async def goal(self, asked: Asked) -> Response:
        return _json(asked, await pursued(self._control, asked.ref))

    async def replan(self, asked: Asked) -> Response:
        body = schema.read(schema.Planning, await asked.body())
        return answer(
            await self._control.replan(asked.ref, body.plan, version=body.version, by=body.by)
        )

    # ── sessions ──────────────────────────────────────────────────────────────

    async def read(self, asked: Asked) -> Response:
        """Raw bytes, with what else there is to say in headers; or all of it as frames."""
        offset = asked[OFFSET]
        chunks = await self._control.read(asked.ref, offset, asked[BYTES])
        headers = _told(offset, chunks)
        if asked.request.headers.get("accept") == wire.FRAMES_TYPE:
            return Response(wire.pack(chunks), media_type=wire.FRAMES_TYPE, headers=headers)
        raw = b"".join(chunk.data for chunk in chunks if isinstance(chunk, Output))
        return Response(raw, media_type="application/octet-stream", headers=headers)

    async def times(self, asked: Asked) -> Response:
        return answer(
            await self._control.times(asked.ref, asked[OFFSET], asked[UNTIL], asked[MARKS])
        )

    async def frame(self, asked: Asked) -> Response:
        return answer(await self._control.frame(asked.ref, asked[OFFSET]))

    async def search(self, asked: Asked) -> Response:
        return answer(
            await self._control.search(
                SearchQuery(
                    text=asked[TEXT] or "",
                    task=asked[IN_TASK],
                    case=asked[CASE],
                    after=asked[AFTER],
                    limit=asked[HITS_LIMIT],
                )
            )
        )

    # ── service ───────────────────────────────────────────────────────────────

    async def health(self, _: Asked) -> Response:
        return answer(await self._control.health())

    async def metrics(self, asked: Asked) -> Response:
        query = MetricsQuery(since=asked[FROM], limit=asked[SAMPLES])
        return answer(await self._control.metrics(query))

    async def exposed(self, _: Asked) -> Response:
        """The same for Prometheus, which counts samples by itself."""
        metrics = await self._control.metrics(MetricsQuery(limit=1))
        return Response(exposition.written(metrics, __version__), media_type=exposition.TYPE)

    async def prune(self, asked: Asked) -> Response:
        policy = schema.read(PrunePolicy, await asked.body())
        return answer(await self._control.prune(policy))

    async def workspaces(self, _: Asked) -> Response:
        return answer({"places": await self._control.workspaces()})

    async def restore_workspace(self, asked: Asked) -> Response:
        schema.read(schema.Nothing, await asked.body())
        return answer(await self._control.restore_workspace(asked.ref))

    async def sweep(self, asked: Asked) -> Response:
        policy = schema.read(SweepPolicy, await asked.body())
        return answer({"swept": await self._control.sweep(policy)})

    async def merge(self, asked: Asked) -> Response:
        request = schema.read(MergeRequest, await asked.body())
        return answer(await self._control.merge(asked.ref, request))

    async def shutdown(self, asked: Asked) -> Response:
        schema.read(schema.Nothing, await asked.body())
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


def tagged(asked: Asked, body: bytes, media_type: str) -> Response:
    """``body``, or that it is what whoever asks has already (RFC 9110, 13.1.2)."""
    tag = f'"{sha256(body).hexdigest()[:32]}"'
    # A tag holds no comma; one that is weak stands for the same here.
    known = asked.request.headers.get("if-none-match", "").split(",")
    if any(each.strip().removeprefix("W/") in (tag, "*") for each in known):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers={"etag": tag})
    return Response(body, media_type=media_type, headers={"etag": tag})


def answer(
    value: Any, status: HTTPStatus = HTTPStatus.OK, headers: dict[str, str] | None = None
) -> Response:
    """A value of ours as JSON."""
    return Response(
        encode(value), status_code=status, headers=headers, media_type="application/json"
    )


def _brief(task: Task, sent: TaskSpec) -> Any:
    """A task without its spec where that is as it was sent."""
    if task.spec is not sent and task.spec != sent:
        return task
    told = plain.shallow(task)
    del told["spec"]
    return told


def _json(asked: Asked, value: Any) -> Response:
    return tagged(asked, encode(value), "application/json")


def encode(value: Any) -> bytes:
    """A value of ours as the JSON that ``plain.load`` reads."""
    return plain.text(value).encode()


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
