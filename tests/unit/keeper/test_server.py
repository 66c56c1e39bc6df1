"""The keeper as its clients find it: frames, versions, pushes, and when it stops."""

import asyncio
import contextlib
import fcntl
import os
import signal
import socket
import stat
import struct
import subprocess
import sys
import time
from pathlib import Path

import anyio
import pytest

from inspan.errors import BadInput, InspanError, KeeperLost, KeeperMismatch, SessionNotFound
from inspan.keeper import cgroups
from inspan.keeper.client import EndedSession, Grew
from inspan.keeper.main import CARD, HELD
from inspan.keeper.wire import INLINE_MOST, OLDEST, VERSION, Decoder, encode, encode_write
from tests.unit.keeper.desk import PATIENCE, Desk, Keeper, Raw, descriptors, python, wait_for

pytestmark = pytest.mark.anyio


async def test_hello_names_the_keeper(desk: Desk) -> None:
    client = desk.client
    assert client.version == VERSION
    assert client.pid == desk.keeper.process.pid
    assert client.keeper
    assert client.started_at > 0
    assert not client.closed


@pytest.mark.parametrize("version", [OLDEST - 1, VERSION + 1])
async def test_another_version_is_refused_by_name(desk: Desk, version: int) -> None:
    with pytest.raises(KeeperMismatch) as caught:
        await desk.client._link.call({"op": "hello", "version": version})
    assert str(version) in caught.value.message
    assert str(VERSION) in caught.value.message


async def test_bad_requests_are_answered(desk: Desk) -> None:
    for message in ({"op": "nonsense"}, {"op": ["list"]}, {}, {"op": "status"}):
        with pytest.raises(BadInput):
            await desk.client._link.call(message)
    session = {"session": "unknown"}
    verbs = ("status", "write", "eof", "kill", "attend", "watch", "collect", "resize", "signal")
    for op in (*verbs, "read"):
        with pytest.raises(SessionNotFound):
            await desk.client._link.call({"op": op, **session})
    await desk.client._link.call({"op": "unwatch", **session})
    await desk.spawn("some", "sleep", "60")
    for more in (
        {"op": "signal", "signal": 2, "to": "nobody"},
        {"op": "signal", "signal": 0, "to": "tree"},
        {"op": "read", "offset": -1, "limit": 1},
        {"op": "read", "offset": 0, "limit": 1 << 30},
        {"op": "attend", "on": 1},
        {"op": "resize", "cols": 80},
    ):
        with pytest.raises(BadInput):
            await desk.client._link.call({**more, "session": "some"})


async def test_a_fault_of_the_keepers_own_is_an_answer_too(desk: Desk) -> None:
    folder = desk.folder("gone")
    await desk.run("gone", "echo", "hi")
    (folder / "output.raw").unlink()
    with pytest.raises(InspanError) as caught:
        await desk.client.read("gone", 0, 10)
    assert caught.value.code == "unable"
    assert (await desk.client.collect("gone")).code == 0


@pytest.mark.parametrize(
    "rubbish",
    [b"GET / HTTP/1.1\r\n\r\n", struct.pack(">II", 2, 0) + b"[]", b"\xff" * 100],
)
async def test_rubbish_ends_its_connection_and_nothing_else(desk: Desk, rubbish: bytes) -> None:
    raw = Raw(desk.keeper.socket)
    raw.socket.sendall(rubbish)
    assert await asyncio.to_thread(lambda: raw.hung_up)
    raw.socket.close()
    # Half a frame, and then nobody.
    half = Raw(desk.keeper.socket)
    half.socket.sendall(encode({"op": "list"})[:-1])
    half.socket.close()
    assert await desk.client.list() == ()


async def test_requests_may_come_in_any_pieces(desk: Desk) -> None:
    raw = Raw(desk.keeper.socket)
    frame = encode({"id": 5, "op": "hello", "version": VERSION})
    for byte in frame[:-1]:
        raw.socket.sendall(bytes([byte]))
    raw.socket.sendall(frame[-1:] + encode({"op": "list"}))
    frames: list[dict[str, object]] = []
    decoder = Decoder()
    while len(frames) < 2:
        part = await asyncio.to_thread(raw.socket.recv, 4096)
        frames += [message for message, _ in decoder.feed(part)]
    assert [frame["id"] for frame in frames] == [5, None]
    raw.socket.close()


