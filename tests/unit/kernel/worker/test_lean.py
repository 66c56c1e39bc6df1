"""A session begins without ssl, logging and the like, and has each of them when it needs it."""

import importlib
import os
import shutil
import subprocess
import sys
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import pytest

from inspan.kernel.worker import boot, lean
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


PARTS = """
import asyncio, concurrent.futures, sys
before = [name in sys.modules for name in ("asyncio.sslproto", "asyncio.staggered", "queue")]
kind = asyncio.sslproto.SSLProtocol
async def one(): return 1
staggered = await asyncio.base_events.staggered.staggered_race([one], None)
pooled = await asyncio.to_thread(lambda: 2)
from asyncio import sslproto
(before, kind is sslproto.SSLProtocol, asyncio.sslproto is sslproto, staggered[:1], pooled)
"""


@pytest.mark.skipif("COVERAGE_RUN" in os.environ, reason="coverage imports them in every process")
def test_parts_of_asyncio_are_there_when_they_are_needed(worker: Worker) -> None:
    seen = "([False, False, False], True, True, (1,), 2)"
    assert worker.run(PARTS).result.repr == seen


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
    assert known.keys() <= vars(module).keys()
    plain = {one: value for one, value in known.items() if isinstance(value, int)}
    assert plain == {one: getattr(module, one) for one in plain}


#: What begins without them, and what is loaded once each is used.
LOGS = """
import asyncio, concurrent.futures
def fails(_): raise KeyError("not logged before")
future = concurrent.futures.Future()
future.add_done_callback(fails)
future.set_result(1)
asyncio.get_running_loop().call_exception_handler({"message": "told by the loop"})
import logging
[
    asyncio.log.logger is logging.getLogger("asyncio"),
    asyncio.base_events.logger is asyncio.log.logger,
    concurrent.futures._base.LOGGER is logging.getLogger("concurrent.futures"),
    concurrent.futures.thread._base.LOGGER.name == "concurrent.futures",
]
"""
TYPES = """
import asyncio, typing
found = typing.get_type_hints(asyncio.timeout)["delay"] == typing.Optional[float]
class Pair(typing.NamedTuple):
    one: int
    other: str = "b"
(found, Pair(1), typing.get_type_hints(Pair)["one"])
"""
DEBUG = """
import asyncio
loop = asyncio.get_running_loop()
loop.set_debug(True)
async def made_here(): return loop.create_future()
future = await made_here()
loop.set_debug(False)
[frame.name for frame in future._source_traceback[-2:]]
"""


def test_logging_is_loaded_by_whoever_logs(worker: Worker) -> None:
    heard = worker.run(LOGS)
    assert heard.result.repr == str([True] * 4)
    assert "KeyError: 'not logged before'" in heard.stderr
    assert "told by the loop" in heard.stderr


def test_types_are_what_they_are(worker: Worker) -> None:
    assert worker.run(TYPES).result.repr == "(True, Pair(one=1, other='b'), <class 'int'>)"


def test_the_loop_tells_in_its_debug_mode_where_something_was_made(worker: Worker) -> None:
    assert worker.run(DEBUG).result.repr == "['made_here', 'create_future']"


def test_an_error_is_told_also_where_no_file_can_be_opened(worker: Worker) -> None:
    code = """
import os, resource
resource.setrlimit(resource.RLIMIT_NOFILE, (max(map(int, os.listdir("/proc/self/fd"))), 4096))
while True:
    os.dup(0)
"""
    end = worker.run(code).error
    assert (end.name, end.traceback[-1]) == ("OSError", "OSError: [Errno 24] Too many open files")
    worker.run("os.closerange(200, 300); resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))")
    assert worker.run("1 / 0").error.traceback[0] == "Traceback (most recent call last):"


