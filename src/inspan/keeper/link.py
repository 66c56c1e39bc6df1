"""The daemon's connection to a keeper: calls in flight by id, and who watches which session.

One Protocol and no task of its own: frames are handled in the loop's callbacks, and everything held
is bounded by the calls in flight and the watchers. It must never know what a verb does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple

from inspan.errors import KeeperLost, by_code
from inspan.keeper.wire import (
    INLINE_MOST,
    Decoder,
    Message,
    WireError,
    decode_grew,
    decode_queued,
    encode,
    encode_write,
    first_end,
)
from inspan.model.value import value


@value(frozen=True, kw_only=True)
class Status:
    """A session as the keeper has it; ``code`` and ``signal`` are ``None`` while it is alive."""

    session: str
    pid: int
    alive: bool
    started_at: float
    #: Bytes of output so far, kept or not.
    size: int
    code: int | None
    signal: int | None
    ended_at: float | None
    #: The output is complete.
    eof: bool
    cols: int
    rows: int
    #: Bytes of output that are not in the recording.
    cut: int
    #: Processes that it left behind when it ended, as far as is known.
    left: int


class Grew(NamedTuple):
    """The recording has ``size`` bytes now; ``data`` are the last of them, or nothing.

    They are of one ``kind``: "o" or "e", as in the index.
    """

    size: int
    data: bytes = b""
    kind: str = ""


class Watcher:
    """The newest that is known; older sizes are overwritten."""

    def __init__(self, *, inline: bool) -> None:
        self.inline = inline
        self.size = -1
        #: The last bytes up to ``size``, INLINE_MOST at most.
        self.data = b""
        self.kind = ""
        self.ended: Status | None = None
        self._news = False
        self._waiter: asyncio.Future[None] | None = None

    def grew(self, size: int, data: bytes, kind: str) -> None:
        """There is more; what was not taken yet is kept where the new bytes follow it."""
        follows = kind == self.kind and size - len(data) == self.size
        if follows and len(self.data) + len(data) <= INLINE_MOST:
            data = self.data + data
        self.size, self.data, self.kind = size, data, kind

    def wake(self) -> None:
        """There is news, or there will be none."""
        self._news = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def news(self) -> None:
        """Wait for a ``wake`` since the last time; for one at a time."""
        if not self._news:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        self._news = False

    def take(self) -> Grew:
        """What is new."""
        data, self.data = self.data, b""
        return Grew(self.size, data, self.kind) if self.inline else Grew(self.size)


class Link(asyncio.Protocol):
    """The connection: calls in flight by id, watchers by session."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.lost: asyncio.Future[None] = loop.create_future()
        self.watchers: dict[str, set[Watcher]] = {}
        self._loop = loop
        self._calls: dict[int, asyncio.Future[tuple[Message, bytes]]] = {}
        self._decoder = Decoder()
        self._last = 0
        self._room = asyncio.Event()
        self._room.set()
        self._transport: asyncio.Transport  # since connection_made

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        while not self._decoder.held:
            # The reply to a key and its echo come together, where the program is quick.
            end = first_end(data)
            if not self._echo(data if end == len(data) else data[:end]):
                break
            data = data[end:]
            if not data:
                return
        try:
            frames = self._decoder.feed(data)
        except WireError:
            self.abort()
            return
        for message, body in frames:
            if "push" in message:
                self._pushed(message, body)
            else:
                self._replied(message.get("id", 0), message, body)

    def connection_lost(self, error: Exception | None) -> None:
        del error
        if not self.lost.done():
            self.lost.set_result(None)
        for call in self._calls.values():
            if not call.done():
                call.set_exception(KeeperLost())
        self._calls.clear()
        self._room.set()
        for watchers in self.watchers.values():
            for watcher in watchers:
                watcher.wake()

    def pause_writing(self) -> None:
        self._room.clear()

    def resume_writing(self) -> None:
        self._room.set()

    async def call(self, message: Message, body: bytes = b"") -> tuple[Message, bytes]:
        """Send a request and wait for its reply. Raises KeeperLost, or what the keeper says."""
        await self._room.wait()
        return await self._reply(self.post(message, body))

    async def write(self, session: str, data: bytes) -> int:
        """As ``call`` does it."""
        if not self._room.is_set():
            await self._room.wait()
        number = self._next()
        self._transport.write(encode_write(session, number, data))
        reply, _ = await self._reply(number)
        return int(reply["queued"])

    async def _reply(self, number: int) -> tuple[Message, bytes]:
        call = self._calls[number] = self._loop.create_future()
        try:
            reply, data = await call
        finally:
            self._calls.pop(number, None)
        if "error" in reply:
            raise by_code(str(reply["error"]), str(reply.get("message", "")))
        return reply, data

    def post(self, message: Message, body: bytes = b"") -> int:
        """Send a request; its id. Raises KeeperLost."""
        number = self._next()
        self._transport.write(encode({**message, "id": number}, body))
        return number

    def _next(self) -> int:
        if self.lost.done():
            raise KeeperLost
        self._last += 1
        return self._last

    def abort(self) -> None:
        """Hang up at once."""
        self._transport.abort()

    def _echo(self, data: bytes) -> bool:
        """Whether it is what comes after a key, one frame alone, and was taken."""
        if (grew := decode_grew(data)) is not None and grew[0] in self.watchers:
            self._grew(*grew)
            return True
        if (queued := decode_queued(data)) is not None:
            self._replied(queued[0], {"queued": queued[1]}, b"")
            return True
        return False

    def _replied(self, number: int, message: Message, body: bytes) -> None:
        call = self._calls.pop(number, None)
        if call is not None and not call.done():
            call.set_result((message, body))

    def _grew(self, session: str, size: int, kind: str, body: bytes) -> None:
        for watcher in self.watchers.get(session, ()):
            watcher.grew(size, body, kind)
            watcher.wake()

    def _pushed(self, message: Message, body: bytes) -> None:
        session = message.get("session", "")
        if message["push"] == "grew":
            self._grew(session, message["size"], message.get("kind", ""), body)
            return
        for watcher in self.watchers.get(session, ()):
            watcher.ended = status_of(message["status"])
            watcher.wake()


def status_of(raw: Mapping[str, Any]) -> Status:
    ended = raw.get("exit") or {}
    return Status(
        session=raw["session"],
        pid=raw["pid"],
        alive=raw["alive"],
        started_at=raw["started_at"],
        size=raw["size"],
        code=ended.get("code"),
        signal=ended.get("signal"),
        ended_at=raw.get("ended_at"),
        eof=raw["eof"],
        cols=raw["cols"],
        rows=raw["rows"],
        cut=raw["cut"],
        left=raw["left"],
    )