async def test_connections_are_bounded(desk: Desk) -> None:
    many = []
    for _ in range(140):
        many.append(Raw(desk.keeper.socket))
        await desk.client.list()  # so that the backlog never fills
    assert await asyncio.to_thread(lambda: many[-1].hung_up)
    for one in many:
        one.socket.close()
    await wait_for(lambda: descriptors(desk.keeper.process.pid) < 20)
    async with await desk.keeper.client() as again:
        assert await again.list() == ()


async def test_files_and_socket_are_private(desk: Desk) -> None:
    keeper = desk.keeper
    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode)
        for path in (keeper.socket, keeper.socket.parent, keeper.state, keeper.state / CARD)
    }
    assert modes == {"k.sock": 0o600, "run": 0o700, "state": 0o700, CARD: 0o600}


async def test_a_client_that_dies_takes_nothing_with_it(desk: Desk) -> None:
    async with await desk.keeper.client() as other:
        spawned = await Desk(desk.keeper, other).spawn("stays", "sh", "-c", "read x; echo got $x")
    assert (await desk.client.status("stays")).pid == spawned.pid
    await desk.client.write("stays", b"it\n")
    assert (await desk.ended("stays")).code == 0
    assert desk.raw("stays").endswith(b"got it\r\n")


async def test_pushes_name_growth_and_end_and_skip_what_is_old(desk: Desk) -> None:
    await desk.spawn("grows", "sh", "-c", "read x; seq 20000")
    items: list[Grew | EndedSession] = []
    with anyio.fail_after(PATIENCE):
        async for item in desk.client.watch("grows"):
            if not items:
                await desk.client.write("grows", b"\n")
            items.append(item)
    *sizes, last = items
    assert isinstance(last, EndedSession)
    assert last.status.size == len(desk.raw("grows"))
    grown = [item.size for item in sizes if isinstance(item, Grew)]
    assert grown[0] == 0
    assert grown == sorted(set(grown))
    assert grown[-1] == last.status.size
    # One that comes late is told the same end.
    assert (await desk.ended("grows")) == last.status


@pytest.mark.parametrize("inline", [True, False, None])
async def test_small_growth_comes_along_where_it_was_asked_for(
    desk: Desk, inline: bool | None
) -> None:
    await desk.spawn("echo", "cat", pty=False)
    raw = Raw(desk.keeper.socket)
    asked = {} if inline is None else {"inline": inline}
    raw.socket.sendall(encode({"id": 1, "op": "watch", "session": "echo", **asked}))
    raw.socket.sendall(encode({"id": 2, "op": "write", "session": "echo"}, b"key"))
    decoder, size, brought = Decoder(), 0, b""
    while size < 3:
        for message, body in decoder.feed(await asyncio.to_thread(raw.socket.recv, 1 << 16)):
            if message.get("push") == "grew":
                assert ("kind" in message) == bool(body)
                size, brought = message["size"], brought + body
    raw.socket.close()
    assert brought == (desk.raw("echo") if inline else b"")


async def test_large_growth_does_not_come_along(desk: Desk) -> None:
    await desk.spawn("some", "sh", "-c", "read x; head -c 9000 /dev/zero; read x", pty=False)
    async with contextlib.aclosing(desk.client.watch("some", inline=True)) as watch:
        assert await anext(watch) == Grew(0)
        await desk.client.write("some", b"\n")
        with anyio.fail_after(PATIENCE):
            async for item in watch:
                assert isinstance(item, Grew)
                assert len(item.data) <= INLINE_MOST
                if item.size == 9000:
                    break
    await desk.client.eof("some")
    await desk.ended("some")


async def test_a_second_watcher_takes_no_news_from_the_first(desk: Desk) -> None:
    await desk.spawn("both", "sh", "-c", "printf 1; read x; printf 2; read x", pty=False)
    first = desk.client.watch("both")
    assert isinstance(await anext(first), Grew)
    for part in b"12":
        # Whatever was printed meanwhile and is not told yet still is when another one comes.
        second = desk.client.watch("both")
        assert isinstance(await anext(second), Grew)
        await second.aclose()
        await desk.until("both", bytes([part]))
        await desk.client.write("both", b"\n")
    with anyio.fail_after(PATIENCE):
        sizes = [item.size async for item in first if isinstance(item, Grew)]
    assert sizes[-1] == 2


