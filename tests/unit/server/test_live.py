from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

from inspan.client import calls, wire
from inspan.client.link import Channel
from inspan.client.remote import RemoteControl
from inspan.client.stream import Watch
from inspan.client.sync import SyncControl
from inspan.control import Control
from inspan.errors import BadInput, DaemonUnreachable, FellBehind, InputFull, SessionNotFound
from inspan.model import wire as frames
from inspan.model.session import Answers, Ended, Gap, Output, Resized
from inspan.model.task import Exit, Task, TaskSpec
from tests.fakes.control import FakeControl
from tests.fakes.hands import served
from tests.fakes.terminal import FakeSession

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("A5", "B6")]

SPEC = TaskSpec(command=("work",), cwd="/")


class Bench:
    """A served fake with one running task."""

    def __init__(self, fake: FakeControl, socket: Path, control: Control, task: Task) -> None:
        self.fake = fake
        self.socket = socket
        self.control = control
        self.task = task

    @property
    def session(self) -> FakeSession:
        return self.fake.sessions[f"{self.task.id}-1"]


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    fake = FakeControl(backlog=50)
    task = await fake.submit(SPEC)
    task = fake.start(task.id)
    async with served(fake) as socket, RemoteControl.connect(socket) as control:
        with anyio.fail_after(30):
            yield Bench(fake, socket, control, task)


async def until(condition: Callable[[], bool]) -> None:
    with anyio.fail_after(30):
        while not condition():
            await anyio.lowlevel.checkpoint()


async def in_thread(work: Callable[[], object]) -> None:
    await anyio.to_thread.run_sync(work)


# ── terminal ──────────────────────────────────────────────────────────────────


async def test_twenty_megabytes_arrive_as_they_were_written(bench: Bench) -> None:
    data = random.Random(1).randbytes(20 << 20)
    bench.fake.prints(bench.task.id, data)
    bench.fake.ends(bench.task.id)
    got = bytearray()
    async with bench.control.attach(bench.task.id) as terminal:
        async for chunk in terminal:
            if isinstance(chunk, Output):
                assert chunk.offset == len(got)
                got += chunk.data
    assert got == data


async def test_taking_it_up_again_anywhere_gives_the_same_stream(bench: Bench) -> None:
    chance = random.Random(2)
    data = chance.randbytes(3 << 20)
    got = bytearray()

    def following() -> None:
        with SyncControl(bench.socket) as control:
            offset, over = 0, False
            while not over:
                with control.attach(bench.task.id, offset=offset) as terminal:
                    for _ in range(chance.randint(1, 6)):
                        chunk = terminal.recv(10)
                        if isinstance(chunk, Output):
                            assert chunk.offset == len(got)
                            got.extend(chunk.data)
                        over = isinstance(chunk, Ended)
                        if over:
                            break
                    offset = terminal.offset

    async with anyio.create_task_group() as group:
        group.start_soon(in_thread, following)
        at = 0
        while at < len(data):
            size = chance.randint(1, 1 << 17)
            bench.fake.prints(bench.task.id, data[at : at + size])
            at += size
            await anyio.lowlevel.checkpoint()
        bench.fake.ends(bench.task.id)
    assert got == data


async def test_all_kinds_of_chunks_cross(bench: Bench) -> None:
    fake, ref = bench.fake, bench.task.id
    fake.prints(ref, b"out")
    fake.prints(ref, b"err", stream="err")
    fake.prints(ref, b"0123456789")
    fake.cuts(ref, 8, 12)
    async with bench.control.attach(ref, writer=True) as terminal:
        await terminal.resize(132, 43)
        fake.ends(ref, 9)
        chunks = [chunk async for chunk in terminal]
    assert Resized(16, 132, 43) in chunks
    assert [chunk for chunk in chunks if not isinstance(chunk, Resized)] == [
        Output(0, b"out"),
        Output(3, b"err", "err"),
        Output(6, b"01"),
        Gap(8, 12),
        Output(12, b"6789"),
        Ended(16, Exit(9)),
    ]


async def test_a_reader_that_never_reads_delays_nobody(bench: Bench) -> None:
    bench.fake.prints(bench.task.id, bytes(8 << 20))
    async with bench.control.attach(bench.task.id), bench.control.attach(bench.task.id) as other:
        got = 0
        async for chunk in other:
            got += len(chunk.data) if isinstance(chunk, Output) else 0
            if got == 8 << 20:
                break
        assert (await bench.control.get(bench.task.id)).id == bench.task.id


async def test_a_flood_leaves_the_loop_to_others(bench: Bench) -> None:
    taken = 0

    async def flooding() -> None:
        nonlocal taken
        async with bench.control.attach(bench.task.id) as terminal:
            async for chunk in terminal:
                taken += len(chunk.data) if isinstance(chunk, Output) else 0

    bench.fake.prints(bench.task.id, bytes(64 << 20))
    async with anyio.create_task_group() as group:
        group.start_soon(flooding)
        await until(lambda: taken > 0)
        for _ in range(20):
            await bench.control.get(bench.task.id)
        assert taken < 64 << 20
        group.cancel_scope.cancel()


async def test_what_a_program_does_not_read_is_refused_to_the_writer(bench: Bench) -> None:
    session = bench.session
    async with bench.control.attach(bench.task.id, writer=True) as terminal:
        await terminal.write(b"taken")
        session.refuses = InputFull()
        with pytest.raises(InputFull):
            await terminal.write(b"refused")
        session.refuses = None
        await terminal.write(b"!")
        await terminal.write(b"")
    assert (bytes(session.typed), session.input_ended) == (b"taken!", True)


