"""The connection to a worker: frames in, checked messages out. It knows no cell.

Whatever the other side sends is either a valid message or ends the connection with KernelProtocol;
what is held is bounded by one frame and by what one read of the socket brings.
"""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Final, Protocol

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticSerializationError, to_json

from inspan.errors import BadInput, InspanError, KernelProtocol, SessionDied
from inspan.kernel.frames import HEAD_MOST, Decoder, FrameError, encode, framed, parsed
from inspan.kernel.protocol import FROM_WORKER, VERSION, Answer, Execute, FromWorker, Hello, Ready

#: Characters of a refused message that are told.
_SHOWN: Final = 300
_EXECUTE: Final = Execute.__pydantic_serializer__


class Taker(Protocol):
    """Who a link speaks to."""

    def joined(self, ready: Ready) -> None:
        """The worker answered ``hello``; what follows comes after this."""

    def message(self, message: FromWorker, body: bytes) -> None:
        """A valid message came."""

    def hung_up(self, link: Link, error: InspanError | None) -> None:
        """Nothing more comes of this link; ``error``: because of what came."""


class Link(asyncio.Protocol):
    """One connection, from ``hello`` on."""

    def __init__(self, taker: Taker) -> None:
        self._taker = taker
        self._decoder = Decoder()
        self._ready: asyncio.Future[Ready] = asyncio.get_running_loop().create_future()
        self._room = asyncio.Event()
        self._room.set()
        self._reading = True
        self._error: InspanError | None = None
        self.lost = asyncio.Event()
        self._transport: asyncio.Transport  # since connection_made

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        try:
            for head, body in self._decoder.split(data):
                if self._error is not None:
                    return
                self._take(_checked(head), body)
        except FrameError as error:
            self.refuse(f"The session's process sent what is no frame: {error}.")
        except ValidationError as error:
            self.refuse(f"The session's process sent what is no message: {_first(error)}.")
        except KernelProtocol as error:
            self.refuse(error.message)

    def connection_lost(self, error: Exception | None) -> None:
        del error
        self.lost.set()
        self._room.set()
        if not self._ready.done():
            self._ready.cancel()
        self._taker.hung_up(self, self._error)

    def pause_writing(self) -> None:
        self._room.clear()

    def resume_writing(self) -> None:
        self._room.set()

    def refuse(self, why: str) -> None:
        """What came cannot be: hang up."""
        if self._error is None:
            self._error = KernelProtocol(why)
        self._transport.abort()

    def hold(self, *, on: bool) -> None:
        """Take nothing from the socket while on."""
        if on == self._reading and not self._transport.is_closing():
            self._reading = not on
            if on:
                self._transport.pause_reading()
            else:
                self._transport.resume_reading()

    async def hello(self, hello: Hello) -> Ready:
        """Say who we are. Raises SessionDied where that is not answered, KernelProtocol."""
        self.write(packed(hello))
        try:
            return await self._ready
        except asyncio.CancelledError:
            if not self.lost.is_set():
                raise
            raise (self._error or SessionDied("The session hung up before it was ready.")) from None

    def write(self, data: bytes) -> None:
        """Send what ``packed`` made; forgotten where nobody is there."""
        if not self._transport.is_closing():
            self._transport.write(data)

    @property
    def full(self) -> bool:
        """Whether the worker has much to read yet of what was sent."""
        return not self._room.is_set()

    async def room(self) -> None:
        """Wait until the worker has read most of what was sent."""
        await self._room.wait()

    def close(self) -> None:
        """Hang up."""
        self._transport.abort()

    def _take(self, message: FromWorker, body: bytes) -> None:
        if not isinstance(message, Ready):
            self._taker.message(message, body)
        elif self._ready.done():
            raise KernelProtocol("The session's process said twice that it is ready.")
        elif message.version != VERSION:
            raise KernelProtocol(f"It speaks version {message.version}, and not {VERSION}.")
        else:
            self._taker.joined(message)
            self._ready.set_result(message)


def packed(message: BaseModel) -> bytes:
    """Its frame. Raises BadInput where it is too large, or holds half of a character."""
    try:
        # An answer may hold what pydantic's JSON has no word for, such as NaN.
        if type(message) is Answer:
            return encode(message.model_dump())
        if type(message) is Execute:
            # Most cells are asked for as usual; what is left out need not be read, nor checked.
            told = _EXECUTE.to_json(message, exclude_defaults=True)
            return framed(b'{"type":"execute",' + told.removeprefix(b"{"))
        return framed(to_json(message))
    except FrameError as error:
        raise BadInput(f"More than {HEAD_MOST >> 20} MiB cannot be said to a session.") from error
    except PydanticSerializationError as error:
        raise BadInput(f"This is no text that can be said to a session: {error}.") from error


def _checked(head: bytes) -> FromWorker:
    """Raises FrameError, ValidationError."""
    try:
        return FROM_WORKER.validate_json(head)
    except ValidationError:
        # Python reads more than pydantic does, such as what is nested deeper; and it tells why not.
        return FROM_WORKER.validate_python(parsed(head))


async def connect(path: Path, taker: Taker) -> Link:
    """A link to who listens there. Raises OSError."""
    loop = asyncio.get_running_loop()
    _, link = await loop.create_unix_connection(lambda: Link(taker), str(path))
    return link


def listens(path: str) -> bool:
    """Whether somebody takes connections there."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except OSError:
            return False
        return True


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}"[:_SHOWN].rstrip(".")
