"""A session begins without ssl, and has TLS all the same."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.kernel import Worker

PLAIN = """
import asyncio
async def answer(reader, writer):
    writer.write(b"no hello of TLS's\\n")
    await writer.drain()
    writer.close()
async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
    port = server.sockets[0].getsockname()[1]
    try:
        await asyncio.open_connection("127.0.0.1", port, ssl=True)
    except OSError as error:
        caught = error
import ssl
[kind.__name__ for kind in type(caught).__mro__ if kind is ssl.SSLError]
"""
TLS = """
import asyncio, ssl
async def answer(reader, writer):
    writer.write((await reader.readline()).upper())
    await writer.drain()
    writer.close()
    await writer.wait_closed()
theirs = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
theirs.load_cert_chain(CERTIFICATE, KEY)
ours = ssl.create_default_context(cafile=CERTIFICATE)
async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=theirs) as server:
    port = server.sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("localhost", port, ssl=ours)
    writer.write(b"said\\n")
    said = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
said
"""


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    with Worker.start(tmp_path) as worker:
        yield worker


def test_ssl_is_loaded_when_a_session_first_needs_it(worker: Worker) -> None:
    assert worker.run("import sys, asyncio; 'ssl' in sys.modules").result.value is False
    assert worker.run(PLAIN).result.repr == "['SSLError']"
    users = "asyncio.base_events, asyncio.selector_events, asyncio.sslproto"
    code = f"import ssl; all(module.ssl is ssl for module in ({users}))"
    assert worker.run(code).result.value is True


def test_servers_and_clients_speak_tls(worker: Worker, tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("nothing here makes a certificate")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = ("-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost")
    names = ("-addext", "subjectAltName=DNS:localhost")
    files = ("-keyout", str(key), "-out", str(certificate))
    subprocess.run([openssl, "req", *made, *names, *files], check=True, capture_output=True)
    code = TLS.replace("CERTIFICATE", repr(str(certificate))).replace("KEY", repr(str(key)))
    assert worker.run(code).result.value == "SAID\n"


def test_a_socket_of_the_users_own_is_no_reason_to_fail(worker: Worker) -> None:
    code = """
import asyncio, socket
one, other = socket.socketpair()
one.setblocking(False); other.setblocking(False)
loop = asyncio.get_running_loop()
await loop.sock_sendall(one, b"x")
await loop.sock_recv(other, 1)
"""
    assert worker.run(code).result.repr == "b'x'"
