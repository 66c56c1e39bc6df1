"""Origins: where a request goes, as far as who may is decided by it. Pure: nothing is resolved."""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import urlsplit

from inspan.errors import BadInput
from inspan.model.value import value

_PORTS: Final = {"http": 80, "https": 443}
_NAME: Final = re.compile(r"[a-z0-9_]([a-z0-9_.-]{0,252}[a-z0-9_])?")
#: Parsers disagree about all else; ``urlsplit`` even takes line ends out.
_PRINTABLE: Final = re.compile(r"[!-~]+")
#: The longest URL, in characters.
_LONGEST: Final = 8192
#: Addresses of IPv6 behind which is one of IPv4, in the last 32 bits.
_TRANSLATED: Final = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("::/96"))

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@value(frozen=True)
class Origin:
    """``host`` is in small letters, and an address as ``ipaddress`` writes it."""

    scheme: str
    host: str
    port: int

    @property
    def netloc(self) -> str:
        """As the header ``Host`` has it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.netloc}"


def parsed(url: str) -> tuple[Origin, str]:
    """Where ``url`` goes, and what is asked for there, without a fragment. Raises BadInput."""
    if len(url) > _LONGEST or not _PRINTABLE.fullmatch(url) or "\\" in url:
        raise BadInput(
            f"{url[:100]!r} is no URL: it has 1 to {_LONGEST} printable ASCII characters"
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadInput(f"{url[:100]!r} is no URL: {error}") from None
    if parts.scheme not in _PORTS or parts.hostname is None:
        raise BadInput(f"{url[:100]!r} does not begin with http:// or https:// and a host")
    if "@" in parts.netloc:
        raise BadInput(f"the URL of {parts.hostname!r:.100} holds a user or a password")
    origin = Origin(
        parts.scheme, _host(parts.hostname), _PORTS[parts.scheme] if port is None else port
    )
    return origin, (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def origin_of(text: str) -> Origin:
    """The origin that ``text`` is, with no path behind it. Raises BadInput."""
    origin, rest = parsed(text)
    if rest != "/" or "?" in text or "#" in text:
        raise BadInput(f"{text[:100]!r} is more than an origin, as {origin} is one")
    return origin


def loopback(host: str) -> bool:
    """Whether ``host`` says by itself that it is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def public(address: Address) -> bool:
    """Whether it is of the Internet at large; one that leads to another is judged as that one."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and any(address in network for network in _TRANSLATED):
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return public(inner)
        if address.teredo is not None:
            return False
    return address.is_global and not address.is_multicast


def _host(name: str) -> str:
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        if not _NAME.fullmatch(name):
            raise BadInput(f"{name[:100]!r} is no host") from None
        return name
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id:
        raise BadInput(f"{name[:100]!r} names a network of this machine")
    return str(address)
