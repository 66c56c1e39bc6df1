"""Requests to servers of this machine, good ones and others."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext

import anyio
import pytest
import trustme
from anyio.abc import ByteStream, SocketAttribute
from anyio.streams.tls import TLSListener

from inspan.engine.code.ports import Fetched
from inspan.errors import BadInput, NotGranted, Unable
from inspan.model.origin import Origin
from inspan.providers.web import HttpWeb

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("D7")]


@asynccontextmanager
async def serving(
    answer: bytes,
    heard: list[bytes] | None = None,
    *,
    after: bytes = b"\r\n\r\n",
    tls: SSLContext | None = None,
) -> AsyncIterator[Origin]:
    """A server that says this ``after`` it was asked whatever, and hangs up."""

    async def serve(stream: ByteStream) -> None:
        async with stream:
            said = b""
            while not said or after not in said:
                said += await stream.receive()
            if heard is not None:
                heard.append(said)
            try:
                await stream.send(answer)
            except anyio.BrokenResourceError:
                return  # it was enough

    async with _listening(serve, tls) as origin:
        yield origin


@asynccontextmanager
async def _listening(
    serve: Callable[[ByteStream], Awaitable[None]], tls: SSLContext | None = None
) -> AsyncIterator[Origin]:
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.extra(SocketAttribute.local_port)
    async with listener, anyio.create_task_group() as group:
        if tls is None:
            group.start_soon(listener.serve, serve)
        else:
            secret = TLSListener(listener, tls, standard_compatible=False)
            group.start_soon(secret.serve, serve)
        yield Origin("http" if tls is None else "https", "127.0.0.1", port)
        group.cancel_scope.cancel()


async def fetched(
    origin: Origin,
    *,
    method: str = "GET",
    target: str = "/",
    headers: dict[str, str] | None = None,
    allowed: Callable[[str], bool] = lambda _: True,
) -> Fetched:
    with anyio.fail_after(20):
        return await HttpWeb().fetch(origin, method, target, headers or {}, allowed, 1000)


async def test_a_page_is_fetched_with_what_was_said() -> None:
    heard: list[bytes] = []
    page = b"HTTP/1.1 200 OK\r\nX-Name: v\r\nContent-Length: 2\r\n\r\nhi"
    async with serving(page, heard) as origin:
        found = await fetched(origin, target="/a?b", headers={"X-Mine": "1", "User-Agent": "me"})
    assert found == Fetched(200, (("x-name", "v"), ("content-length", "2")), b"hi")
    lines = heard[0].decode().lower().split("\r\n")
    assert lines[0] == "get /a?b http/1.1"
    assert {f"host: 127.0.0.1:{origin.port}", "x-mine: 1", "user-agent: me"} <= set(lines)
    assert "accept-encoding: identity" in lines


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", b"hi"),
        (b"HTTP/1.1 200 OK\r\n\r\nuntil it hangs up", b"until it hangs up"),
        (b"HTTP/1.0 404 No\r\n\r\n", b""),
        (b"HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", b"x"),
    ],
)
async def test_every_form_of_a_body_is_read(answer: bytes, body: bytes) -> None:
    async with serving(answer) as origin:
        assert (await fetched(origin)).body == body


async def test_the_answer_to_head_has_no_body() -> None:
    async with serving(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n") as origin:
        assert (await fetched(origin, method="HEAD")).body == b""


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + bytes(2000), "more than 1000 bytes"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + bytes(5000), "more than 1000 bytes"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi", "does not answer as a server does"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "does not answer as a server does"),
        (b"", "does not answer as a server does"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000, "does not answer as a server does"),
    ],
    ids=["long", "endless", "short", "no http", "nothing", "header"],
)
async def test_what_is_no_answer_or_too_much_is_refused(answer: bytes, error: str) -> None:
    async with serving(answer) as origin:
        with pytest.raises(Unable, match=error):
            await fetched(origin)


async def test_an_address_that_is_not_allowed_is_not_gone_to() -> None:
    heard: list[bytes] = []
    judged: list[str] = []

    def refuse(address: str) -> bool:
        judged.append(address)
        return False

    async with serving(b"", heard) as origin:
        with pytest.raises(NotGranted, match=r"127\.0\.0\.1"):
            await fetched(Origin("http", "localhost", origin.port), allowed=refuse)
    assert "127.0.0.1" in judged
    assert heard == []


async def test_of_several_addresses_the_allowed_one_is_gone_to() -> None:
    page = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    async with serving(page) as origin:
        local = Origin("http", "localhost", origin.port)
        assert (await fetched(local, allowed=lambda address: address == "127.0.0.1")).status == 200


async def test_who_cannot_be_reached_is_told() -> None:
    async with serving(b"") as origin:
        gone = origin
    with pytest.raises(Unable, match="cannot be reached"):
        await fetched(gone)
    with pytest.raises(Unable, match="is not known"):
        await fetched(Origin("http", "no-such-host.invalid", 80))


async def test_a_server_without_a_certificate_is_not_trusted() -> None:
    async with serving(b"HTTP/1.1 200 OK\r\n\r\n", after=b"") as origin:
        with pytest.raises(Unable, match="cannot be reached"):
            await fetched(Origin("https", origin.host, origin.port))


@pytest.mark.parametrize(
    ("certified", "known", "why"),
    [
        ("127.0.0.1", True, None),
        ("127.0.0.1", False, "certificate verify failed"),
        ("example.org", True, "certificate is not valid for '127.0.0.1'"),
    ],
)
async def test_a_server_is_trusted_for_its_certificate_and_its_name(
    certified: str,
    known: bool,
    why: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    authority = trustme.CA()
    trusted = tmp_path / "trusted.pem"
    (authority if known else trustme.CA()).cert_pem.write_to_path(str(trusted))
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    tls = SSLContext(PROTOCOL_TLS_SERVER)
    authority.issue_cert(certified).configure_cert(tls)
    async with serving(b"HTTP/1.1 200 OK\r\n\r\nhi", tls=tls) as origin:
        if why is None:
            assert (await fetched(origin)).body == b"hi"
        else:
            with pytest.raises(Unable, match=why):
                await fetched(origin)


@pytest.mark.parametrize("headers", [{"a b": "c"}, {"a": "b\r\nc: d"}, {"a": "\u2603"}, {"": "x"}])
async def test_a_header_that_is_none_is_refused(headers: dict[str, str]) -> None:
    async with serving(b"") as origin:
        with pytest.raises(BadInput):
            await fetched(origin, headers=headers)
