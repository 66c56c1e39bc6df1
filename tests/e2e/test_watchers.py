"""Many at one terminal, by WebSocket: all see the bytes of the recording, and one of them types."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import ExitStack

import anyio
import pytest

from inspan.client import calls
from inspan.client.remote import RemoteControl
from inspan.client.sync import SyncControl
from inspan.errors import WriterTaken
from inspan.keeper.recording import RAW
from inspan.model import wire as frames
from inspan.model.session import Answers, Gap, Output
from inspan.model.task import Task
from tests.fakes.rawsocket import RawSocket, upgraded
from tests.real.daemon import Daemon, until

pytestmark = [pytest.mark.timeout(180), pytest.mark.requirement("A5", "B6", "C6")]

WATCHERS = 100
DISCONNECTS = 50
#: Prints as much as it is told of what never repeats, in pieces of any size, a little at a time.
PRINTS = """\
import os, random, sys, time
chance = random.Random(int(sys.argv[1]))
left = int(sys.argv[2])
while left > 0:
    piece = chance.randbytes(min(left, chance.randint(1, 20000)))
    left -= os.write(1, piece)
    time.sleep(float(sys.argv[3]))
"""


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    with Daemon() as made:
        yield made


def printing(daemon: Daemon, control: SyncControl, size: int, pause: float) -> Task:
    """A task on a terminal that prints so many bytes; once there is something to attach to."""
    script = daemon.home / "prints.py"
    script.write_text(PRINTS)
    words = ("python3", str(script), "7", str(size), str(pause))
    return begun(control, control.submit(daemon.spec(*words)))


def begun(control: SyncControl, task: Task) -> Task:
    with control.watch(task.seq, task=task.id) as events:
        next(event for event in events if event.kind == "attempt.spawned")
    return task


def recorded(daemon: Daemon, task: Task) -> bytes:
    """What is in the file of its recording."""
    return (daemon.places.recordings / f"{task.id}-1" / RAW).read_bytes()


def test_fifty_disconnects_at_any_byte_and_not_one_is_missed_or_told_twice(daemon: Daemon) -> None:
    chance = random.Random(50)
    got = bytearray()
    with daemon.control() as control:
        task = printing(daemon, control, 4 << 20, 0.002)
        for _ in range(DISCONNECTS):
            with upgraded(daemon.places.daemon_socket, _at(task, len(got))) as client:
                # Somewhere within a frame, or just behind one.
                client.read(at_most=chance.randint(1, 1 << 17))
                _take(client, got)
        with upgraded(daemon.places.daemon_socket, _at(task, len(got))) as client:
            client.to_the_end()
            _take(client, got)
            assert client.closed == frames.CLOSE_DONE
        assert control.wait(task.id, timeout=60).done
    assert bytes(got) == recorded(daemon, task)
    assert len(got) > 4 << 20  # line ends are two bytes on a terminal


def _at(task: Task, offset: int) -> str:
    return calls.terminal(task.id, offset, writer=False, steal=False, answers=Answers.NONE)


def _take(client: RawSocket, got: bytearray) -> None:
    for _, message in client.heard:
        opcode, offset, payload = frames.opened(message)
        if opcode == frames.OUTPUT:
            assert offset == len(got)
            got += payload


@pytest.mark.anyio
async def test_a_hundred_watchers_see_the_same_beside_some_that_never_read(daemon: Daemon) -> None:
    seen: list[bytes] = []
    socket = daemon.places.daemon_socket
    with ExitStack() as stack:
        blocking = stack.enter_context(daemon.control())
        task = await anyio.to_thread.run_sync(printing, daemon, blocking, 512 << 10, 0.01)
        for _ in range(5):
            stack.enter_context(upgraded(socket, _at(task, 0)))
        connecting = RemoteControl.connect(socket)
        async with connecting as control, anyio.create_task_group() as group:
            # Some come late, to what is there already.
            for number in range(WATCHERS):
                group.start_soon(_watch, control, task, seen)
                if number % 10 == 0:
                    await control.get(task.id)
    whole = recorded(daemon, task)
    assert len(seen) == WATCHERS
    assert set(seen) == {whole}


async def _watch(control: RemoteControl, task: Task, seen: list[bytes]) -> None:
    got = bytearray()
    async with control.attach(task.id) as terminal:
        async for chunk in terminal:
            assert not isinstance(chunk, Gap)
            got += chunk.data if isinstance(chunk, Output) else b""
    seen.append(bytes(got))


def test_nobody_types_by_default_and_one_at_a_time_who_asks(daemon: Daemon) -> None:
    heard = daemon.home / "heard"
    script = f"stty raw -echo; printf ready; exec cat > {heard}"
    socket = daemon.places.daemon_socket
    with daemon.control() as control:
        task = begun(control, control.submit(daemon.spec("sh", "-c", script)))
        until(lambda: daemon.output(f"{task.id}-1") == b"ready", "it to listen")
        path = f"/v1/sessions/{task.id}/terminal"
        with upgraded(socket, path) as reader, upgraded(socket, f"{path}?writer=true") as first:
            assert _typed(reader, b"no") == "writer-taken"
            assert _typed(first, b"one ") is None
            with pytest.raises(WriterTaken), control.attach(task.id, writer=True):
                pass
            assert _typed(first, b"two ") is None
            with upgraded(socket, f"{path}?writer=true&steal=true") as second:
                assert _typed(first, b"no") == "writer-taken"
                assert _typed(second, b"three ") is None
                assert _typed(reader, b"no") == "writer-taken"
            # Who took the keyboard has left, and who had it does not have it again by that.
            until(lambda: _typed_by_another(control, task, b"four"), "the keyboard to be free")
            assert _typed(first, b"no") == "writer-taken"
        until(lambda: heard.read_bytes() == b"one two three four", "all of it to arrive")
        control.cancel(task.id, force=True)


def _typed(client: RawSocket, data: bytes) -> str | None:
    """``None`` where that was typed, else why it was not."""
    known = len(client.heard)
    client.say(2, frames.frame(frames.INPUT, 9, data))
    while True:
        for _, message in client.heard[known:]:
            opcode, number, refusal = frames.opened(message)
            if opcode == frames.ACK:
                assert number == 9
                return str(json.loads(refusal)["code"]) if refusal else None
        known = len(client.heard)
        assert client.read()


def _typed_by_another(control: SyncControl, task: Task, data: bytes) -> bool:
    try:
        with control.attach(task.id, writer=True) as terminal:
            terminal.write(data)
    except WriterTaken:
        return False
    return True
