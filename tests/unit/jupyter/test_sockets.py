"""The sockets of a kernel: where they cannot be had, and a listener that takes nothing."""

from __future__ import annotations

import json
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
import zmq
import zmq.asyncio

from inspan.errors import Unable
from inspan.jupyter.connection import PORTS, Connection
from inspan.jupyter.sockets import WAITING, bound

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("D12")]


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder with a short name, for sockets."""
    path = Path(tempfile.mkdtemp(prefix="ij-"))
    yield path
    shutil.rmtree(path)


def connection(place: Path) -> Connection:
    return Connection({name: f"ipc://{place}/{name}" for name in PORTS}, b"a key")


async def test_an_address_that_cannot_be_had_is_told_and_the_others_are_let_go(
    place: Path,
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        wanted = connection(place)
        wanted.addresses["hb"] = address
        with pytest.raises(Unable, match=f"cannot listen at {address}"), bound(wanted):
            raise AssertionError("it must not listen")
    with bound(connection(place)):
        assert len([*place.iterdir()]) == len(PORTS)


async def number(listener: zmq.asyncio.Socket) -> int:
    """That of the next piece of text."""
    content = json.loads((await listener.recv_multipart())[-1])
    return int(content["number"]) if "number" in content else await number(listener)


async def test_a_listener_that_takes_nothing_holds_nobody_up_for_ever(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It loses what it has no room for, and hears all again once it takes something."""
    monkeypatch.setattr("inspan.jupyter.sockets.PATIENCE", 0.0)
    context = zmq.asyncio.Context()
    listener = context.socket(zmq.SUB)
    listener.set(zmq.RCVHWM, 1)
    with bound(connection(place)) as sockets, anyio.fail_after(30):
        listener.connect(f"ipc://{place}/iopub")
        listener.subscribe(b"")
        await sockets._greet(await sockets._sockets["iopub"].recv_multipart())
        sent = 0
        while not sockets._stuck:
            await sockets.publish("stream", {"number": sent, "text": "x" * 4096})
            sent += 1
        assert sent >= WAITING
        await sockets.publish("stream", {"number": sent, "text": ""})
        heard = [await number(listener) for _ in range(sent - 1)]
        assert heard == [*range(sent - 1)]
        await sockets.publish("stream", {"number": -1, "text": ""})
        assert await number(listener) == -1
    context.destroy(linger=0)
