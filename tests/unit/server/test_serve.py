from __future__ import annotations

import errno
import os
import re
import signal
import socket as sockets
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

from inspan import __version__
from inspan.client import calls
from inspan.client.remote import RemoteControl
from inspan.errors import DaemonUnreachable, Unable
from inspan.server import http
from inspan.server.audit import Audit
from inspan.server.http import HEAD_MOST, peer_uid
from inspan.server.serve import listening, serve
from tests.fakes.control import FakeControl
from tests.fakes.hands import served


@pytest.fixture
def place() -> Iterator[Path]:
    """Not pytest's folder: a socket's path is short."""
    with tempfile.TemporaryDirectory(prefix="inspan-") as folder:
        yield Path(folder) / "run" / "daemon.sock"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# ── the socket ────────────────────────────────────────────────────────────────


def test_only_the_owner_reaches_the_socket(place: Path) -> None:
    before = os.umask(0)
    try:
        with listening(place):
            assert (mode(place.parent), mode(place)) == (0o700, 0o600)
    finally:
        os.umask(before)
    assert not place.exists()


def test_a_folder_that_is_open_to_others_is_refused(place: Path) -> None:
    place.parent.mkdir()
    place.parent.chmod(0o750)
    with pytest.raises(Unable, match="open to other users"), listening(place):
        raise AssertionError("it must not listen")


def test_a_stale_socket_is_replaced_and_a_live_one_is_not(place: Path) -> None:
    with listening(place):
        with pytest.raises(Unable, match="another daemon"), listening(place):
            raise AssertionError("two must not listen")
        assert place.exists()
    place.parent.mkdir(exist_ok=True)
    stale = sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM)
    stale.bind(os.fspath(place))
    stale.close()
    with listening(place) as fresh, sockets.socket(sockets.AF_UNIX) as client:
        client.connect(os.fspath(place))
        assert fresh.getsockname() == os.fspath(place)


def test_a_daemon_that_has_no_time_for_us_is_there_all_the_same(place: Path) -> None:
    place.parent.mkdir(mode=0o700)
    with ExitStack() as stack:
        busy = stack.enter_context(sockets.socket(sockets.AF_UNIX))
        busy.bind(os.fspath(place))
        busy.listen(0)
        codes = [0]
        while codes[-1] == 0 and len(codes) < 100:
            client = stack.enter_context(sockets.socket(sockets.AF_UNIX))
            client.setblocking(False)
            codes.append(client.connect_ex(os.fspath(place)))
        assert codes[-1] == errno.EAGAIN
        with pytest.raises(Unable, match="another daemon listens"), listening(place):
            raise AssertionError("two must not listen")
        assert place.is_socket()


def test_a_file_in_the_way_is_left_alone(place: Path) -> None:
    place.parent.mkdir(mode=0o700)
    place.write_text("mine")
    with pytest.raises(Unable, match="no socket"), listening(place):
        raise AssertionError("it must not listen")
    assert place.read_text() == "mine"


def test_a_path_too_long_for_a_socket_is_said(place: Path) -> None:
    long = place.parent / ("x" * 120) / "daemon.sock"
    with pytest.raises(Unable, match="no socket can be made"), listening(long):
        raise AssertionError("it must not listen")


def test_a_socket_that_was_replaced_meanwhile_is_not_removed(place: Path) -> None:
    with listening(place):
        place.unlink()
        place.write_text("somebody else's")
    assert place.read_text() == "somebody else's"


# ── who may connect ───────────────────────────────────────────────────────────


def test_the_peer_is_who_it_is() -> None:
    ours, theirs = sockets.socketpair(sockets.AF_UNIX)
    with ours, theirs:
        assert peer_uid(ours) == os.geteuid()


@pytest.mark.anyio
async def test_another_user_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeControl()
    monkeypatch.setattr(http, "peer_uid", lambda _: os.geteuid() + 1)
    async with served(fake) as socket, RemoteControl.connect(socket) as control:
        with pytest.raises(DaemonUnreachable):
            await control.health()


# ── HTTP ──────────────────────────────────────────────────────────────────────


