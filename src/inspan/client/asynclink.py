"""Connections to the daemon's socket for asyncio, and those that rest between two verbs.

It moves the bytes that ``wire`` makes and reads, and knows no verb; ``link`` is the same, blocking.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Generic, Self, TypeVar

from inspan.client import calls, wire
from inspan.client.address import Address, place
from inspan.client.link import gone
from inspan.errors import DaemonUnreachable, InspanError

if TYPE_CHECKING:
    from os import PathLike

T = TypeVar("T")

#: Bytes asked of the socket at once, and the most that is read ahead.
READ: Final = 1 << 16


class Connections:
    """Makes connections when they are needed, and keeps those that may be used again."""

    def __init__(self, at: Address | str | PathLike[str]) -> None:
        self.address = place(at)
        #: Into which all of them read: what one has read it takes away at once.
        self.buffer = bytearray(READ)
        self._idle: list[Link] = []
        self._talks: list[Channel] = []

    def close(self) -> None:
        """Let go of what is at rest; the next verb makes a new one."""
        while self._idle:
            self._idle.pop().close()
        while self._talks:
            self._talks.pop().close()

    async def ask(self, call: calls.Call[T]) -> T:
        """One question and its answer. Raises what the daemon says, or DaemonUnreachable."""
        errand = self.errand(call)
        try:
            return await errand.run()
        finally:
            errand.abandon()

    def errand(self, call: calls.Call[T]) -> Errand[T]:
        """One question, whose answer more than one may wait for."""
        return Errand(self, call)

    def rested(self) -> Link | None:
        """A connection that is open and at rest."""
        while self._idle:
            link = self._idle.pop()
            if link.quiet:
                return link
            link.close()
        return None

    def keep(self, link: Link, reply: wire.Response) -> None:
        """Have ``link`` rest after ``reply``, where it may be used again."""
        if reply.kept and len(self._idle) < calls.IDLE_MOST:
            link.rest()
            self._idle.append(link)
        else:
            link.close()

    async def upgrade(self, target: str) -> tuple[Channel, wire.Response]:
        """A new WebSocket, and how the daemon agreed to it."""
        raw, key = calls.upgrade(target, far=self.address.far)
        link = await Link.open(self.address, self.buffer)
        try:
            answer = wire.Answer()
            await link.ask(self.address.dressed(raw))
            reply = await link.answer(answer)
            calls.raise_for(reply)
            calls.check_version(reply)
            wire.check_upgrade(reply, key)
        except InspanError as error:
            link.close()
            self.address.explain(error)
            raise
        except BaseException:
            link.close()
            raise
        return Channel(link, answer.rest), reply

    async def talk(self) -> Channel:
        """A WebSocket for cells on which nothing is being said."""
        while self._talks:
            channel = self._talks.pop()
            if channel.quiet:
                return channel
            channel.close()
        return (await self.upgrade(calls.CELLS))[0]

    def leave(self, channel: Channel, *, over: bool) -> None:
        """Give back what ``talk`` gave: it is kept where the last word on it was said."""
        if over and len(self._talks) < calls.IDLE_MOST and channel.rest():
            self._talks.append(channel)
        else:
            channel.close()


class Errand(Generic[T]):
    """One question on its way. Where one who waits for its answer leaves, another may go on."""

    def __init__(self, connections: Connections, call: calls.Call[T]) -> None:
        self._connections = connections
        self._address = connections.address
        self._call = call
        self._link: Link | None = None
        self._answer = wire.Answer()
        self._fresh = False

    async def run(self) -> T:
        """Ask, if that was not done, and read the answer. Raises as ``Connections.ask``."""
        while True:
            try:
                reply = await self._reply()
            except DaemonUnreachable as error:
                self.abandon()
                self._address.explain(error)
                # A connection at rest may have been closed just now; a new one tells the truth.
                if self._fresh or not self._call.again:
                    raise
                continue
            try:
                return self._call.answered(reply)
            except InspanError as error:
                self._address.explain(error)
                raise

    def abandon(self) -> None:
        """Nobody waits any more; a connection on which an answer may come carries nothing else."""
        if self._link is not None:
            self._link.close()
            self._link = None

    async def _reply(self) -> wire.Response:
        if self._link is None:
            kept = self._connections.rested()
            self._fresh = kept is None
            self._link = kept or await Link.open(self._address, self._connections.buffer)
            self._answer = wire.Answer()
            await self._link.ask(self._address.dressed(self._call.raw))
        reply = await self._link.answer(self._answer)
        link, self._link = self._link, None
        self._connections.keep(link, reply)
        return reply


class Link(asyncio.BufferedProtocol):
    """One connection. It holds what has come, ``READ`` and what one more read of the socket brings.

    A stream of asyncio's reads into new memory each time: four calls of the system rather than one.
    """

    def __init__(self, buffer: bytearray) -> None:
        """``buffer`` is for the time of one read."""
        self._transport: asyncio.Transport  # since connection_made
        self._held = bytearray()
        self._buffer = buffer
        #: TLS reads into slices of it, and one of a bytearray would be a copy.
        self._view = memoryview(buffer)
        self._news: asyncio.Future[None] | None = None
        self._room = asyncio.Event()
        self._room.set()
        self._ended = self._stirred = False
        self._trouble: Exception | None = None

    @classmethod
    async def open(cls, address: Address, buffer: bytearray) -> Self:
        """A new connection. Raises DaemonUnreachable."""
        if not address.path:
            from inspan.client.network import opened  # noqa: PLC0415  most are to a socket

            return await opened(address, lambda: cls(buffer))
        loop = asyncio.get_running_loop()
        try:
            _, link = await loop.create_unix_connection(lambda: cls(buffer), address.path)
        except OSError as error:
            raise address.silent(error) from error
        return link

    # ── from the loop ─────────────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def get_buffer(self, sizehint: int) -> memoryview:
        del sizehint
        return self._view

    def buffer_updated(self, nbytes: int) -> None:
        self._held += memoryview(self._buffer)[:nbytes]
        if len(self._held) >= READ:
            self._transport.pause_reading()
        self._stir()

    def eof_received(self) -> bool:
        self._ended = True
        self._stir()
        # What is being sent may still be taken; TLS ends in both directions at once.
        return self._transport.get_extra_info("sslcontext") is None

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended, self._trouble = True, exc
        self._room.set()
        self._stir()

    def pause_writing(self) -> None:
        self._room.clear()

    def resume_writing(self) -> None:
        self._room.set()

    def _stir(self) -> None:
        self._stirred = True
        news, self._news = self._news, None
        if news is not None and not news.done():
            news.set_result(None)

    # ── from who uses it ──────────────────────────────────────────────────────

    def rest(self) -> None:
        """Nothing is expected from now on."""
        self._stirred = False

    @property
    def quiet(self) -> bool:
        """True where it is open and nothing has come since ``rest``: neither a word nor an end."""
        return not (self._stirred or self._ended or self._transport.is_closing())

    def close(self) -> None:
        self._transport.close()

    async def ask(self, raw: bytes) -> None:
        """Send a request. That it was not taken is told by the answer, or by there being none."""
        # A refusal may come before all of a large body is taken, so the answer is read anyway.
        with suppress(DaemonUnreachable):
            await self.send(raw)

    async def answer(self, answer: wire.Answer) -> wire.Response:
        """Read one answer, of which ``answer`` has what has come."""
        while True:
            data = await self.receive()
            reply = answer.feed(data) if data else answer.end()
            if reply is not None:
                return reply

    async def send(self, raw: bytes) -> None:
        """Raises DaemonUnreachable."""
        if not self._ended:
            self._transport.write(raw)
            await self._room.wait()
        if self._ended:
            raise gone(self._trouble)

    async def receive(self) -> bytes:
        """What has come; empty at the end. Raises DaemonUnreachable. For one reader."""
        while not self._held and not self._ended:
            self._news = asyncio.get_running_loop().create_future()
            await self._news
        if not self._held and self._trouble is not None:
            raise gone(self._trouble)
        held, self._held = self._held, bytearray()
        if len(held) >= READ:
            self._transport.resume_reading()
        return bytes(held)


class Channel:
    """A WebSocket: whole messages in and out."""

    def __init__(self, link: Link, rest: bytes) -> None:
        self._link = link
        self._frames = wire.Frames()
        #: Messages that came together; no more than one read of the socket holds.
        self._come = deque(self._frames.feed(rest))

    def close(self) -> None:
        self._link.close()

    def rest(self) -> bool:
        """Nothing is expected from now on; false where something has come all the same."""
        self._link.rest()
        return not self._come and self._frames.closed is None and not self._frames.begun

    @property
    def quiet(self) -> bool:
        """True where it is open and nothing has come since ``rest``."""
        return self._link.quiet

    @property
    def done(self) -> bool:
        """True once the daemon has said that nothing more comes."""
        return not self._come and self._frames.closed is not None

    async def take(self) -> bytes | None:
        """The next message, ``None`` at the end. Raises DaemonUnreachable at any other end."""
        while not self._come and self._frames.closed is None:
            data = await self._link.receive()
            if not data:
                raise DaemonUnreachable("the daemon went away")
            self._come.extend(self._frames.feed(data))
            due, self._frames.due = self._frames.due, b""
            if due and self._frames.closed is None:
                await self._link.send(due)
        if self._come:
            return self._come.popleft()[1]
        self._frames.check_done()
        return None

    async def send(self, opcode: int, payload: bytes) -> None:
        """Send one message. Raises DaemonUnreachable."""
        await self._link.send(wire.masked(opcode, payload, os.urandom(4)))