def test_named_tuples_of_ours_have_fields_and_nothing_else() -> None:
    folder = Path(lean.__file__).parent
    names = [f"inspan.kernel.worker.{file.stem}" for file in folder.glob("[a-z]*.py")]
    modules = [importlib.import_module(name) for name in names]
    kinds = {
        one
        for module in modules
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, tuple) and one.__module__ == module.__name__
    }
    assert len(kinds) > 5
    for kind in kinds:
        fields = kind._fields  # type: ignore[attr-defined]  # it is a named tuple
        # It has a name: the collector may empty a class that nobody holds while it is looked at.
        plain = namedtuple("plain", fields)  # type: ignore[misc]  # noqa: PYI024
        bare = vars(plain).keys()
        more = {"__annotations__", "__orig_bases__", "__static_attributes__", "__firstlineno__"}
        assert vars(kind).keys() - bare <= more


def test_collections_go_on_once_a_session_has_begun(worker: Worker) -> None:
    code = "import gc; (gc.isenabled(), gc.get_freeze_count() > 1000)"
    assert worker.run(code).result.repr == "(True, True)"


def test_the_source_of_a_class_is_found_by_whoever_loads_inspect_first(worker: Worker) -> None:
    code = "class A:\n    x = 1\n__import__('ins' + 'pect').getsource(A)"
    assert worker.run(code).result.value == "class A:\n    x = 1\n"
    teachers = "import sys; [one for one in sys.meta_path if type(one).__name__ == '_Teacher']"
    assert worker.run(teachers).result.repr == "[]"


def loaded(names: tuple[str, ...], after: str = "pass") -> list[str]:
    """Those of them that a worker has loaded where, instead of being a session, it does this."""
    told = f"{after}; print(*[name for name in {names} if name in sys.modules])"
    words = boot.BOOT.replace("main(sys.argv[1:])", told)
    kernel = str(Path(boot.__file__).parents[1])
    # Isolated: what is installed beside us may import anything as Python starts.
    command = [sys.executable, "-I", "-S", "-c", words, kernel]
    return subprocess.check_output(command, text=True).split()


@pytest.mark.skipif("COVERAGE_RUN" in os.environ, reason="coverage imports them in every process")
def test_a_session_begins_without_what_it_may_never_need() -> None:
    # Earlier on asyncio itself reads more of typing, which reads re.
    more = ("re", "typing") if sys.version_info >= (3, 13) else ()
    begin = "from _inspan_kernel.worker import turns; turns.import_loop()"
    assert loaded(("asyncio", "json", "logging", "traceback", *more), begin) == ["asyncio"]


@pytest.mark.skipif("COVERAGE_RUN" in os.environ, reason="coverage imports them in every process")
def test_a_session_without_a_loop_has_nothing_that_only_a_loop_needs() -> None:
    assert not loaded(("asyncio", "concurrent.futures", "warnings", "weakref"))


def test_to_tell_an_error_loads_nothing_once_a_session_was_at_rest() -> None:
    tell = """
import linecache
from _inspan_kernel.worker import tracebacks
tracebacks.prepare()
before = {*sys.modules}
body = compile("ours(0, 0) + 1", tracebacks.remember("one", "ours(0, 0) + 1"), "exec")
try:
    exec(body, {"ours": tracebacks.fitting})
except TypeError as error:
    assert '    ours(0, 0) + 1' in tracebacks.describe(error)[2]
try:
    linecache.getlines([])
except TypeError as error:
    assert '    if filename in cache:' in tracebacks.describe(error)[2]
print(*sorted({*sys.modules} - before))
"""
    words = boot.BOOT.replace("main(sys.argv[1:])", tell)
    command = [sys.executable, "-c", words, str(Path(boot.__file__).parents[1])]
    assert subprocess.check_output(command, text=True) == "\n"


def test_a_pool_of_threads_speaks_for_each_cell_that_calls_it(worker: Worker) -> None:
    code = "from concurrent.futures import ThreadPoolExecutor\npool = ThreadPoolExecutor(1)\n"
    assert worker.run(code + "pool.submit(print, 'one').result()").stdout == "one\n"
    assert worker.run("pool.submit(print, 'two').result()").stdout == "two\n"


@pytest.mark.parametrize("name", ["__wrapped__", "__deepcopy__"])
def test_what_only_the_language_asks_for_loads_nothing(name: str) -> None:
    for made in (lean._Logger("some"), lean._Later("no_such_module", {})):
        with pytest.raises(AttributeError, match=name):
            getattr(made, name)
