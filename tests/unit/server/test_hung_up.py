"""A client that hangs up while it is being answered: what a server's ``send`` says of that.

By ASGI, ``send`` raises OSError once the client is gone; which frame that is of is chance over a
real socket, and so chosen here.
"""

from __future__ import annotations

import os
from pathlib import Path

import anyio
import pytest
from starlette.types import Message

from inspan import __version__
from inspan.errors import StoreFailed
from inspan.model import wire
from inspan.server.app import routed
from inspan.server.audit import Audit
from inspan.server.door import HOSTS, Door, OwnSocket
from tests.fakes.control import FakeControl
from tests.fakes.terminal import FakeTerminal

pytestmark = pytest.mark.anyio


class Client:
    """Sends its frames, and takes nothing after the upgrade."""

    def __init__(self, *frames: bytes) -> None:
        self._frames = [*frames]
        self._connected = False
        self.refused = anyio.Event()

    async def receive(self) -> Message:
        if not self._connected:
            self._connected = True
            return {"type": "websocket.connect"}
        if self._frames:
            return {"type": "websocket.receive", "bytes": self._frames.pop(0)}
        await self.refused.wait()
        return {"type": "websocket.disconnect", "code": 1006}

    async def send(self, message: Message) -> None:
        if message["type"] != "websocket.accept":
            self.refused.set()
            raise OSError("the client is gone")


async def served(fake: FakeControl, path: str, query: bytes, client: Client) -> None:
    """One upgrade from its request until the server is done with it."""
    scope = {
        "type": "websocket",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "headers": [(b"host", min(HOSTS).encode())],
        "subprotocols": [],
    }
    with anyio.fail_after(30):
        routes = routed(fake, anyio.Event())
        nowhere = Audit(Path(os.devnull))
        app = Door(routes, version=__version__, guard=OwnSocket(), audit=nowhere)
        await app(scope, client.receive, client.send)


async def test_what_was_typed_just_before_is_typed_and_the_writer_let_go() -> None:
    fake = FakeControl()
    task = await fake.submit_running()
    client = Client(wire.frame(wire.INPUT, 1, b"yes\r"))
    await served(fake, f"/v1/sessions/{task.id}/terminal", b"writer=true", client)
    (session,) = fake.sessions.values()
    assert session.typed == b"yes\r"
    assert session.writer is None
    assert client.refused.is_set()


async def test_what_a_last_frame_brings_about_is_told_to_nobody() -> None:
    """The answer to the frame meets the end; what the terminal shows of it comes right after."""
    fake = FakeControl()
    task = await fake.submit_running()
    client = Client(wire.frame(wire.RESIZE, 1, (2).to_bytes(4) + (1).to_bytes(4)))
    await served(fake, f"/v1/sessions/{task.id}/terminal", b"writer=true", client)
    assert client.refused.is_set()


@pytest.mark.parametrize("trouble", [False, True])
async def test_a_terminal_whose_client_is_gone_is_left(*, trouble: bool) -> None:
    fake = FakeControl()
    task = await fake.submit_running()
    (session,) = fake.sessions.values()
    if trouble:
        session.fails = StoreFailed("the recording cannot be read")
    else:
        fake.prints(task.id, b"output")
    client = Client()
    await served(fake, f"/v1/sessions/{task.id}/terminal", b"writer=true", client)
    assert session.writer is None
    assert client.refused.is_set()


async def test_events_whose_client_is_gone_are_told_no_more() -> None:
    fake = FakeControl()
    await fake.submit_running()
    client = Client()
    await served(fake, "/v1/events", b"since=0", client)
    assert client.refused.is_set()


class Listener(Client):
    """Takes what it is sent, and notes when the stream is closed."""

    def __init__(self, *frames: bytes) -> None:
        super().__init__(*frames)
        self.sent: list[str] = []
        self.closed = anyio.Event()

    async def send(self, message: Message) -> None:
        self.sent.append(message["type"])
        if message["type"] == "websocket.close":
            self.closed.set()


async def test_what_is_typed_while_the_session_ends_is_no_failure_of_ours(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fake = FakeControl()
    task = await fake.submit_running()
    client = Listener(wire.frame(wire.INPUT, 1, b""))

    async def slowly(_terminal: FakeTerminal, _data: bytes) -> None:
        fake.ends(task.id)
        await client.closed.wait()

    monkeypatch.setattr(FakeTerminal, "write", slowly)
    await served(fake, f"/v1/sessions/{task.id}/terminal", b"writer=true", client)
    assert client.sent == ["websocket.accept", "websocket.send", "websocket.close"]
    assert not caplog.records
