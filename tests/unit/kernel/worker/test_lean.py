"""A session begins without ssl, and has TLS all the same."""

import importlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from inspan.kernel.worker import lean
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


LATER = """
import asyncio, sys
seen = [name for name in ("inspect", "subprocess", "dataclasses") if name in before]
process = await asyncio.create_subprocess_exec("cat", stdin=-1, stdout=asyncio.subprocess.PIPE)
said, _ = await process.communicate(b"said")
import inspect, subprocess
async def function(): ...
found = asyncio.iscoroutinefunction(function), asyncio.iscoroutinefunction(len)
users = [module for name, module in sys.modules.items() if name.startswith("asyncio.")]
stands = [
    (user.__name__, module.__name__)
    for user in users
    for module in (inspect, subprocess)
    if getattr(user, module.__name__, module) is not module
]
(seen, said, found, stands, asyncio.subprocess.STDOUT is subprocess.STDOUT)
"""


@pytest.mark.skipif("COVERAGE_RUN" in os.environ, reason="coverage imports them in every process")
def test_what_asyncio_needs_later_is_there_when_it_is_needed(worker: Worker) -> None:
    worker.run("import sys; before = list(sys.modules)")
    assert worker.run(LATER).result.repr == "([], b'said', (True, False), [], True)"


def test_what_code_imports_is_the_module_itself(worker: Worker) -> None:
    code = "import inspect, subprocess; [type(one).__name__ for one in (inspect, subprocess)]"
    assert worker.run(code).result.repr == "['module', 'module']"
    assert worker.run("subprocess.run(['true']).returncode").result.value == 0
    loaded = "import asyncio; asyncio.coroutines.inspect.isfunction(worker := lambda: 0)"
    assert worker.run(loaded).result.value is True


def test_who_asks_what_kind_of_thing_a_stand_in_is_loads_nothing() -> None:
    stand_in = lean._Later("inspan_nowhere", {})
    assert not hasattr(stand_in, "__wrapped__")
    with pytest.raises(ModuleNotFoundError):
        _ = stand_in.anything


@pytest.mark.parametrize("name", lean._NEEDED_LATER)
def test_what_is_said_of_a_module_is_so(name: str) -> None:
    module = importlib.import_module(name)
    known = lean._NEEDED_LATER[name]
    assert known == {one: getattr(module, one) for one in known}


def test_collections_go_on_once_a_session_has_begun(worker: Worker) -> None:
    code = "import gc; (gc.isenabled(), gc.get_freeze_count() > 1000)"
    assert worker.run(code).result.repr == "(True, True)"


def test_the_source_of_a_class_is_found_by_whoever_loads_inspect_first(worker: Worker) -> None:
    code = "class A:\n    x = 1\n__import__('ins' + 'pect').getsource(A)"
    assert worker.run(code).result.value == "class A:\n    x = 1\n"
    teachers = "import sys; [one for one in sys.meta_path if type(one).__name__ == '_Teacher']"
    assert worker.run(teachers).result.repr == "[]"
