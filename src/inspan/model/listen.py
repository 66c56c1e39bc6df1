"""Where the daemon listens beside its own socket, as it was asked for; nothing is opened here."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Final

from inspan.errors import BadInput
from inspan.model.value import named_value

PORT_MOST: Final = 65535
#: The host of the page on this machine (RFC 6761, 6.3: every name below ``localhost`` is loopback).
#: A cookie goes to all ports of its host, and so one of 127.0.0.1 to whatever else is served there.
PAGE_HOST: Final = "inspan.localhost"
_HINT: Final = "Write ADDRESS:PORT, as in 127.0.0.1:7433 or [::1]:7433."


@named_value
class Listen:
    """An address, by which names it is asked for, and what makes it safe to be asked from afar."""

    #: An IP address, or ``localhost``.
    host: str
    #: 0: any that is free.
    port: int
    #: Further values of the Host header that are served, as behind a proxy: ``NAME[:PORT]``.
    hosts: tuple[str, ...] = ()
    #: Further origins whose pages may ask: ``https://NAME[:PORT]``.
    origins: tuple[str, ...] = ()
    #: Files in PEM: a certificate with its chain, and its key.
    cert: str | None = None
    key: str | None = None

    @property
    def scheme(self) -> str:
        """``https`` where there is a certificate."""
        return "https" if self.cert else "http"

    @property
    def loopback(self) -> bool:
        """True where only this machine can reach it."""
        return self.host == "localhost" or ip_address(self.host).is_loopback

    def served(self, port: int) -> frozenset[str]:
        """Every value of the Host header that is answered, listening on ``port``."""
        own = {_bracketed(self.host)}
        if self.loopback:
            own |= {"127.0.0.1", "localhost", "[::1]", PAGE_HOST}
        return frozenset({f"{host}:{port}" for host in own} | set(self.hosts))

    def admitted(self, port: int) -> frozenset[str]:
        """Every origin whose pages may ask. Never what the Host header says."""
        own = {f"{self.scheme}://{host}" for host in self.served(port)}
        return frozenset(own | set(self.origins))

    def url(self, port: int) -> str:
        """Where it is reached."""
        return f"{self.scheme}://{_bracketed(self.host)}:{port}"

    def page(self, port: int) -> str:
        """Where a browser finds the page."""
        host = PAGE_HOST if self.loopback else _bracketed(self.host)
        return f"{self.scheme}://{host}:{port}/"

    def cookie(self, port: int) -> str:
        """What the page's cookie is called; with TLS a browser takes it for this host alone."""
        return f"{'__Host-' if self.cert else ''}inspan-{port}"


def listen_at(text: str) -> Listen:
    """``ADDRESS:PORT`` as a Listen without names and certificate. Raises BadInput."""
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]") if host.startswith("[") else host
    if not colon or not (port.isascii() and port.isdecimal()) or int(port) > PORT_MOST:
        raise BadInput(f"{text!r} is no address to listen at", hint=_HINT)
    if host != "localhost":
        try:
            ip_address(host)
        except ValueError:
            raise BadInput(f"{host!r} is neither an IP address nor localhost", hint=_HINT) from None
    return Listen(host=host, port=int(port))


def refuse_unsafe(listen: Listen) -> None:
    """Raises BadInput where others could read along."""
    if (listen.cert is None) != (listen.key is None):
        raise BadInput("a certificate and its key belong together: name both, or neither")
    if not listen.loopback and listen.cert is None:
        raise BadInput(
            f"{listen.host} can be reached from other machines, and nothing would be encrypted",
            hint="Name a certificate and its key (server.tls), or listen at 127.0.0.1 and come by"
            " `ssh -L`.",
        )


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
