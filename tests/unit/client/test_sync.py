from __future__ import annotations

import base64
import hashlib
import os
import select
import signal
import socket as sockets
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

import inspan
from inspan import __version__
from inspan.client import calls
from inspan.client.remote import RemoteControl
from inspan.client.sync import SyncControl
from inspan.errors import (
    BadInput,
    DaemonMismatch,
    DaemonUnreachable,
    IllegalTransition,
    StoreFailed,
)
from inspan.model.session import Ended, Output
from inspan.model.task import Task, TaskSpec, TaskState
from tests.fakes.control import FakeControl
from tests.fakes.hands import served

pytestmark = pytest.mark.requirement("A9")

SPEC = TaskSpec(command=("work",), cwd="/")
TASK = b'{"id":"01zzzzzzzzzzzzzzzzzzzzzzzz","spec":{"cwd":"/"},"state":"queued"}'


def answer(body: bytes, *, status: int = 200, version: str = __version__, more: str = "") -> bytes:
    return (
        f"HTTP/1.1 {status} X\r\ninspan-version: {version}\r\n{more}"
        f"content-length: {len(body)}\r\n\r\n"
    ).encode() + body


@contextmanager
def talker(*turns: Callable[[sockets.socket], None]) -> Iterator[Path]:
    """A listener that meets its n-th client with the n-th of ``turns``."""
    with tempfile.TemporaryDirectory(prefix="inspan-") as folder, ExitStack() as stack:
        path = Path(folder) / "d.sock"
        listener = stack.enter_context(sockets.socket(sockets.AF_UNIX))
        listener.bind(os.fspath(path))
        listener.listen()
        listener.settimeout(30)

        def meeting() -> None:
            for turn in turns:
                link, _ = listener.accept()
                with link:
                    link.settimeout(30)
                    turn(link)

        thread = threading.Thread(target=meeting)
        thread.start()
        stack.callback(thread.join)
        yield path


def saying(*answers: bytes) -> Callable[[sockets.socket], None]:
    def turn(link: sockets.socket) -> None:
        for one in answers:
            link.recv(1 << 16)
            link.sendall(one)

    return turn


def test_no_daemon_is_said_with_the_path(tmp_path: Path) -> None:
    with pytest.raises(DaemonUnreachable, match=str(tmp_path / "none")) as caught:
        SyncControl(tmp_path / "none").get("last")
    assert "inspan up" in caught.value.hint


def test_a_connection_is_used_again() -> None:
    with talker(saying(answer(TASK), answer(TASK))) as path, SyncControl(path) as control:
        assert control.get("last") == control.get("last")


def test_who_stops_waiting_for_an_answer_leaves_no_connection_that_one_may_come_on() -> None:
    hung_up: list[bytes] = []

    def silent(link: sockets.socket) -> None:
        link.recv(1 << 16)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        hung_up.append(link.recv(1 << 16))

    with talker(silent, saying(answer(TASK))) as path, SyncControl(path) as control:
        with pytest.raises(KeyboardInterrupt):
            control.get("last")
        assert control.get("last").id == "01zzzzzzzzzzzzzzzzzzzzzzzz"
    assert hung_up == [b""]


def test_a_connection_that_was_closed_at_rest_is_replaced() -> None:
    closed = threading.Event()

    def hang_up(link: sockets.socket) -> None:
        saying(answer(TASK))(link)
        link.close()
        closed.set()

    with talker(hang_up, saying(answer(TASK))) as path, SyncControl(path) as control:
        control.get("last")
        assert closed.wait(30)
        control.submit(SPEC)


