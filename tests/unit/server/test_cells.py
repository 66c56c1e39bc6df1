from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, closing
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

from inspan import __version__
from inspan.client import calls, wire
from inspan.client.link import Channel
from inspan.client.remote import RemoteControl
from inspan.client.sync import SyncControl
from inspan.errors import (
    BadInput,
    DaemonUnreachable,
    FellBehind,
    SessionEnded,
    SessionNotFound,
    Unable,
)
from inspan.model import wire as limits
from inspan.model.code import CellBegan, CellEnded, CellEntered, CodeEvent, CodeSession, CodeSpec
from inspan.model.session import CodeState
from inspan.server.audit import Audit
from inspan.server.serve import serve
from tests.fakes.control import FakeControl
from tests.fakes.hands import served

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("D1", "D9")]


class Attended:
    """Code whose followings are counted, and can be made to fail."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self.following = 0
        self.behind_after: int | None = None

    def __getattr__(self, verb: str) -> Any:
        return getattr(self._real, verb)

    async def follow(
        self, session: str, since: int | None = None, *, cell: str | None = None
    ) -> AsyncGenerator[CodeEvent, None]:
        self.following += 1
        told = 0
        try:
            async with aclosing(self._real.follow(session, since, cell=cell)) as events:
                async for event in events:
                    if told == self.behind_after:
                        raise FellBehind
                    told += 1
                    yield event
        finally:
            self.following -= 1


class AttendedControl(FakeControl):
    @cached_property
    def code(self) -> Attended:
        return Attended(super().code)


class Bench:
    """A served fake with one session, and the asynchronous client."""

    def __init__(self, fake: AttendedControl, socket: Path, control: RemoteControl) -> None:
        self.fake = fake
        self.socket = socket
        self.control = control
        self.code = control.code

    async def open(self) -> CodeSession:
        return await self.fake.code.open(CodeSpec(cwd="/"))  # type: ignore[no-any-return]

    async def raw(self, *said: bytes, replies: int) -> list[dict[str, Any]]:
        """What the server says to words that our own client would never say."""

        def asking() -> list[dict[str, Any]]:
            with SyncControl(self.socket) as control:
                channel, _ = control._connections.upgrade(calls.CELLS)
                with closing(channel):
                    for word in said:
                        channel.send(wire.TEXT, word)
                    return taken(channel, replies)

        return await anyio.to_thread.run_sync(asking)


def taken(channel: Channel, replies: int) -> list[dict[str, Any]]:
    """So many things that were told, and no more came with the last."""
    told: list[dict[str, Any]] = []
    while len(told) < replies:
        message = channel.take(10)
        assert message is not None
        told += json.loads(message)
    assert len(told) == replies
    return told


def word(**said: Any) -> bytes:
    return json.dumps(said).encode()


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    fake = AttendedControl()
    async with served(fake) as socket, RemoteControl.connect(socket) as control:
        with anyio.fail_after(30):
            yield Bench(fake, socket, control)


async def until(condition: Callable[[], bool]) -> None:
    with anyio.fail_after(30):
        while not condition():
            await anyio.lowlevel.checkpoint()


async def followed(bench: Bench, session: str, cell: str) -> list[CodeEvent]:
    async with aclosing(bench.code.follow(session, cell=cell)) as events:
        return [event async for event in events]


# ── one connection for many cells ─────────────────────────────────────────────


async def test_cells_are_handed_in_and_followed_on_one_connection(bench: Bench) -> None:
    made = await bench.open()
    for number in range(5):
        cell = await bench.code.execute(made.id, f"print({number})")
        assert len(await followed(bench, made.id, cell.id)) == 4
        with pytest.raises(SessionNotFound):
            await bench.code.execute("nobody", "1")
        with pytest.raises(SessionNotFound):
            await anext(bench.code.follow("nobody"))
    assert len(bench.control._connections._talks) == 1


async def test_a_following_that_is_left_early_ends_on_the_server(bench: Bench) -> None:
    made = await bench.open()
    async with aclosing(bench.code.follow(made.id, 0)) as events:
        assert (await anext(events)).seq == 1
        assert bench.fake.code.following == 1
    await until(lambda: bench.fake.code.following == 0)
    assert await bench.code.execute(made.id, "1")


async def test_that_a_cell_was_entered_waits_for_no_other_word(bench: Bench) -> None:
    made = await bench.open()
    await bench.code.execute(made.id, "import time\ntime.sleep(60)")
    (entered,) = await bench.raw(word(run={"session": made.id, "code": "1"}), replies=1)
    assert entered["fact"]["kind"] == CellEntered.kind


async def test_who_follows_may_hand_in_cells_on_the_same_connection(bench: Bench) -> None:
    made = await bench.open()
    said = [word(execute={"session": made.id, "code": code}) for code in ("1", "2", "3")]
    replies = await bench.raw(word(follow={"session": made.id}), *said, replies=13)
    assert replies[0] == {"following": True}
    cells = [reply["cell"]["number"] for reply in replies if "cell" in reply]
    events = [reply for reply in replies if "fact" in reply]
    assert cells == [1, 2, 3]
    assert [event["seq"] for event in events] == list(range(2, 11))
    await until(lambda: bench.fake.code.following == 0)


async def test_cells_are_run_on_one_connection(bench: Bench) -> None:
    made = await bench.open()
    for number in range(5):
        async with aclosing(bench.code.run(made.id, f"print({number})")) as events:
            async for event in events:
                if isinstance(event.fact, CellEnded):
                    break
        with pytest.raises(SessionNotFound):
            await anext(bench.code.run("nobody", "1"))
    assert (await bench.code.get(made.id)).cells == 5
    assert len(bench.control._connections._talks) == 1
    assert bench.fake.code.following == 0


async def test_nothing_comes_after_the_end_of_a_cell_that_is_followed(bench: Bench) -> None:
    made = await bench.open()
    run = word(run={"session": made.id, "code": "1"})
    follow = word(follow={"session": made.id, "cell": "c1"})

    def asking() -> list[str]:
        with SyncControl(bench.socket) as control:
            channel, _ = control._connections.upgrade(calls.CELLS)
            with closing(channel):
                told = []
                for said in (run, follow, run):
                    channel.send(wire.TEXT, said)
                    told += [one["fact"]["cell"] for one in taken(channel, 3)]
                return told

    told = await anyio.to_thread.run_sync(asking)
    assert told == ["c1"] * 6 + ["c2"] * 3


async def test_a_run_is_refused_where_something_is_followed(bench: Bench) -> None:
    made = await bench.open()
    follow = word(follow={"session": made.id})
    run = word(run={"session": made.id, "code": "1"})
    replies = await bench.raw(follow, run, replies=2)
    assert replies[1]["refused"]["code"] == "conflict"
    assert (await bench.code.get(made.id)).cells == 0


async def test_a_run_that_is_left_ends_on_the_server_and_the_cell_goes_on(bench: Bench) -> None:
    made = await bench.open()
    async with aclosing(bench.code.run(made.id, "import time\ntime.sleep(60)")) as events:
        assert isinstance((await anext(events)).fact, CellEntered)
        await until(lambda: bench.fake.code.following == 1)
    await until(lambda: bench.fake.code.following == 0)
    assert (await bench.code.get(made.id)).state is CodeState.BUSY


async def test_as_many_connections_are_kept_as_were_in_use(bench: Bench) -> None:
    made = await bench.open()

    async def run() -> None:
        async with aclosing(bench.code.run(made.id, "1")) as events:
            assert [event async for event in events]

    for _ in range(3):
        async with anyio.create_task_group() as group:
            for _ in range(20):
                group.start_soon(run)
        assert len(bench.control._connections._talks) == 20


async def test_large_code_goes_another_way(bench: Bench) -> None:
    made = await bench.open()
    code = "kept = 1 #" + "x" * (limits.FRAME_MOST + 10)
    cell = await bench.code.execute(made.id, code)
    events = await followed(bench, made.id, cell.id)
    assert events[0].fact == CellEntered(cell.id, 1, code)
    async with aclosing(bench.code.run(made.id, code)) as running:
        assert (await anext(running)).fact == CellEntered("c2", 2, code)
    with pytest.raises(BadInput, match="larger than"):
        await bench.code.execute(made.id, "x" * limits.BODY_MOST)


async def test_what_rests_when_a_daemon_goes_is_not_used_with_the_next(tmp_path: Path) -> None:
    socket = tmp_path / "d" / "s"
    control = RemoteControl(socket)
    blocking = SyncControl(socket)
    for _ in range(2):
        stop, ready = anyio.Event(), anyio.Event()
        fake = FakeControl()
        made = await fake.code.open(CodeSpec(cwd="/"))
        async with anyio.create_task_group() as group:
            serving = partial(
                serve,
                fake,
                socket,
                version=__version__,
                audit=Audit(socket.with_suffix(".audit")),
                on_ready=ready.set,
                shutdown_event=stop,
            )
            group.start_soon(serving)
            await ready.wait()
            await control.code.execute(made.id, "1")
            await control.code.get(made.id)
            await anyio.to_thread.run_sync(blocking.code.execute, made.id, "1")
            stop.set()
    control._connections.close()
    blocking.close()


# ── followings that do not go on ──────────────────────────────────────────────


async def test_who_falls_behind_is_told_and_goes_on_where_it_was(bench: Bench) -> None:
    made = await bench.open()
    for _ in range(5):
        await bench.code.execute(made.id, "1")
    await bench.code.close(made.id)
    seen = [0]

    async def read_on() -> None:
        async for event in bench.code.follow(made.id, seen[-1]):
            seen.append(event.seq)  # noqa: PERF401 - what came before an error counts

    bench.fake.code.behind_after = 4
    for _ in range(3):
        with pytest.raises(FellBehind):
            await read_on()
    bench.fake.code.behind_after = None
    await read_on()
    assert seen[1:] == [event.seq for event in await bench.code.transcript(made.id)]
    assert len(bench.control._connections._talks) == 1


async def test_one_that_never_reads_delays_nobody(bench: Bench) -> None:
    made = await bench.open()
    lazy = bench.code.follow(made.id, 0)
    await anext(lazy)
    for _ in range(100):
        await bench.code.execute(made.id, f"print({'x' * 60_000!r})")
    cell = await bench.code.execute(made.id, "1")
    assert isinstance((await followed(bench, made.id, cell.id))[-1].fact, CellEnded)
    await lazy.aclose()
    await until(lambda: bench.fake.code.following == 0)


async def test_a_following_says_when_the_daemon_goes() -> None:
    fake = FakeControl()
    made = await fake.code.open(CodeSpec(cwd="/"))
    async with served(fake) as socket:
        control = SyncControl(socket)
        following = await anyio.to_thread.run_sync(control.code.follow, made.id)
    with following, pytest.raises(DaemonUnreachable):
        await anyio.to_thread.run_sync(following.recv)


async def test_an_event_that_no_client_takes_is_named(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await bench.open()
    cell = await bench.code.execute(made.id, f"print({'x' * 5000!r})")
    monkeypatch.setattr(limits, "EVENT_MOST", 5000)
    with pytest.raises(Unable, match="event 2"):
        await followed(bench, made.id, cell.id)


# ── words that mean nothing ───────────────────────────────────────────────────


async def test_words_that_mean_nothing_are_refused_one_by_one(bench: Bench) -> None:
    made = await bench.open()
    bad = (
        *(b"", b"{", b"null", b"[]", b"1", b"{}", b"[" * 100_000, b'"\\udcff"'),
        word(sing={}),
        word(execute={}),
        word(execute={"session": made.id}),
        word(execute={"session": made.id, "code": 1}),
        word(execute={"session": made.id, "code": "1", "options": {"stdin": 1}}),
        word(execute={"session": made.id, "code": "1"}, follow={"session": made.id}),
        word(run={"session": made.id}),
        word(run={"session": made.id, "code": "1"}, execute={"session": made.id, "code": "1"}),
        word(run={"session": made.id, "code": "1"}, follow={"session": made.id}),
        word(follow={"session": made.id, "since": -1}),
        word(follow={"session": made.id, "since": 1 << 64}),
        word(follow={"session": made.id, "cell": 3}),
    )
    last = word(execute={"session": made.id, "code": "1"})
    *replies, good = await bench.raw(*bad, last, replies=len(bad) + 1)
    for said, reply in zip(bad, replies, strict=True):
        assert reply["refused"]["code"] == "bad-input", said
    assert good["cell"]["number"] == 1


async def test_a_second_following_is_refused_and_the_first_goes_on(bench: Bench) -> None:
    made = await bench.open()
    replies = await bench.raw(
        word(follow={"session": made.id}),
        word(follow={"session": made.id}),
        word(execute={"session": made.id, "code": "1"}),
        replies=6,
    )
    assert replies[1]["refused"]["code"] == "conflict"
    assert sorted(next(iter(reply)) for reply in replies[2:]) == ["cell", "seq", "seq", "seq"]


async def test_a_word_beyond_the_limit_ends_the_connection(bench: Bench) -> None:
    made = await bench.open()
    code = "x" * limits.FRAME_MOST
    with pytest.raises(DaemonUnreachable):
        await bench.raw(word(execute={"session": made.id, "code": code}), replies=1)
    assert (await bench.code.get(made.id)).cells == 0


# ── without a loop ────────────────────────────────────────────────────────────


async def test_a_blocking_following_has_begun_when_it_is_there(bench: Bench) -> None:
    made = await bench.open()

    def following() -> list[CodeEvent | None]:
        with SyncControl(bench.socket) as control:
            with control.code.follow(made.id) as events:
                assert events.recv(0) is None
                control.code.execute(made.id, "1")
                got = [events.recv(10) for _ in range(3)]
                assert events.recv(0) is None
                assert not events.over
            with control.code.run(made.id, "2") as events:
                assert [type(event.fact) for event in events] == [CellEntered, CellBegan, CellEnded]
                assert events.over
            with control.code.follow(made.id, 0) as events:
                control.code.close(made.id)
                got += list(events)
                assert events.over
                events.close()
            with pytest.raises(SessionEnded):
                control.code.execute(made.id, "1")
            with pytest.raises(SessionEnded):
                control.code.run(made.id, "1")
            with pytest.raises(SessionNotFound):
                control.code.follow("nobody")
            return got

    got = await anyio.to_thread.run_sync(following)
    kinds = [type(event.fact) for event in got if event is not None]
    assert kinds[:3] == [CellEntered, CellBegan, CellEnded]
    assert [event.seq for event in got[3:] if event is not None] == [*range(1, 9)]
