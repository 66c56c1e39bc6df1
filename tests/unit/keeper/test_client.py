"""The client: finding or starting a keeper, and losing it."""

import asyncio
import os
import socket
from pathlib import Path

import anyio
import pytest

from inspan.errors import KeeperLost, KeeperMismatch
from inspan.keeper import client as keeper_client
from inspan.keeper.client import Grew, KeeperClient, connect, ensure
from inspan.keeper.link import Watcher
from inspan.keeper.wire import INLINE_MOST, OLDEST, Decoder, encode, encode_grew, encode_queued
from tests.unit.keeper.desk import PATIENCE, Desk, Keeper, running, wait_for, wait_until

pytestmark = pytest.mark.anyio


async def test_many_at_once_get_one_keeper(home: Path) -> None:
    clients: list[KeeperClient] = []

    async def one() -> None:
        clients.append(await ensure(home / "run" / "k", home / "state"))

    async with anyio.create_task_group() as group:
        for _ in range(6):
            group.start_soon(one)
    assert len({client.pid for client in clients}) == 1
    assert len({client.keeper for client in clients}) == 1
    pid = clients[0].pid
    assert os.getsid(pid) != os.getsid(0)
    assert {Path(f"/proc/{pid}/fd/{fd}").readlink() for fd in (0, 1)} == {Path("/dev/null")}
    assert "started" in (home / "state" / "logs" / "keeper.log").read_text()
    await clients[0].shutdown(force=False)
    for client in clients:
        await client.lost()
        await client.close()
    await wait_for(lambda: not running(pid))


