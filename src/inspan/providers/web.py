"""HTTP requests over TCP, to addresses that the caller has judged; it follows nothing by itself.

A name is resolved once, and what is connected to is what was judged. No proxy is used.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Final

import anyio

from inspan.engine.code.ports import Fetched
from inspan.errors import BadInput, NotGranted, Unable
from inspan.model.origin import Origin

if TYPE_CHECKING:
    from ssl import SSLContext

    import h11
    from anyio.abc import ByteStream

_PIECE: Final = 1 << 16
#: Addresses of one name that are tried.
_TRIED: Final = 4


class HttpWeb:
    """``ports.Web``."""

    async def fetch(
        self,
        origin: Origin,
        method: str,
        target: str,
        headers: Mapping[str, str],
        allowed: Callable[[str], bool],
        most: int,
    ) -> Fetched:
        request = _request(origin, method, target, headers)
        stream = await self._connected(origin, await _addresses(origin, allowed))
        try:
            return await _exchanged(stream, request, b"", str(origin), most)
        finally:
            await anyio.aclose_forcefully(stream)

    async def post(
        self,
        origin: Origin,
        target: str,
        headers: Mapping[str, str],
        body: bytes,
        allowed: Callable[[str], bool],
    ) -> tuple[int, Mapping[str, str]]:
        """``body`` to it; how it is answered, without what the answer says beside that.

        Raises what ``fetch`` does.
        """
        length = {"content-length": str(len(body))}
        request = _request(origin, "POST", target, {**headers, **length})
        stream = await self._connected(origin, await _addresses(origin, allowed))
        try:
            answer = await _exchanged(stream, request, body, str(origin), None)
        finally:
            await anyio.aclose_forcefully(stream)
        return answer.status, dict(answer.headers)

    async def ask(
        self, origin: Origin, target: str, headers: Mapping[str, str], body: bytes, most: int
    ) -> Fetched:
        """``body`` to whom a person named, wherever that is, and the answer of ``most`` bytes."""
        length = {"content-length": str(len(body))}
        request = _request(origin, "POST", target, {**headers, **length})
        stream = await self._connected(origin, await _addresses(origin, lambda _: True))
        try:
            return await _exchanged(stream, request, body, str(origin), most)
        finally:
            await anyio.aclose_forcefully(stream)

    async def _connected(self, origin: Origin, addresses: list[str]) -> ByteStream:
        why = ""
        for address in addresses[:_TRIED]:
            try:
                if origin.scheme == "http":
                    return await anyio.connect_tcp(address, origin.port)
                return await anyio.connect_tcp(
                    address,
                    origin.port,
                    ssl_context=self._trust,
                    tls_hostname=origin.host,
                    tls_standard_compatible=False,
                )
            except OSError as error:
                why = str(error.__cause__ or error)
        raise Unable(f"{origin} cannot be reached: {why}")

    @cached_property
    def _trust(self) -> SSLContext:
        import ssl  # noqa: PLC0415 - as above

        return ssl.create_default_context()


def _request(origin: Origin, method: str, target: str, headers: Mapping[str, str]) -> h11.Request:
    from h11 import LocalProtocolError, Request  # noqa: PLC0415 - most daemons ask nobody

    said = {
        "host": origin.netloc,
        "accept": "*/*",
        "accept-encoding": "identity",
        "connection": "close",
        "user-agent": "inspan",
        **{name.lower(): value for name, value in headers.items()},
    }
    try:
        return Request(method=method, target=target, headers=list(said.items()))
    except (LocalProtocolError, UnicodeEncodeError) as error:
        raise BadInput(f"'headers' cannot be sent: {error}") from None


async def _addresses(origin: Origin, allowed: Callable[[str], bool]) -> list[str]:
    try:
        found = await anyio.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unable(f"{origin.host} is not known: {error}") from None
    addresses = [str(place[0]) for _, _, _, _, place in found]
    judged = [address for address in addresses if allowed(address)]
    if not judged:
        raise NotGranted(
            f"{origin.host} is at {addresses[0]}, which is not a public address;"
            f" that has to be granted by its number, as another origin."
        )
    return judged


async def _exchanged(
    stream: ByteStream, request: h11.Request, said: bytes, origin: str, most: int | None
) -> Fetched:
    """The answer; without its body where ``most`` bytes of that are ``None``."""
    import h11  # noqa: PLC0415 - as above

    talk = h11.Connection(h11.CLIENT)
    status, headers, body = 0, list[tuple[str, str]](), bytearray()
    try:
        whole = [h11.Data(data=said)] if said else []
        parts = (request, *whole, h11.EndOfMessage())
        await stream.send(b"".join(talk.send(part) or b"" for part in parts))
        while True:
            match talk.next_event():
                case h11.NEED_DATA:
                    talk.receive_data(await _received(stream))
                case h11.Response(status_code=status, headers=told):
                    headers = [
                        (name.decode("latin-1"), value.decode("latin-1")) for name, value in told
                    ]
                    if most is None:
                        return Fetched(status, tuple(headers), b"")
                case h11.Data(data=data):
                    body += data
                    if most is not None and len(body) > most:
                        raise Unable(f"{origin} sends more than {most} bytes")
                case h11.EndOfMessage() | h11.ConnectionClosed():
                    return Fetched(status, tuple(headers), bytes(body))
    except (h11.RemoteProtocolError, anyio.BrokenResourceError) as error:
        raise Unable(f"{origin} does not answer as a server does: {error}") from None


async def _received(stream: ByteStream) -> bytes:
    try:
        return await stream.receive(_PIECE)
    except anyio.EndOfStream:
        return b""
