"""Connections for asyncio: what comes is held within bounds, whoever reads it late."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from inspan.client.address import own
from inspan.client.asynclink import READ, Channel, Connections, Link
from inspan.client.remote import RemoteTerminal
from inspan.errors import DaemonUnreachable

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("D1")]

WHOLE = bytes(range(256)) * (1 << 14)


@asynccontextmanager
async def linked(folder: Path, *, buffer: bytearray) -> AsyncIterator[tuple[Link, socket.socket]]:
    """A link, and the other end of it, which does not block."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "s"))
        listener.listen()
        link = await Link.open(own(folder / "s"), buffer)
        other, _ = listener.accept()
        with other:
            other.setblocking(False)
            async with asyncio.timeout(30):
                yield link, other
        link.close()


async def test_what_nobody_reads_yet_waits_at_the_other_end(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    async with linked(tmp_path, buffer=bytearray(READ)) as (link, other):
        sending = asyncio.ensure_future(loop.sock_sendall(other, WHOLE))
        while len(link._held) < READ:  # noqa: ASYNC110 - a link tells nobody that it is full
            await asyncio.sleep(0)
        for _ in range(100):
            await asyncio.sleep(0)
        assert len(link._held) < 2 * READ
        assert not sending.done()
        assert not link.quiet
        come = b""
        while len(come) < len(WHOLE):
            come += await link.receive()
        await sending
        assert come == WHOLE
        link.rest()
        assert link.quiet


async def test_links_read_into_one_buffer_and_mix_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    buffer = bytearray(READ)
    async with (
        linked(tmp_path / "a", buffer=buffer) as (one, its),
        linked(tmp_path / "b", buffer=buffer) as (another, others),
    ):
        its.send(b"for one")
        others.send(b"for another")
        assert await one.receive() == b"for one"
        assert await another.receive() == b"for another"


async def test_an_end_is_told_once_all_that_came_was_taken(tmp_path: Path) -> None:
    async with linked(tmp_path, buffer=bytearray(READ)) as (link, other):
        other.send(b"last words")
        other.close()
        assert await link.receive() == b"last words"
        assert await link.receive() == b""
        with pytest.raises(DaemonUnreachable, match="went away"):
            await link.send(b"too late")
        assert not link.quiet


async def test_who_gives_up_waiting_for_a_stream_leaves_no_connection(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        opening = asyncio.ensure_future(Connections(own(tmp_path / "s")).upgrade("/v1/watch"))
        loop = asyncio.get_running_loop()
        listener.setblocking(False)
        async with asyncio.timeout(30):
            other, _ = await loop.sock_accept(listener)
            with other:
                other.setblocking(False)
                assert (await loop.sock_recv(other, READ)).startswith(b"GET /v1/watch")
                opening.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await opening
                assert await loop.sock_recv(other, READ) == b""


async def test_a_terminal_without_a_way_back_tells_that_its_daemon_is_gone(tmp_path: Path) -> None:
    async def never(_: int) -> Channel:
        raise AssertionError("nobody looks for it")

    async with linked(tmp_path, buffer=bytearray(READ)) as (link, other):
        terminal = RemoteTerminal(Channel(link, b""), 0, None, opened=never, way=None)
        other.close()
        with pytest.raises(DaemonUnreachable):
            await anext(aiter(terminal))
        assert terminal.offset == 0