async def test_a_keeper_gets_little_of_the_environment(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INSPAN_SESSION", "outer")
    monkeypatch.setenv("SOME_TOKEN", "secret")
    async with await ensure(home / "run" / "k", home / "state") as client:
        environ = Path(f"/proc/{client.pid}/environ").read_bytes()
        assert b"INSPAN" not in environ
        assert b"secret" not in environ
        await client.shutdown(force=False)


async def test_a_dead_socket_is_replaced(home: Path) -> None:
    first = await ensure(home / "run" / "k", home / "state")
    os.kill(first.pid, 9)
    with anyio.fail_after(PATIENCE):
        await first.lost()
    assert first.closed
    with pytest.raises(KeeperLost):
        await first.list()
    with pytest.raises(KeeperLost):
        await connect(home / "run" / "k")
    async with await ensure(home / "run" / "k", home / "state") as second:
        assert second.keeper != first.keeper
        await second.shutdown(force=False)


async def test_what_cannot_be_started_says_why(home: Path) -> None:
    (home / "open").mkdir(mode=0o755)
    (home / "open").chmod(0o755)
    with pytest.raises(KeeperLost, match="0700"):
        await ensure(home / "open" / "k", home / "state")
    with pytest.raises(KeeperLost, match="too long"):
        await ensure(home / "run" / ("k" * 120), home / "state2")
    (home / "file").touch()
    with pytest.raises(KeeperLost):
        await ensure(home / "run" / "k", home / "file")


async def test_calls_and_watches_end_when_the_keeper_is_lost(keeper: Keeper) -> None:
    async with await keeper.client() as client:
        await Desk(keeper, client).spawn("some", "sleep", "60")
        watch = client.watch("some")
        await anext(watch)
        async with anyio.create_task_group() as group:

            async def lose() -> None:
                await client.lost()

            group.start_soon(lose)
            keeper.process.kill()
            with pytest.raises(KeeperLost), anyio.fail_after(PATIENCE):
                await anext(watch)
        with pytest.raises(KeeperLost):
            await client.status("some")
    keeper.process.wait()


async def test_a_call_that_is_given_up_does_not_disturb_the_next(desk: Desk) -> None:
    await desk.spawn("some", "cat")
    with anyio.move_on_after(0):
        await desk.client.status("some")
    assert (await desk.client.status("some")).alive
    with anyio.move_on_after(0.01):
        async for _ in desk.client.watch("some"):
            continue
    assert desk.client._link.watchers.get("some", set()) == set()


async def test_two_watchers_of_one_session_are_both_told(desk: Desk) -> None:
    await desk.spawn("both", "sh", "-c", "read x; echo done")
    async with anyio.create_task_group() as group:
        group.start_soon(desk.ended, "both")
        group.start_soon(desk.ended, "both")
        await wait_for(lambda: len(desk.client._link.watchers.get("both", ())) == 2)
        await desk.client.write("both", b"\n")


async def pushes(home: Path, *frames: bytes, together: bool = False) -> list[Grew]:
    """What a watcher gets from a server that knows little and pushes these when it is typed to.

    ``together``: in one piece with the reply, as a keeper does where the echo is quick.
    """

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        decoder = Decoder()
        while data := await reader.read(1 << 16):
            for message, _ in decoder.feed(data):
                if message["op"] == "write" and together:
                    writer.write(encode_queued(b"%d" % message["id"], 0) + b"".join(frames))
                    continue
                if message["op"] != "unwatch":  # the last word; nobody waits for its answer
                    card = {"keeper": "old", "pid": 1, "version": 1, "started_at": 0.0}
                    reply = {"id": message["id"], "ok": True, "size": 0, "queued": 0, **card}
                    writer.write(encode(reply))
                if message["op"] == "write":
                    writer.write(b"".join(frames))
        writer.close()

    got: list[Grew] = []
    async with await asyncio.start_unix_server(answer, home / "old"):
        client = await connect(home / "old")
        watch = client.watch("some", inline=True)
        with anyio.fail_after(PATIENCE):
            assert await anext(watch) == Grew(0)
            await client.write("some", b"x")
            while not got or got[-1].size < len(frames):
                item = await anext(watch)
                assert isinstance(item, Grew)
                got.append(item)
        await watch.aclose()
        await client.close()
    return got


async def test_a_keeper_that_brings_nothing_along_is_understood(home: Path) -> None:
    old = [encode({"push": "grew", "session": "some", "size": size}) for size in (1, 2)]
    assert (await pushes(home, *old))[-1] == Grew(2)


async def test_what_comes_along_is_joined_where_it_follows(home: Path) -> None:
    both = [encode_grew("some", 1, "o", b"a"), encode_grew("some", 2, "o", b"b")]
    got = await pushes(home, *both)
    assert b"".join(item.data for item in got) == b"ab"
    stale = [encode_grew("some", 1, "o", b"a"), encode_grew("some", 2, "e", b"b")]
    assert (await pushes(home, *stale))[-1] == Grew(2, b"b", "e")


async def test_what_comes_in_one_piece_with_the_reply_is_taken(home: Path) -> None:
    one, two = encode_grew("some", 1, "o", b"a"), encode_grew("some", 2, "o", b"b")
    assert await pushes(home, one, together=True) == [Grew(1, b"a", "o")]
    assert await pushes(home, one, two, together=True) == [Grew(2, b"ab", "o")]
    by_json = encode({"push": "grew", "session": "some", "size": 2})
    assert (await pushes(home, one, by_json, together=True))[-1].size == 2


async def test_what_nobody_takes_is_bounded() -> None:
    watcher = Watcher(inline=True)
    for number in range(1, 100):
        watcher.grew(number * 1000, b"x" * 1000, "o")
        assert len(watcher.data) <= INLINE_MOST
    took = watcher.take()
    assert took.size == 99_000
    assert took.data == b"x" * len(took.data)
    assert watcher.take() == Grew(99_000, b"", "o")


async def test_a_large_write_is_cut_into_frames(desk: Desk) -> None:
    await desk.spawn("count", "wc", "-c", pty=False)

    async def drained() -> bool:
        return await desk.client.write("count", b"") == 0

    for _ in range(4):
        await wait_until(drained)
        await desk.client.write("count", b"x" * 1_000_000)
    await desk.client.eof("count")
    await desk.ended("count")
    assert desk.raw("count").strip() == b"4000000"


async def test_a_server_that_speaks_rubbish_is_lost(home: Path) -> None:
    async def rubbish(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"\xff" * 64)
        await writer.drain()
        writer.close()

    async with await asyncio.start_unix_server(rubbish, home / "rubbish"):
        with pytest.raises(KeeperLost):
            await connect(home / "rubbish")


async def test_a_server_that_never_answers_is_lost(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper_client, "_HELLO", 0.05)

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_unix_server(mute, home / "mute"):
        with pytest.raises(KeeperLost, match="does not answer"):
            await connect(home / "mute")


async def test_a_keeper_of_another_time_is_not_replaced(home: Path) -> None:
    async def newer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        decoder = Decoder()
        while data := await reader.read(1 << 16):
            for message, _ in decoder.feed(data):
                no = {"error": "keeper-mismatch", "message": "I speak version 9."}
                writer.write(encode({"id": message["id"], **no}))
        writer.close()

    async with await asyncio.start_unix_server(newer, home / "newer"):
        with pytest.raises(KeeperMismatch, match="version 9"):
            await ensure(home / "newer", home / "state")
    assert not (home / "state").exists()


async def test_nobody_behind_a_socket(home: Path) -> None:
    with pytest.raises(KeeperLost):
        await connect(home / "none")
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(home / "dead"))
    with pytest.raises(KeeperLost):
        await connect(home / "dead")
    dead.close()


async def test_the_newest_version_that_both_speak_is_agreed_on(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    async def older(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        decoder = Decoder()
        while data := await reader.read(1 << 16):
            for message, _ in decoder.feed(data):
                asked.append(message["version"])
                card = {"keeper": "old", "pid": 1, "version": asked[-1], "started_at": 0.0}
                no = {"error": "keeper-mismatch", "message": "I am older."}
                answer = {"ok": True, **card} if asked[-1] == OLDEST else no
                writer.write(encode({"id": message["id"], **answer}))
        writer.close()

    monkeypatch.setattr(keeper_client, "VERSION", OLDEST + 2)
    async with await asyncio.start_unix_server(older, home / "older"):
        client = await connect(home / "older")
        assert client.version == OLDEST
        await client.close()
    assert asked == [OLDEST + 2, OLDEST + 1, OLDEST]
