"""The small ways out of the command line: to the keeper, to processes, to streams that end."""

from __future__ import annotations

import os
import resource
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
from anyio.from_thread import start_blocking_portal

from inspan.cli import attach, doctor, down, keeperdoor, verdicts
from inspan.cli.demo_tasks import _git
from inspan.cli.following import Follower
from inspan.cli.inprocess import Stream
from inspan.errors import DaemonUnreachable, FellBehind, GitFailed, KeeperLost, Unable
from inspan.keeper.processes import lives
from inspan.keeper.wire import encode
from inspan.model.event import Event, Readied
from inspan.settings import locate
from inspan.terminal import screen
from tests.fakes.control import FakeControl
from tests.fakes.hands import served
from tests.unit.client.test_sync import talker

EVENT = Event(7, 0.0, "01zzzzzzzzzzzzzzzzzzzzzzzz", "c", Readied())


def test_where_no_keeper_listens_nobody_answers(tmp_path: Path) -> None:
    assert keeperdoor.ask(tmp_path / "none", "hello") is None


def test_a_path_that_cannot_be_a_socket_is_said(tmp_path: Path) -> None:
    with pytest.raises(KeeperLost, match="cannot be reached"):
        keeperdoor.ask(tmp_path / ("x" * 200), "hello")


@pytest.mark.parametrize(
    ("words", "said"),
    [(b"", "closed the connection"), (b"\xff" * 8, "does not answer")],
)
def test_a_keeper_that_says_nothing_or_nonsense_is_lost(words: bytes, said: str) -> None:
    def turn(link: object) -> None:
        link.recv(1 << 16)  # type: ignore[attr-defined]
        link.sendall(words)  # type: ignore[attr-defined]

    with talker(turn) as path, pytest.raises(KeeperLost, match=said):
        keeperdoor.ask(path, "hello")


def test_a_process_that_is_gone_is_not_alive() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        pass
    assert not lives(child.pid)
    assert lives(os.getpid())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else for a moment")
def test_a_process_of_somebody_else_is_alive() -> None:
    os.setresuid(65534, 65534, 0)
    try:
        with pytest.raises(PermissionError):
            os.kill(1, 0)
        assert lives(1)
    finally:
        os.setresuid(0, 0, 0)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be a user without a name")
def test_who_has_no_name_on_this_system_decides_as_a_person(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    os.setreuid(54321, 0)
    try:
        assert verdicts._me() == "person"
    finally:
        os.setreuid(0, 0)


def test_a_keeper_that_says_that_it_stops_and_does_not_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def agree(link: socket.socket) -> None:
        for number in (1, 2):
            if link.recv(1 << 16):
                link.sendall(encode({"id": number, "ok": True, "pid": os.getpid()}))

    monkeypatch.setattr(down, "_PATIENCE", 0.05)
    with talker(agree, agree) as path:
        where = replace(locate({"INSPAN_HOME": str(tmp_path)}), runtime=str(path.parent))
        where.keeper_socket.symlink_to(path)
        with pytest.raises(Unable, match=rf"the keeper \(pid {os.getpid()}\) has not stopped"):
            down.stop_keeper(where, force=True)


@pytest.mark.anyio
async def test_a_daemon_that_says_that_it_stops_and_does_not_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(down, "_PATIENCE", 0.05)
    async with served(FakeControl()) as path:
        where = replace(locate({"INSPAN_HOME": str(tmp_path)}), runtime=str(path.parent))
        with pytest.raises(Unable, match="has not stopped within"):
            await anyio.to_thread.run_sync(down.stop_daemon, where)


def test_a_system_without_a_terminal_to_give_is_a_finding(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, before[1]))
    try:
        found = doctor._terminals(locate({"INSPAN_HOME": str(tmp_path)}))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert (found[0], "Too many open files" in found[1]) == ("fail", True)


def test_a_recording_that_is_not_there_yet_is_shown_from_its_beginning(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("INSPAN_HOME", str(tmp_path))
    assert attach._start("nobody")[0] == 0


def test_a_look_that_fails_is_a_finding() -> None:
    def look(_: object) -> tuple[str, ...]:
        raise OSError(28, "No space left on device")

    found = doctor._safely("disk", look, locate({"INSPAN_HOME": "/nowhere"}))
    assert (found.level, "No space" in found.message) == ("fail", True)


def test_the_emulator_in_use_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    where = locate({"INSPAN_HOME": "/nowhere"})
    assert doctor._screens(where)[:1] == ("ok",)
    assert "ghostty 0." in doctor._screens(where)[1]
    monkeypatch.setattr(screen, "_KNOWN", ())
    level, message, hint = doctor._screens(where)
    assert (level, "only titles" in message, "inspan[agents]" in hint) == ("warn", True, True)


def test_a_git_that_fails_is_said() -> None:
    with pytest.raises(GitFailed, match="no such thing"):
        _git({"PATH": os.environ["PATH"]}, "sh", "-c", "echo no such thing >&2; exit 1")


class Watch:
    """``reach.Watched`` that gives what it was given, then nothing."""

    def __init__(self, *items: Event | FellBehind) -> None:
        self._items = list(items)

    def recv(self, timeout: float | None = None) -> Event | None:
        item = self._items.pop(0) if self._items else None
        if isinstance(item, FellBehind):
            raise item
        return item

    def close(self) -> None:
        self._items.clear()


class Watched:
    """Control, as far as a follower needs it: one watch after the other."""

    def __init__(self, *watches: Watch) -> None:
        self._watches = list(watches)
        self.since: list[int | None] = []

    def watch(self, since: int | None = None, *, task: str | None = None) -> Watch:
        self.since.append(since)
        return self._watches.pop(0)


def test_a_follower_goes_on_where_it_fell_behind_and_notices_the_end() -> None:
    control = Watched(Watch(EVENT, FellBehind()), Watch())
    with Follower(control, 3) as follower:  # type: ignore[arg-type]
        assert follower.next(1) == EVENT
        assert follower.next(1) is None
        assert control.since == [3, 7]
        with pytest.raises(DaemonUnreachable, match="closed the stream"):
            follower.next(1)


@pytest.fixture
def streamed() -> Iterator[Callable[[AsyncIterator[int]], Stream[int]]]:
    with start_blocking_portal("asyncio") as portal:
        yield lambda source: Stream(portal, source)


def test_an_error_of_the_engine_in_this_process_reaches_its_reader(
    streamed: Callable[[AsyncIterator[int]], Stream[int]],
) -> None:
    async def source() -> AsyncIterator[int]:
        yield 1
        raise FellBehind

    stream = streamed(source())
    assert stream.recv(10) == 1
    with pytest.raises(FellBehind):
        stream.recv(10)
    stream.close()