async def test_a_client_that_stalls_costs_bounded_memory_and_gets_the_newest(desk: Desk) -> None:
    flood = "import os\nfor _ in range(2000): os.write(1, b'x' * 4096)\nos.read(0, 1)"
    stalled = Raw(desk.keeper.socket)
    stalled.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    await desk.spawn("flood", *python(flood), pty=False)
    stalled.socket.sendall(encode({"id": 1, "op": "watch", "session": "flood"}))
    await wait_for(lambda: (desk.folder("flood") / "output.raw").stat().st_size == 2000 * 4096)
    # 1 MiB replies that nobody reads: the rest of the requests waits.
    ask = encode({"id": 2, "op": "read", "session": "flood", "offset": 0, "limit": 1 << 20})
    stalled.socket.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        stalled.socket.sendall(ask * 500)
    assert (await desk.client.status("flood")).size == 2000 * 4096
    assert _resident(desk.keeper.process.pid) < 40 << 20
    await desk.client.eof("flood")
    await desk.ended("flood")
    # Now it reads: everything that it asked for arrives, and the end too.
    decoder, ended, grew = Decoder(), False, 0
    stalled.socket.setblocking(True)
    while not ended:
        part = await asyncio.to_thread(stalled.socket.recv, 1 << 20)
        for message, _ in decoder.feed(part):
            ended = ended or message.get("push") == "ended"
            if message.get("push") == "grew":
                grew = int(message["size"])
    assert grew == 2000 * 4096
    stalled.socket.close()


async def test_a_client_that_types_and_reads_no_reply_is_left_alone(desk: Desk) -> None:
    await desk.spawn("keys", "cat", pty=False)
    output = desk.folder("keys") / "output.raw"
    stalled = Raw(desk.keeper.socket)

    def typed() -> int:
        """Keys, twenty at a time, each once the last have arrived, until they do not."""
        for number in range(20, 60_000, 20):
            keys = range(number - 19, number + 1)
            stalled.socket.sendall(b"".join(encode_write("keys", key, b"k") for key in keys))
            until = time.monotonic() + 1.0
            while output.stat().st_size < number:
                if time.monotonic() > until:
                    return number
                os.sched_yield()
        return 0

    number = await asyncio.to_thread(typed)
    assert number
    assert (await desk.client.status("keys")).alive
    # Now it reads: everything that it typed is typed, and answered.
    decoder, last = Decoder(), 0
    while last < number:
        for message, _ in decoder.feed(await asyncio.to_thread(stalled.socket.recv, 1 << 16)):
            last = message["id"]
    stalled.socket.close()


def _resident(pid: int) -> int:
    text = Path(f"/proc/{pid}/status").read_text()
    [line] = [line for line in text.splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) << 10


async def test_a_keeper_is_small(desk: Desk) -> None:
    async with anyio.create_task_group() as group:
        for number in range(20):
            group.start_soon(desk.run, f"small-{number}", "seq", "1000")
    if "COVERAGE_RUN" not in os.environ:
        assert _resident(desk.keeper.process.pid) < 20 << 20


async def test_reads_step_through_the_output_to_its_end(desk: Desk) -> None:
    await desk.run("read", "printf", "0123456789", pty=False)
    piece = await desk.client.read("read", 2, 3)
    assert (piece.offset, piece.data, piece.eof) == (2, b"234", False)
    piece = await desk.client.read("read", 5, 100)
    assert (piece.data, piece.eof) == (b"56789", True)
    await desk.spawn("waits", "cat")
    piece = await desk.client.read("waits", 0, 100)
    assert (piece.data, piece.eof) == (b"", False)


async def test_the_exit_is_kept_until_it_is_collected(desk: Desk) -> None:
    await desk.run("kept", "sh", "-c", "exit 4")
    async with await desk.keeper.client() as later:
        [status] = await later.list()
        assert (status.session, status.code, status.alive, status.eof) == ("kept", 4, False, True)
        assert (await later.collect("kept")).code == 4
        assert await later.list() == ()


