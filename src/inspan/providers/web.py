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
        from h11 import LocalProtocolError, Request  # noqa: PLC0415 - most daemons fetch nothing

        said = {
            "host": origin.netloc,
            "accept": "*/*",
            "accept-encoding": "identity",
            "connection": "close",
            "user-agent": "inspan",
            **{name.lower(): value for name, value in headers.items()},
        }
        try:
            request = Request(method=method, target=target, headers=list(said.items()))
        except (LocalProtocolError, UnicodeEncodeError) as error:
            raise BadInput(f"'headers' cannot be sent: {error}") from None
        stream = await self._connected(origin, await _addresses(origin, allowed))
        try:
            return await _exchanged(stream, request, str(origin), most)
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


async def _exchanged(stream: ByteStream, request: h11.Request, origin: str, most: int) -> Fetched:
    import h11  # noqa: PLC0415 - as above

    talk = h11.Connection(h11.CLIENT)
    status, headers, body = 0, list[tuple[str, str]](), bytearray()
    try:
        await stream.send((talk.send(request) or b"") + (talk.send(h11.EndOfMessage()) or b""))
        while True:
            match talk.next_event():
                case h11.NEED_DATA:
                    talk.receive_data(await _received(stream))
                case h11.Response(status_code=status, headers=told):
                    headers = [
                        (name.decode("latin-1"), value.decode("latin-1")) for name, value in told
                    ]
                case h11.Data(data=data):
                    body += data
                    if len(body) > most:
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
