"""A worker of a code session that says what a test tells it to, in the test's own loop.

It listens as a real one does and answers ``hello``; everything else is the test's. It is what the
host is promised: a Unix socket that speaks frames, a process that ends, and files in a folder.
"""

import asyncio
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from inspan.kernel.frames import Decoder, Message, encode
from inspan.kernel.host.launch import Card, Order, prepare
from inspan.kernel.host.process import Death

Heard = Callable[["ScriptedWorker", Message], None]


class ScriptedProcess:
    """Ends when it is killed or told to."""

    def __init__(self) -> None:
        self.signals: list[str] = []
        self.death: asyncio.Future[Death] = asyncio.get_running_loop().create_future()
        self.on_signal: Callable[[str], None] = self.signals.append
        self.closed = self.forgotten = False

    @property
    def gone(self) -> bool:
        return self.death.done()

    def end(self, *, code: int | None = None, signal: int | None = None) -> None:
        if not self.death.done():
            self.death.set_result(Death(code, signal))

    async def ended(self) -> Death:
        return await asyncio.shield(self.death)

    async def interrupt(self) -> None:
        self.on_signal("signal")

    async def interrupt_group(self) -> None:
        self.on_signal("group")

    async def kill(self) -> None:
        self.on_signal("kill")
        self.end(signal=9)

    async def forget(self) -> None:
        self.forgotten = True

    def close(self) -> None:
        self.closed = True


class ScriptedWorker:
    """``heard`` gets each message but ``hello`` and ``ack``; ``say`` numbers what it is given."""

    def __init__(self, folder: Path, heard: Heard | None = None) -> None:
        order = Order(session="s", folder=folder / "session", runtime=folder / "run", cwd=folder)
        self.folder = order.folder
        self.card: Card = prepare(order)
        self.process = ScriptedProcess()
        self.heard: Heard = heard or (lambda _worker, _message: None)
        self.messages: list[Message] = []
        self.hellos: list[Message] = []
        self.acked = 0
        self.seq = 0
        #: What ``ready`` says beside what it must.
        self.ready: dict[str, Any] = {}
        #: Sent as it is, behind ``ready``, on each new connection.
        self.first = b""
        self.links: list[asyncio.Transport] = []
        self._server: asyncio.AbstractServer

    async def __aenter__(self) -> "ScriptedWorker":
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(lambda: _Peer(self), self.card.socket)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.process.end(code=0)
        for link in self.links:
            if not link.is_closing():
                link.abort()

    def say(self, kind: str, body: bytes = b"", **fields: Any) -> None:
        """One numbered message, well formed if ``fields`` are."""
        self.links[-1].write(self.frame(kind, body, **fields))

    def frame(self, kind: str, body: bytes = b"", **fields: Any) -> bytes:
        self.seq += 1
        return encode({"type": kind, "seq": self.seq, **fields}, body)

    def begin(self, cell: str, number: int) -> None:
        self.begin_silently(number)
        self.say("started", execution_id=cell, mode="simple_sync", number=number)

    def refuse(self, cell: str, number: int) -> None:
        """End a cell that never begins: the board does not tell of it."""
        self.say("started", execution_id=cell, mode="unknown", number=number)
        self.result(cell)

    def result(self, cell: str, **fields: Any) -> None:
        self.say("result", execution_id=cell, count=1, repr=None, execution_time=0.0, **fields)

    def wanted(self) -> int:
        """Which cell the ladder wants to end."""
        wanted: int = struct.unpack_from("=Q", (self.folder / "interrupt").read_bytes())[0]
        return wanted

    def begin_silently(self, number: int, mode: str = "simple_sync") -> None:
        """Say on the board alone that this cell runs."""
        with (self.folder / "interrupt").open("r+b") as file:
            file.seek(8)
            file.write(struct.pack("=Q16s", number, mode.encode()))

    def stand(self, *, printed: int, sent: int, said: int) -> None:
        """Say on the board how far what was printed has got."""
        with (self.folder / "interrupt").open("r+b") as file:
            file.seek(32)
            file.write(struct.pack("=QQQ", printed, sent, said))

    def write(self, name: str, data: bytes) -> None:
        """As code does that writes to a descriptor."""
        with (self.folder / name).open("ab") as file:
            file.write(data)

    def greeted(self, link: asyncio.Transport, hello: Message) -> None:
        self.hellos.append(hello)
        ready = {"version": 1, "session": "s", "pid": 1, "python": "3", "seq": self.seq}
        link.write(encode({"type": "ready", **ready, **self.ready}) + self.first)
        self.links.append(link)


class _Peer(asyncio.Protocol):
    def __init__(self, worker: ScriptedWorker) -> None:
        self._worker = worker
        self._decoder = Decoder()
        self._link: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._link = transport

    def data_received(self, data: bytes) -> None:
        worker = self._worker
        for message, _ in self._decoder.feed(data):
            if message["type"] == "hello":
                worker.greeted(self._link, message)
            elif message["type"] == "ack":
                worker.acked = message["seq"]
            else:
                worker.acked = message.pop("ack", 0) or worker.acked
                worker.messages.append(message)
                if message["type"] == "shutdown":
                    worker.process.end(code=0)
                    self._link.close()
                worker.heard(worker, message)