def told(socket: Path, *pieces: bytes) -> list[bytes]:
    """What comes back, read by read, until the server hangs up."""
    with sockets.socket(sockets.AF_UNIX) as link:
        link.settimeout(30)
        link.connect(os.fspath(socket))
        for piece in pieces:
            link.sendall(piece)
        return list(iter(lambda: link.recv(1 << 20), b""))


@pytest.mark.anyio
async def test_an_answer_comes_in_one_piece() -> None:
    asked = b"GET /v1/health HTTP/1.1\r\nhost: inspan\r\nconnection: close\r\n\r\n"
    async with served(FakeControl()) as socket:
        (answer,) = await anyio.to_thread.run_sync(told, socket, asked)
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"}")


@pytest.mark.anyio
async def test_what_is_asked_behind_one_another_is_answered_in_its_order() -> None:
    ask = b"GET /v1/%b HTTP/1.1\r\nhost: inspan\r\n\r\n"
    asked = ask % b"health" + ask % b"nowhere" + ask % b"tasks"
    last = b"GET /v1/events HTTP/1.1\r\nhost: inspan\r\nconnection: close\r\n\r\n"
    async with served(FakeControl()) as socket:
        answers = b"".join(await anyio.to_thread.run_sync(told, socket, asked, last))
    found = re.findall(rb"HTTP/1\.1 (\d+)", answers)
    assert found == [b"200", b"404", b"200", b"200"]


@pytest.mark.anyio
async def test_a_head_without_an_end_is_refused() -> None:
    begun = b"GET /v1/health HTTP/1.1\r\nx: "
    # Only the last byte is too much, so that nothing is left unread when it hangs up.
    rest = b"y" * (HEAD_MOST - len(begun))
    async with served(FakeControl()) as socket:
        answer = b"".join(await anyio.to_thread.run_sync(told, socket, begun, rest, b"y"))
    assert b"HTTP/1.1 400" in answer
    assert b"bad-input" in answer


# ── starting and stopping ─────────────────────────────────────────────────────


@pytest.mark.anyio
async def test_it_stops_although_clients_hang_on(place: Path) -> None:
    fake = FakeControl()
    task = await fake.submit_running()
    fake.prints(task.id, bytes(8 << 20))
    stop, ready = anyio.Event(), anyio.Event()
    async with anyio.create_task_group() as group:
        group.start_soon(
            partial(
                serve,
                fake,
                place,
                version=__version__,
                audit=Audit(place.with_suffix(".audit")),
                on_ready=ready.set,
                shutdown_event=stop,
            )
        )
        await ready.wait()
        async with RemoteControl.connect(place) as control, control.attach(task.id):
            watch = control.watch(0)
            await anext(watch)
            async with anyio.create_task_group() as clients:
                clients.start_soon(partial(_waits, control, task.id))
                with anyio.fail_after(30):
                    while fake.watching < 2:
                        await anyio.lowlevel.checkpoint()
                    stop.set()
                    while place.exists():
                        await anyio.lowlevel.checkpoint()
            with pytest.raises(DaemonUnreachable):
                [event async for event in watch]
    assert fake.watching == 0


async def _waits(control: RemoteControl, task: str) -> None:
    await control._connections.ask(calls.wait(task, 50))


SCRIPT = """
import anyio, sys
from pathlib import Path
from inspan.server.audit import Audit
from inspan.server.serve import serve
from tests.fakes.control import FakeControl
async def main():
    def ready():
        heavy = [name for name in ("pydantic", "websockets", "fastapi") if name in sys.modules]
        print("ready", *heavy, flush=True)
    await serve(FakeControl(), Path(sys.argv[1]), version="1", on_ready=ready,
                audit=Audit(Path(sys.argv[1] + ".audit")), shutdown_event=anyio.Event())
anyio.run(main)
"""


def test_what_is_heavy_waits_and_signals_are_left_alone(place: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, os.fspath(place)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
    ) as daemon:
        assert daemon.stdout
        assert daemon.stdout.readline() == b"ready\n"
        daemon.send_signal(signal.SIGTERM)
        daemon.communicate(timeout=30)
        assert daemon.returncode == -signal.SIGTERM
    with listening(place):
        assert place.exists()
