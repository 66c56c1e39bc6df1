"""Server-sent events over a real server: resumed by number, told when they break off, let go."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import pytest

from inspan import __version__
from inspan.client import wire
from inspan.errors import FellBehind
from inspan.model.task import TaskSpec
from inspan.server import sse
from tests.fakes.control import FakeControl
from tests.fakes.hands import served

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("C6")]

OWN = {"host": "inspan", "inspan-version": __version__}
SPEC = TaskSpec(command=("work",), cwd="/")


class Reader:
    """One answer that goes on, as a browser reads it."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._held = b""
        self.head = b""

    async def begin(self) -> None:
        while b"\r\n\r\n" not in self._held:
            self._held += await self._stream.receive()
        self.head, _, self._held = self._held.partition(b"\r\n\r\n")

    async def event(self) -> dict[str, str]:
        """The next event by its fields, comments and the wish about coming again left out."""
        while True:
            block = await self._block()
            fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
            if "data" in fields:
                return fields

    async def comment(self) -> str:
        while not (block := await self._block()).startswith(":"):
            pass
        return block

    async def _block(self) -> str:
        # The chunks of the transfer are lines that no event has.
        while b"\n\n" not in self._held:
            self._held += await self._stream.receive()
        block, _, self._held = self._held.partition(b"\n\n")
        lines = block.decode().replace("\r\n", "\n").split("\n")
        return "\n".join(line for line in lines if ":" in line)


@asynccontextmanager
async def reading(
    socket: Path, target: str, headers: dict[str, str] | None = None
) -> AsyncIterator[Reader]:
    with anyio.fail_after(30):
        async with await anyio.connect_unix(socket) as stream:
            await stream.send(wire.request("GET", target, {**OWN, **(headers or {})}))
            reader = Reader(stream)
            await reader.begin()
            yield reader


@pytest.fixture
async def fake() -> FakeControl:
    return FakeControl()


@pytest.fixture
async def socket(fake: FakeControl) -> AsyncIterator[Path]:
    async with served(fake) as socket:
        yield socket


async def test_events_are_told_with_their_numbers_and_resumed_by_the_last(
    fake: FakeControl, socket: Path
) -> None:
    await fake.submit_all([SPEC] * 4)
    due = await fake.history()
    async with reading(socket, "/v1/events/stream?since=0") as reader:
        assert b"200 OK" in reader.head
        assert b"content-type: text/event-stream" in reader.head
        first = [await reader.event() for _ in range(3)]
        assert [int(each["id"]) for each in first] == [event.seq for event in due[:3]]
        assert json.loads(first[0]["data"])["task"] == due[0].task
    # What a browser does by itself; it goes before the address, which is as it was.
    again = {"last-event-id": first[-1]["id"]}
    async with reading(socket, "/v1/events/stream?since=0", again) as reader:
        for event in due[3:]:
            assert int((await reader.event())["id"]) == event.seq
        made = await fake.submit(SPEC)
        assert json.loads((await reader.event())["data"])["task"] == made.id


async def test_output_goes_on_at_the_byte(fake: FakeControl, socket: Path) -> None:
    task = await fake.submit_running()
    fake.prints(task.id, b"one\n\xff")
    target = f"/v1/sessions/{task.id}/stream"
    async with reading(socket, target) as reader:
        told = await reader.event()
        assert (told["event"], told["id"]) == ("output", "5")
        assert base64.b64decode(json.loads(told["data"])["data"]) == b"one\n\xff"
    fake.prints(task.id, b"two")
    fake.ends(task.id, 3)
    async with reading(socket, target, {"last-event-id": "5"}) as reader:
        told = await reader.event()
        assert base64.b64decode(json.loads(told["data"])["data"]) == b"two"
        ended = await reader.event()
        assert ended["event"] == "ended"
        assert json.loads(ended["data"]) == {"offset": 8, "status": 3}


async def test_silence_is_broken_by_a_comment(
    socket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse, "BEAT", 0.01)
    async with reading(socket, "/v1/events/stream") as reader:
        assert await reader.comment() == await reader.comment() == ": still here"


async def test_what_cannot_be_followed_is_refused_as_always(socket: Path) -> None:
    for target, headers, status in (
        ("/v1/events/stream?task=nobody", {}, b"404"),
        ("/v1/sessions/nobody/stream", {}, b"404"),
        ("/v1/events/stream", {"last-event-id": "x"}, b"422"),
        ("/v1/events/stream?until=1", {}, b"422"),
    ):
        async with reading(socket, target, headers) as reader:
            assert status in reader.head.split(b"\r\n")[0], target
            assert b"application/problem+json" in reader.head


async def test_what_breaks_off_is_told(fake: FakeControl, socket: Path) -> None:
    async def watch(*_: object, **__: object) -> AsyncIterator[Any]:
        yield (await fake.history())[0]
        raise FellBehind

    await fake.submit(SPEC)
    fake.watch = watch  # type: ignore[assignment,method-assign]  # it falls behind at once
    async with reading(socket, "/v1/events/stream?since=0") as reader:
        await reader.event()
        failed = await reader.event()
        assert failed["event"] == "failed"
        assert json.loads(failed["data"])["code"] == FellBehind.code


async def test_a_reader_that_takes_nothing_is_let_go(
    fake: FakeControl, socket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse, "PATIENCE", 0.1)
    let_go, say = anyio.Event(), sse.Streamed._say

    async def saying(*given: Any) -> bool:
        taken = await say(*given)
        if not taken:
            let_go.set()
        return taken

    monkeypatch.setattr(sse.Streamed, "_say", saying)
    task = await fake.submit_running()
    target = f"/v1/sessions/{task.id}/stream"
    async with await anyio.connect_unix(socket) as stream:
        await stream.send(wire.request("GET", target, OWN))
        begun = await stream.receive()
        assert b"200 OK" in begun
        for _ in range(200):
            fake.prints(task.id, bytes(100_000))
        # Nothing is taken meanwhile: as much as the system holds is all that comes.
        with anyio.fail_after(30):
            await let_go.wait()
            got, last = 0, b""
            with suppress(anyio.EndOfStream, anyio.BrokenResourceError):
                while not last.endswith(b"\r\n0\r\n\r\n"):
                    last = last[-8:] + await stream.receive()
                    got += len(last)
        assert got < 20_000_000