async def test_one_keeper_for_a_state_directory(desk: Desk, home: Path) -> None:
    second = Keeper(home)
    assert await asyncio.to_thread(second.process.wait, PATIENCE) == HELD
    assert await desk.client.list() == ()


@pytest.mark.parametrize("words", [b"", b"rubbish", b"{}", b"[]"])
async def test_a_lock_is_a_lock_whatever_is_written_in_it(home: Path, words: bytes) -> None:
    (home / "state").mkdir()
    with (home / "state" / CARD).open("wb") as card:
        card.write(words)
        card.flush()
        fcntl.flock(card, fcntl.LOCK_EX)
        held = Keeper(home)
        assert await asyncio.to_thread(held.process.wait, PATIENCE) == HELD
        card.truncate(0)


async def test_an_idle_keeper_stops_and_cleans_up(home: Path) -> None:
    keeper = Keeper(home, idle="0.2")
    async with await keeper.client() as client:
        desk = Desk(keeper, client)
        await desk.run("held", "true")
    assert keeper.process.poll() is None  # it holds an exit that nobody has collected
    async with await keeper.client() as client:
        await client.collect("held")
    assert await asyncio.to_thread(keeper.process.wait, PATIENCE) == 0
    assert not keeper.socket.exists()
    assert (keeper.state / CARD).read_bytes() == b""


async def test_a_keeper_waits_for_whoever_started_it(home: Path) -> None:
    keeper = Keeper(home, idle="0.01")
    with anyio.fail_after(PATIENCE):
        while not keeper.socket.exists():  # noqa: ASYNC110 - a socket tells nobody that it is there
            await anyio.sleep(0.005)
    # An idle keeper looks at its clock every 50 ms.
    with pytest.raises(subprocess.TimeoutExpired):
        await asyncio.to_thread(keeper.process.wait, 0.5)
    async with await keeper.client():
        pass
    assert await asyncio.to_thread(keeper.process.wait, PATIENCE) == 0


async def test_exits_that_nobody_collects_do_not_hold_it_for_ever(home: Path) -> None:
    keeper = Keeper(home, idle="0.01")
    async with await keeper.client() as client:
        await Desk(keeper, client).run("held", "true")
    assert await asyncio.to_thread(keeper.process.wait, PATIENCE) == 0


@pytest.mark.parametrize("arguments", [["--socket", "/x"], ["--what", "x"], ["--socket"]])
async def test_wrong_arguments_are_named(
    arguments: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    from inspan.keeper.main import main  # noqa: PLC0415  only here in this process

    assert main(arguments) == 2
    assert "--s" in capfd.readouterr().err


async def test_a_place_that_is_not_its_own_is_no_place_for_a_socket(home: Path) -> None:
    (home / "run").mkdir()
    (home / "run").chmod(0o755)
    open_to_others = Keeper(home)
    assert await anyio.to_thread.run_sync(open_to_others.process.wait, PATIENCE)
    too_long = Keeper(home / ("x" * 90))
    assert await anyio.to_thread.run_sync(too_long.process.wait, PATIENCE)


async def test_who_watches_a_keeper_that_is_killed_is_told(keeper: Keeper) -> None:
    client = await keeper.client()
    desk = Desk(keeper, client)
    await desk.spawn("left", "sleep", "60")
    watch = client.watch("left")
    await anext(watch)
    pid = (await client.status("left")).pid
    keeper.process.kill()
    with pytest.raises(KeeperLost):
        await anext(watch)
    with pytest.raises(KeeperLost):
        await client.write("left", b"x")
    os.kill(pid, signal.SIGKILL)
    await client.close()


def test_a_log_that_cannot_be_written_stops_nobody() -> None:
    code = "import os; os.close(2); from inspan.keeper import log; log.say('x', y=1); print('on')"
    ran = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True)
    assert ran.stdout == b"on\n"


def test_without_cgroups_of_its_own_it_does_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cgroup.procs").touch()
    monkeypatch.setattr(cgroups, "_ROOTS", (str(tmp_path / "none"), str(tmp_path)))
    monkeypatch.setattr(cgroups, "_read", lambda _: b"0::/")
    assert cgroups._probe("cgroup.procs/below") == ""
    with (tmp_path / "cgroup.procs").open("rb") as file:
        assert not cgroups._write_and_close(os.dup(file.fileno()), "1")