def test_more_connections_than_may_rest_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "IDLE_MOST", 0)
    left = []

    def turn(link: sockets.socket) -> None:
        saying(answer(TASK))(link)
        left.append(link.recv(1))

    with talker(turn, turn) as path, SyncControl(path) as control:
        control.get("last")
        control.get("last")
    assert left == [b"", b""]


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"HTTP/1.1 200",
        b"220 smtp ready\r\n\r\n",
        answer(b"not json"),
        answer(b'{"id": 1}'),
        answer(b"[]"),
        answer(b"no problem", status=500),
        answer(b'{"code": 3}', status=404),
    ],
)
def test_what_is_no_answer_of_ours_is_said(reply: bytes) -> None:
    with (
        talker(saying(reply)) as path,
        SyncControl(path) as control,
        pytest.raises(DaemonUnreachable),
    ):
        control.get("last")


def test_an_error_comes_back_as_itself() -> None:
    body = b'{"code": "store-failed", "detail": "the disk says no", "hint": "wait"}'
    with (
        talker(saying(answer(body, status=503))) as path,
        SyncControl(path) as control,
        pytest.raises(StoreFailed, match="the disk says no") as caught,
    ):
        control.submit(SPEC)
    assert caught.value.hint == "wait"


def test_an_error_that_is_not_known_here_stays_readable() -> None:
    body = b'{"code": "brand-new", "detail": "something new"}'
    with (
        talker(saying(answer(body, status=418))) as path,
        SyncControl(path) as control,
        pytest.raises(Exception, match="something new"),
    ):
        control.get("last")


def test_a_daemon_of_another_version_is_told_apart() -> None:
    replies = answer(TASK, version="9.9.9"), answer(b"{}", version="9.9.9")
    with talker(saying(*replies)) as path, SyncControl(path) as control:
        with pytest.raises(DaemonMismatch, match=r"9\.9\.9"):
            control.get("last")
        control.shutdown()


def test_what_is_not_utf8_is_refused_before_it_is_sent(tmp_path: Path) -> None:
    control = SyncControl(tmp_path / "none")
    with pytest.raises(BadInput):
        control.submit(TaskSpec(command=("caf\udce9",), cwd="/"))
    with pytest.raises(BadInput):
        control.submit(TaskSpec(cwd="/", not_before=float("nan")))
    with pytest.raises(BadInput):
        control.submit(SPEC, key="two\r\nlines")


def test_an_upgrade_that_is_refused_or_false_is_said() -> None:
    body = b'{"code": "illegal-transition", "detail": "not now"}'
    with (
        talker(saying(answer(body, status=409))) as path,
        SyncControl(path) as control,
        pytest.raises(IllegalTransition),
    ):
        control.attach("last")
    lie = answer(b"", status=101, more="sec-websocket-accept: no\r\n")
    with (
        talker(saying(lie)) as path,
        SyncControl(path) as control,
        pytest.raises(DaemonUnreachable),
    ):
        control.watch()


def test_importing_it_loads_nothing_heavy() -> None:
    # Without site: what other packages load at every start is not ours to answer for.
    source = os.fspath(Path(inspan.__file__).parents[1])
    code = (
        f"import sys; sys.path.append({source!r}); import inspan.client.sync; print(*sys.modules)"
    )
    line = [sys.executable, "-S", "-c", code]
    done = subprocess.run(line, capture_output=True, check=True, text=True)
    loaded = set(done.stdout.split())
    heavy = {"asyncio", "ssl", "email", "http", "urllib", "hashlib", "anyio", "pydantic"}
    assert not loaded & heavy
    assert not loaded & {"inspan.control", "inspan.model.event", "subprocess", "logging"}


# ── against the server ────────────────────────────────────────────────────────


class Desk:
    """What a test in a thread may do with the fake on the loop."""

    def __init__(self, fake: FakeControl, control: SyncControl) -> None:
        self.control = control
        self._fake = fake

    def do(self, verb: str, *args: object, **more: object) -> object:
        def call() -> object:
            return getattr(self._fake, verb)(*args, **more)

        return anyio.from_thread.run_sync(call)

    def running(self) -> Task:
        task = self.control.submit(SPEC)
        self.do("start", task.id)
        return self.control.get(task.id)


