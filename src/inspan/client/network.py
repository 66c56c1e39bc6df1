"""Connections to a daemon by the network, blocking and for asyncio: TCP, and TLS over it.

Imported only where an address is one of the network. A certificate is always verified.
"""

from __future__ import annotations

import socket as sockets
import sys
from typing import TYPE_CHECKING, Any, Final, TypeVar

from inspan.errors import BadInput, DaemonUnreachable

if TYPE_CHECKING:
    import asyncio
    import ssl
    from collections.abc import Callable

    from inspan.client.address import Address

P = TypeVar("P", bound="asyncio.BaseProtocol")

#: Seconds until a connection is made.
PATIENCE: Final = 10.0
#: Seconds of silence after which the other machine is asked for a sign, and for how long: the
#: figures of the daemon's pings, by the system, so that whoever waits for an answer hears it too.
_QUIET: Final = 30
_SIGN: Final = 10


def connect(address: Address) -> sockets.socket:
    """A new connection. Raises DaemonUnreachable, and BadInput for an authority not to be read."""
    context = trusted(address.ca) if address.tls else None
    try:
        link = sockets.create_connection((address.host, address.port), timeout=PATIENCE)
        try:
            attend(link)
            if context is not None:
                link = context.wrap_socket(link, server_hostname=address.host)
            link.settimeout(None)
        except BaseException:
            link.close()
            raise
    except OSError as error:
        raise refused(address, error) from error
    return link


async def opened(address: Address, protocol: Callable[[], P]) -> P:
    """The protocol, connected. Raises as ``connect`` does."""
    import asyncio  # noqa: PLC0415  the blocking client needs none

    context = trusted(address.ca) if address.tls else None
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(PATIENCE):
            transport, made = await loop.create_connection(
                protocol, address.host, address.port, ssl=context
            )
    except OSError as error:  # a TimeoutError is one
        raise refused(address, error) from error
    attend(transport.get_extra_info("socket"))
    return made


def trusted(ca: str | None) -> ssl.SSLContext:
    """What is trusted: the system's authorities, or those in the file ``ca`` alone."""
    import ssl  # noqa: PLC0415  as above

    try:
        return ssl.create_default_context(cafile=ca)
    except OSError as error:  # what is wrong within it is one too
        raise BadInput(f"the authority {ca} cannot be read: {error.strerror or error}") from error


def refused(address: Address, error: OSError) -> DaemonUnreachable:
    """The error for a place where no connection can be made."""
    why = getattr(error, "verify_message", None)
    if why is not None:
        return DaemonUnreachable(
            f"the certificate of {address.url} is not trusted here: {why}",
            hint="Name the authority that issued it, with --ca FILE or in the context.",
        )
    if isinstance(error, TimeoutError):
        return address.silent(OSError(0, f"no answer within {PATIENCE:g} seconds"))
    return address.silent(error)


def attend(link: Any) -> None:
    """Send small frames at once, and have the system notice that the other machine is gone."""
    link.setsockopt(sockets.IPPROTO_TCP, sockets.TCP_NODELAY, 1)
    link.setsockopt(sockets.SOL_SOCKET, sockets.SO_KEEPALIVE, 1)
    platform: str = sys.platform
    if platform == "linux":
        link.setsockopt(sockets.IPPROTO_TCP, sockets.TCP_KEEPIDLE, _QUIET)
        link.setsockopt(sockets.IPPROTO_TCP, sockets.TCP_KEEPINTVL, _SIGN)
        link.setsockopt(sockets.IPPROTO_TCP, sockets.TCP_KEEPCNT, 1)
        link.setsockopt(sockets.IPPROTO_TCP, sockets.TCP_USER_TIMEOUT, (_QUIET + _SIGN) * 1000)
    elif platform == "darwin":
        link.setsockopt(sockets.IPPROTO_TCP, 0x10, _QUIET)  # TCP_KEEPALIVE of netinet/tcp.h
