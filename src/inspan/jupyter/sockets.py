"""The five sockets of a kernel. They carry messages and know none.

Bounds: a message that comes in has MESSAGE_MOST bytes at most; ZeroMQ holds WAITING of them for
each socket and peer. Where one who listens to what is published does not keep up, the kernel waits
for it, and with it the code that prints; after PATIENCE seconds without any room that listener
alone loses what it has no room for, until it takes something again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import zmq
import zmq.asyncio

from inspan.errors import Unable
from inspan.jupyter.connection import Connection
from inspan.jupyter.wire import Message, Wire, WireError

MESSAGE_MOST: Final = 64 << 20
WAITING: Final = 1000
PATIENCE: Final = 30.0
#: Seconds between two looks whether there is room.
_LOOK: Final = 0.005
#: Milliseconds for the last messages to leave.
_LINGER: Final = 2000
_SUBSCRIBED: Final = b"\x01"

Socket = zmq.asyncio.Socket


class Sockets:
    """Made by ``bound``."""

    def __init__(self, sockets: Mapping[str, Socket], wire: Wire) -> None:
        self._sockets = sockets
        self._wire = wire
        self._stuck = False

    async def received(self, name: str) -> AsyncGenerator[Message, None]:
        """What comes to ``shell``, ``control`` or ``stdin``; what is no message is let go."""
        while True:
            frames = await self._sockets[name].recv_multipart()
            try:
                yield self._wire.decode(frames)
            except WireError:
                continue

    async def waiting(self, name: str) -> bool:
        """Whether something has come to it that was not received yet."""
        return bool(await self._sockets[name].poll(0))

    async def send(self, name: str, kind: str, content: Mapping[str, Any], to: Message) -> None:
        """Answer on ``shell``, ``control`` or ``stdin``."""
        frames = self._wire.encode(kind, content, parent=to.header, ids=to.ids)
        await self._sockets[name].send_multipart(frames)

    async def publish(
        self, kind: str, content: Mapping[str, Any], parent: Message | None = None
    ) -> None:
        """Tell everyone who listens; waits for those who do not keep up, as said above."""
        header = None if parent is None else parent.header
        await self._greet_waiting()
        await self._publish(
            self._wire.encode(kind, content, parent=header, ids=(kind.encode("ascii"),))
        )

    async def welcome(self) -> None:
        """Tell each new listener that it listens, as long as this runs.

        It is read when it can be greeted at once: between the two something could be published.
        """
        while True:
            await self._sockets["iopub"].poll()
            await self._greet_waiting()

    async def beat(self) -> None:
        """Give back what comes to the heartbeat, as long as this runs."""
        heart = self._sockets["hb"]
        while True:
            await heart.send_multipart(await heart.recv_multipart())

    async def _greet_waiting(self) -> None:
        """Its welcome is the first that a new listener hears."""
        while True:
            try:
                frames = await self._sockets["iopub"].recv_multipart(flags=zmq.NOBLOCK)
            except zmq.Again:
                return
            await self._greet(frames)

    async def _greet(self, frames: list[bytes]) -> None:
        if frames[0].startswith(_SUBSCRIBED):
            topic = frames[0][1:]
            content = {"subscription": topic.decode(errors="replace")}
            await self._publish(self._wire.encode("iopub_welcome", content, ids=(topic,)))

    async def _publish(self, frames: list[bytes]) -> None:
        iopub, loop = self._sockets["iopub"], asyncio.get_running_loop()
        until = loop.time() + (0.0 if self._stuck else PATIENCE)
        while True:
            try:
                await iopub.send_multipart(frames, flags=zmq.NOBLOCK)
            except zmq.Again:
                if loop.time() >= until:
                    break
                await asyncio.sleep(_LOOK)
            else:
                self._stuck = False
                return
        self._stuck = True
        iopub.set(zmq.XPUB_NODROP, 0)
        try:
            await iopub.send_multipart(frames, flags=zmq.NOBLOCK)
        finally:
            iopub.set(zmq.XPUB_NODROP, 1)


@contextmanager
def bound(connection: Connection) -> Iterator[Sockets]:
    """Listening sockets, closed in the end when the last messages have left. Raises Unable."""
    context = zmq.asyncio.Context()
    sockets: dict[str, Socket] = {}  # held here, so that all can be closed where one is refused
    try:
        for name, address in connection.addresses.items():
            sockets[name] = _bind(context, name, address)
        yield Sockets(sockets, Wire(connection.key))
    finally:
        context.destroy(linger=_LINGER)


def _bind(context: zmq.asyncio.Context, name: str, address: str) -> Socket:
    socket = context.socket(zmq.XPUB if name == "iopub" else zmq.ROUTER)
    socket.set(zmq.SNDHWM, WAITING)
    socket.set(zmq.RCVHWM, WAITING)
    socket.set(zmq.MAXMSGSIZE, MESSAGE_MOST)
    if name == "iopub":
        socket.set(zmq.XPUB_VERBOSE, 1)  # each who subscribes is told, not only the first
        socket.set(zmq.XPUB_NODROP, 1)
    else:
        socket.set(zmq.ROUTER_HANDOVER, 1)  # a client that comes back has the id it had
    try:
        socket.bind(address)
    except zmq.ZMQError as error:
        raise Unable(f"The kernel cannot listen at {address}: {error.strerror}.") from None
    return socket