async def test_a_large_paste_arrives_whole(bench: Bench) -> None:
    data = random.Random(3).randbytes(3 << 20)
    async with bench.control.attach(bench.task.id, writer=True) as terminal:
        await terminal.write(data)
    assert bench.session.typed == data


async def test_writes_and_reading_may_go_on_side_by_side(bench: Bench) -> None:
    got = bytearray()
    async with bench.control.attach(bench.task.id, writer=True) as terminal:

        async def reading() -> None:
            async for chunk in terminal:
                got.extend(chunk.data if isinstance(chunk, Output) else b"")

        async with anyio.create_task_group() as group:
            group.start_soon(reading)
            for n in range(50):
                bench.fake.prints(bench.task.id, b"%03d" % n)
                await terminal.write(b"%03d" % n)
            bench.fake.ends(bench.task.id)
    expected = b"".join(b"%03d" % n for n in range(50))
    assert (bytes(got), bytes(bench.session.typed)) == (
        expected,
        expected,
    )


async def test_who_answers_what_is_asked_is_one_of_three_words(bench: Bench) -> None:
    def asking() -> None:
        with SyncControl(bench.socket) as control, pytest.raises(BadInput, match="none, new, due"):
            control._connections.upgrade(
                f"/v1/sessions/{bench.task.id}/terminal?writer=true&answers=all"
            )

    await anyio.to_thread.run_sync(asking)


async def test_leaving_gives_the_keyboard_back(bench: Bench) -> None:
    session = bench.session
    async with bench.control.attach(bench.task.id, writer=True):
        assert session.writer is not None
    await until(lambda: session.writer is None)


def said(channel: Channel, opcode: int, payload: bytes) -> list[tuple[int, int, bytes]]:
    channel.send(opcode, payload)
    message = channel.take(10)
    return [] if message is None else [frames.opened(message)]


async def raw_messages(bench: Bench, *sent: tuple[int, bytes]) -> list[tuple[int, int, bytes]]:
    """What the server says to frames that our own client would never send."""

    def asking() -> list[tuple[int, int, bytes]]:
        with SyncControl(bench.socket) as control:
            none = Answers.NONE
            target = calls.terminal(bench.task.id, 0, writer=True, steal=False, answers=none)
            channel, _ = control._connections.upgrade(target)
            with closing(channel):
                return [one for opcode, payload in sent for one in said(channel, opcode, payload)]

    return await anyio.to_thread.run_sync(asking)


async def test_frames_that_mean_nothing_are_refused_one_by_one(bench: Bench) -> None:
    bad = (
        b"",
        b"i",
        b"?" + bytes(8),
        frames.frame(frames.RESIZE, 7, b"big"),
        b"s" + bytes(16),
        b"l" + bytes(9),
    )
    replies = await raw_messages(bench, *((wire.BINARY, raw) for raw in bad), (wire.TEXT, b"hi"))
    for opcode, _, payload in replies:
        assert (opcode, json.loads(payload)["code"]) == (frames.ACK, "bad-input")
    assert replies[3][1] == 7


async def test_a_frame_beyond_the_limit_ends_the_connection(bench: Bench) -> None:
    with pytest.raises(DaemonUnreachable):
        await raw_messages(bench, (wire.BINARY, b"i" + bytes(frames.FRAME_MOST + 100)))
    session = bench.session
    assert not session.typed
    await until(lambda: session.writer is None)


async def test_what_fails_while_it_is_followed_is_told(bench: Bench) -> None:
    bench.fake.prints(bench.task.id, b"so far")
    bench.session.fails = SessionNotFound("the recording was pruned")
    async with bench.control.attach(bench.task.id) as terminal:
        chunks = aiter(terminal)
        assert await anext(chunks) == Output(0, b"so far")
        with pytest.raises(SessionNotFound, match="pruned"):
            await anext(chunks)


# ── events ────────────────────────────────────────────────────────────────────


async def test_who_falls_behind_is_told_and_may_come_again(bench: Bench) -> None:
    seen: list[int] = []

    def read_on(watch: Watch) -> None:
        while (event := watch.recv(10)) is not None:
            seen.append(event.seq)

    def slowly() -> None:
        with SyncControl(bench.socket) as control, control.watch() as watch:
            anyio.from_thread.run(flood)
            with pytest.raises(FellBehind):
                read_on(watch)

    async def flood() -> None:
        # More than all the buffers between the two hold, and more than the backlog after that.
        big = TaskSpec(command=("x",), cwd="/", prompt="x" * 60_000)
        for _ in range(200):
            await bench.fake.submit(big)

    before = bench.fake.events[-1].seq
    await in_thread(slowly)
    newest = bench.fake.events[-1].seq
    assert before < seen[-1] < newest
    async for event in bench.control.watch(seen[-1]):
        seen.append(event.seq)
        if event.seq == newest:
            break
    assert seen == list(range(before + 1, newest + 1))
    await until(lambda: bench.fake.watching == 0)


async def test_a_watch_ends_on_the_server_when_its_reader_leaves(bench: Bench) -> None:
    async for _ in bench.control.watch(0):
        break
    await until(lambda: bench.fake.watching == 0)


async def test_a_watch_says_when_the_daemon_goes() -> None:
    fake = FakeControl()
    async with served(fake) as socket:
        watch = await anyio.to_thread.run_sync(SyncControl(socket).watch)
    with watch, pytest.raises(DaemonUnreachable):
        await anyio.to_thread.run_sync(watch.recv)
