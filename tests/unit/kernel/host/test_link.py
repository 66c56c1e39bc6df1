"""The greeting of a worker that never answers, hangs up, or speaks of something else."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import anyio
import pytest

from inspan.errors import InspanError, KernelProtocol, SessionDied
from inspan.kernel.frames import encode
from inspan.kernel.host.link import Link
from inspan.kernel.protocol import VERSION, FromWorker, Hello, Ready

pytestmark = pytest.mark.anyio

HELLO = Hello(version=VERSION, session="some", token="t")


class Nobody:
    """A taker that keeps what it is told."""

    def __init__(self) -> None:
        self.joins: list[Ready] = []
        self.errors: list[InspanError | None] = []

    def joined(self, ready: Ready) -> None:
        self.joins.append(ready)

    def message(self, message: FromWorker, body: bytes) -> None:
        raise AssertionError((message, body))

    def hung_up(self, link: Link, error: InspanError | None) -> None:
        del link
        self.errors.append(error)


class Line:
    """A link, and the worker's end of it."""

    def __init__(self, link: Link, taker: Nobody, worker: socket.socket) -> None:
        self.link = link
        self.taker = taker
        self.worker = worker


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    ours, theirs = socket.socketpair()
    taker = Nobody()
    transport, link = await asyncio.get_running_loop().create_connection(
        lambda: Link(taker), sock=ours
    )
    with theirs:
        yield Line(link, taker, theirs)
    transport.abort()
    with anyio.fail_after(30):
        await link.lost.wait()


async def test_who_gives_up_waiting_is_let_go_and_the_line_stays(line: Line) -> None:
    with anyio.CancelScope() as scope:
        scope.cancel()
        await line.link.hello(HELLO)
    assert scope.cancelled_caught
    assert not line.link.lost.is_set()


async def test_a_worker_that_hangs_up_before_it_is_ready_has_died(line: Line) -> None:
    line.worker.close()
    with anyio.fail_after(30), pytest.raises(SessionDied, match="before it was ready"):
        await line.link.hello(HELLO)
    assert (line.taker.joins, line.taker.errors) == ([], [None])


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (b"\xff" * 16, "no frame"),
        (encode({"type": "nonsense"}), "no message"),
        (encode({}), "no message"),
    ],
)
async def test_a_worker_that_speaks_of_something_else_is_hung_up_on(
    line: Line, sent: bytes, why: str
) -> None:
    line.worker.sendall(sent)
    with anyio.fail_after(30), pytest.raises(KernelProtocol, match=why):
        await line.link.hello(HELLO)
    assert [type(error) for error in line.taker.errors] == [KernelProtocol]