def at_desk(work: Callable[[Desk], None]) -> None:
    async def main() -> None:
        fake = FakeControl()
        async with served(fake) as socket:
            with SyncControl(socket) as control:
                await anyio.to_thread.run_sync(work, Desk(fake, control))

    anyio.run(main)


def test_a_wait_ends_with_the_task_or_with_its_time() -> None:
    def work(desk: Desk) -> None:
        task = desk.running()
        assert desk.control.wait(task.id, 0.01).state is TaskState.RUNNING
        desk.do("ends", task.id)
        assert desk.control.wait("last").state is TaskState.COMPLETED

    at_desk(work)


def test_a_terminal_tells_nothing_and_the_end_apart() -> None:
    def work(desk: Desk) -> None:
        task = desk.running()
        with desk.control.attach(task.id) as terminal:
            assert terminal.recv(0) is None
            desk.do("prints", task.id, b"x" * 10)
            assert terminal.recv(10) == Output(0, b"x" * 10)
            assert terminal.offset == 10
            desk.do("ends", task.id)
            assert isinstance(terminal.recv(10), Ended)
            assert terminal.ended
            assert terminal.recv() is None
            assert list(terminal) == []

    at_desk(work)


def test_what_is_written_after_the_end_is_refused() -> None:
    def work(desk: Desk) -> None:
        task = desk.running()
        with desk.control.attach(task.id, writer=True) as terminal:
            terminal.write(b"x")
            desk.do("ends", task.id)
            assert list(terminal)
            with pytest.raises(IllegalTransition):
                terminal.write(b"too late")

    at_desk(work)


def test_threads_may_share_a_control() -> None:
    def work(desk: Desk) -> None:
        def many() -> None:
            made.extend([desk.control.submit(SPEC).id for _ in range(20)])

        made: list[str] = []
        threads = [threading.Thread(target=many) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(set(made)) == 80

    at_desk(work)


def test_a_watch_may_be_asked_with_a_limit() -> None:
    def work(desk: Desk) -> None:
        with desk.control.watch() as watch:
            assert watch.recv(0.01) is None
            task = desk.control.submit(SPEC)
            event = watch.recv(10)
            assert event is not None
            assert event.task == task.id
            assert watch.fileno() > 0

    at_desk(work)


def upgrading(then: Callable[[sockets.socket], None]) -> Callable[[sockets.socket], None]:
    """Answers the request for a stream, as a server does, and then does as it likes."""

    def turn(link: sockets.socket) -> None:
        head = link.recv(1 << 16)
        key = next(
            line for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-k")
        )
        digest = hashlib.sha1(
            key.split(b": ")[1] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        ).digest()
        link.sendall(
            b"HTTP/1.1 101 X\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
            + f"inspan-version: {__version__}\r\n".encode()
            + b"sec-websocket-accept: %b\r\n\r\n" % base64.b64encode(digest)
        )
        then(link)

    return turn


def test_a_daemon_that_dies_with_what_was_typed_is_unreachable() -> None:
    def die(link: sockets.socket) -> None:
        select.select([link], [], [], 10)  # it is there, and nobody will read it

    with (
        talker(upgrading(die)) as path,
        SyncControl(path) as control,
        control.attach("last", writer=True) as terminal,
        pytest.raises(DaemonUnreachable),
    ):
        terminal.write(b"x")


async def _watched(path: Path) -> None:
    async with RemoteControl.connect(path) as control:
        async for event in control.watch():
            raise AssertionError(event)


def test_without_an_event_loop_or_with_one_a_lost_daemon_is_told() -> None:
    with talker(upgrading(lambda _: None)) as path, pytest.raises(DaemonUnreachable, match="away"):
        anyio.run(_watched, path)
    with pytest.raises(DaemonUnreachable, match="no daemon answers"):
        anyio.run(_watched, path)
