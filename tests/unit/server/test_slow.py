"""Clients that take nothing, or say nothing: what they cost, and how they are let go."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

from inspan.client import calls, wire
from inspan.client.address import own, parse
from inspan.client.remote import RemoteControl
from inspan.model import wire as frames
from inspan.model.listen import listen_at
from inspan.model.session import Output
from inspan.model.task import Task
from inspan.model.timeouts import DEFAULT
from inspan.model.wire import PINGED_HEADER
from inspan.server.net import Network, bound
from inspan.server.tokens import Tokens
from inspan.server.visitor import Scope
from tests.fakes.control import FakeControl
from tests.fakes.hands import served
from tests.fakes.rawsocket import RawSocket, upgraded
from tests.fakes.terminal import FakeTerminal

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.requirement("A5", "C3", "C6"),
    pytest.mark.timeout(120),
]

DOCS = Path(__file__).parents[3] / "docs" / "network.md"
#: More than all the buffers between a client and the server hold.
MUCH = bytes(48 << 20)
#: What they hold at most; a client may cost 32 MB.
HELD = 16 << 20


class Served:
    """A fake with one running task, at a socket and on the network."""

    def __init__(self, fake: FakeControl, task: Task, path: Path, port: int, token: str) -> None:
        self.fake = fake
        self.task = task
        self.path = path
        self.at = ("127.0.0.1", port)
        self.headers = {"authorization": f"Bearer {token}"}

    @property
    def terminal(self) -> str:
        return f"/v1/sessions/{self.task.id}/terminal"


@asynccontextmanager
async def at_a_port(folder: Path) -> AsyncIterator[Served]:
    tokens = Tokens(folder / "tokens.json")
    token = tokens.make("test", [Scope.ADMIN], now=0.0)
    fake = FakeControl()
    task = await fake.submit_running()
    network: Network
    with bound(listen_at("127.0.0.1:0"), tokens, **PINGS) as network:
        async with served(fake, network=network) as path:
            yield Served(fake, task, path, network.port, token)


async def until(condition: Callable[[], bool]) -> None:
    with anyio.fail_after(60):
        while not condition():
            await anyio.lowlevel.checkpoint()


#: How the daemon of a test pings.
PINGS: Final = {"ping": 30.0, "pong": 10.0}


def pinged(monkeypatch: pytest.MonkeyPatch, interval: float, patience: float) -> None:
    monkeypatch.setitem(PINGS, "ping", interval)
    monkeypatch.setitem(PINGS, "pong", patience)


def test_pings_come_as_often_as_the_documents_say() -> None:
    interval, patience = DEFAULT.ping, DEFAULT.pong
    assert (interval, patience) == (PINGS["ping"], PINGS["pong"])
    told = " ".join(DOCS.read_text().split())
    assert f"pinged every {interval:g} s, and given up {patience:g} s later" in told


def test_every_close_code_is_documented() -> None:
    told = DOCS.read_text()
    assert all(f"| {code} |" in told for code in frames.CLOSES)


async def test_who_never_reads_is_let_go_and_told_why_while_others_get_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pinged(monkeypatch, 0.05, 0.05)
    shown: list[FakeTerminal] = []
    monkeypatch.setattr(FakeTerminal, "__init__", _noting(shown, FakeTerminal.__init__))

    def never_reading(bench: Served) -> RawSocket:
        with upgraded(bench.at, f"{bench.terminal}?writer=true", bench.headers) as mute:
            anyio.from_thread.run(_let_go, bench)
            mute.to_the_end()
            return mute

    async with at_a_port(tmp_path) as bench, RemoteControl.connect(bench.path) as control:
        bench.fake.prints(bench.task.id, MUCH)
        mute = await anyio.to_thread.run_sync(never_reading, bench)
        assert mute.closed == frames.CLOSE_FELL_BEHIND
        sent = sum(len(payload) - 9 for _, payload in mute.heard)
        # No more was read for it than fits between it and the server.
        assert 0 < sent <= shown[0]._offset + (1 << 16) < HELD
        got = 0
        async with control.attach(bench.task.id) as other:
            async for chunk in other:
                got += len(chunk.data) if isinstance(chunk, Output) else 0
                if got == len(MUCH):
                    break


async def _let_go(bench: Served) -> None:
    """Return when nobody types there any more, though its client has not left."""
    (session,) = bench.fake.sessions.values()
    await until(lambda: session.writer is None)


def _noting(shown: list[FakeTerminal], make: Callable[..., None]) -> Callable[..., None]:
    def noting(self: FakeTerminal, *words: object) -> None:
        make(self, *words)
        shown.append(self)

    return noting


async def test_who_says_nothing_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pinged(monkeypatch, 0.05, 0.05)

    def silent(bench: Served) -> int | None:
        with upgraded(bench.at, "/v1/events", bench.headers) as mute:
            mute.to_the_end()
            return mute.closed

    async with at_a_port(tmp_path) as bench:
        assert await anyio.to_thread.run_sync(silent, bench) == frames.CLOSE_SILENT
        await until(lambda: bench.fake.watching == 0)


async def test_who_answers_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pinged(monkeypatch, 0.02, 60.0)

    def answering(bench: Served) -> int:
        with upgraded(bench.at, "/v1/events", bench.headers) as client:
            for _ in range(5):
                (ping,) = _pings(client)
                client.say(wire.PONG, ping)
            return bench.fake.watching

    async with at_a_port(tmp_path) as bench:
        assert await anyio.to_thread.run_sync(answering, bench) == 1


def _pings(client: RawSocket) -> list[bytes]:
    raw = client.link.recv(1 << 16)
    assert raw[:2] == b"\x89\x04", raw
    return [raw[start + 2 : start + 6] for start in range(0, len(raw), 6)]


async def test_at_the_socket_who_is_far_is_pinged_and_nobody_else() -> None:
    """A socket that SSH brought to somebody is held open here whatever became of them."""
    fake = FakeControl()

    def silent(path: Path, headers: dict[str, str]) -> int | None:
        with upgraded(path, "/v1/events", headers) as mute:
            mute.to_the_end()
            return mute.closed

    async with served(fake, ping=0.05, pong=0.05) as path:
        near = RemoteControl(path)
        events = near.watch(0)
        task = await fake.submit_running()
        first = await anext(events)
        far = {PINGED_HEADER: "1"}
        assert await anyio.to_thread.run_sync(silent, path, far) == frames.CLOSE_SILENT
        await fake.cancel(task.id)
        # That one read nothing meanwhile, as a program may that thinks for a while.
        assert (await anext(events)).seq > first.seq
        await events.aclose()
    for address, said in ((parse(f"unix://{path}"), True), (own(path), False)):
        raw, _ = calls.upgrade("/v1/events", far=address.far)
        assert (PINGED_HEADER.encode() in raw) is said


async def test_who_pings_and_never_reads_costs_no_more() -> None:
    """Answers that nobody takes are not kept."""
    fake = FakeControl()
    task = await fake.submit_running()
    fake.prints(task.id, MUCH)

    def pinging(path: Path) -> int:
        with upgraded(path, f"/v1/sessions/{task.id}/terminal") as mute:
            ping = wire.masked(wire.PING, bytes(125), b"mask")
            for _ in range(200):
                mute.link.sendall(ping * 1000)
            mute.say(wire.CLOSE, b"")
            pongs = 0
            while raw := mute.link.recv(1 << 20):
                pongs += raw.count(b"\x8a\x7d")
            return pongs

    async with served(fake) as path:
        # A few may have been answered before the first megabytes were on their way.
        assert await anyio.to_thread.run_sync(pinging, path) < 100_000
