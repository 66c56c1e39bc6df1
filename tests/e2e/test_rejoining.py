"""Streams of the library go on where a daemon, or the way to it, was lost: at the same byte."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing

import pytest

import inspan
from inspan.client.address import Address, parse
from inspan.client.rejoin import Rejoin
from inspan.client.remote import RemoteControl
from inspan.client.sync import SyncControl
from inspan.control import Control, EventQuery
from inspan.errors import DaemonUnreachable
from inspan.model.event import Event
from inspan.model.session import Output
from inspan.model.task import Task, TerminalSpec
from tests.real.console import Console
from tests.real.cutting import Cutting
from tests.real.daemon import PATIENCE, Daemon, until

pytestmark = [pytest.mark.timeout(180), pytest.mark.requirement("A9", "C3", "C6")]

#: As the doors have it, but sooner.
SOON = Rejoin(every=0.2)
LINES = "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); echo line $i of what is followed; done"
DUE = b"".join(b"line %d of what is followed\r\n" % n for n in range(1, 20001))
#: Where one connection after the other ends: after a piece of a frame, of a header, of a word.
CUTS = (30_000, 7, 111_111, 2000, 400, 3)
TASKS = 30


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    with Daemon() as made:
        yield made


class Way:
    """A daemon that is reached by a port, and a way there that is cut."""

    def __init__(self, console: Console, way: Cutting) -> None:
        self.cutting = way
        url = str(json.loads(console.say("up", "--json"))["url"])
        way.leads_to(url)
        self.token = console.say("token", "new", "write", "--scope", "write")
        self.sound = SyncControl(parse(url, token=self.token))
        self.address: Address = parse(f"http://127.0.0.1:{way.port}", token=self.token)

    def told(self) -> list[Event]:
        """All that has happened."""
        events: list[Event] = []
        while page := self.sound.history(EventQuery(since=events[-1].seq if events else 0)):
            events += page
        return events

    def handed_in(self) -> Task:
        """Some tasks, and one that prints and has ended."""
        spec = inspan.TaskSpec(command=("true",), cwd="/")
        made = self.sound.submit_all([spec] * TASKS)
        for task in made:
            self.sound.wait(task.id)
        task = self.sound.submit(inspan.TaskSpec(command=("sh", "-c", LINES), cwd="/"))
        return self.sound.wait(task.id)


@pytest.fixture
def way() -> Iterator[Way]:
    with Cutting() as cutting:
        config = f"server: {{listen: '127.0.0.1:0', hosts: ['127.0.0.1:{cutting.port}']}}\n"
        with Console(config) as console:
            way = Way(console, cutting)
            with way.sound:
                yield way


def test_what_is_followed_goes_on_where_the_way_was_cut(way: Way) -> None:
    task = way.handed_in()
    told = way.told()
    way.cutting.cut_after(*CUTS)
    with SyncControl(way.address, SOON) as control:
        with control.attach(task.id) as attached:
            printed = b"".join(c.data for c in attached if isinstance(c, Output))
        assert printed == DUE
        assert way.cutting.cut == len(CUTS)
        way.cutting.cut_after(3000, 5, 900)
        seen: list[Event] = []
        with control.watch(0) as events:
            while len(seen) < len(told):
                event = events.recv(PATIENCE)
                assert event is not None
                seen.append(event)
        assert seen == told
        assert way.cutting.cut == len(CUTS) + 3


def test_with_a_loop_it_goes_on_too(way: Way) -> None:
    task = way.handed_in()
    told = way.told()

    async def followed() -> None:
        async with RemoteControl.connect(way.address, SOON) as control:
            way.cutting.cut_after(*CUTS)
            async with control.attach(task.id) as attached:
                printed = [c.data async for c in attached if isinstance(c, Output)]
            assert b"".join(printed) == DUE
            assert way.cutting.cut == len(CUTS)
            way.cutting.cut_after(3000, 5, 900)
            assert await taken(control.watch(0), len(told)) == told
            assert way.cutting.cut == len(CUTS) + 3

    asyncio.run(followed())


async def taken(events: AsyncGenerator[Event, None], most: int) -> list[Event]:
    seen: list[Event] = []
    async with aclosing(events):
        async for event in events:
            seen.append(event)
            if len(seen) == most:
                break
    return seen


def test_a_daemon_that_was_killed_and_came_again_is_gone_on_with(daemon: Daemon) -> None:
    """The same watch and the same attachment, over three daemons; the task runs through them."""
    lines = "for i in 1 2 3 4; do read word; echo $i $word; done"

    async def followed() -> None:
        async with RemoteControl.connect(daemon.places.daemon_socket, SOON) as control:
            task = await control.submit(
                daemon.spec("sh", "-c", lines, terminal=TerminalSpec(pty=False))
            )
            events = control.watch(0)
            seen: list[Event] = []
            while not seen or seen[-1].kind != "attempt.spawned":
                seen.append(await anext(events))
            async with control.attach(task.id) as attached, aclosing(events):
                printed = aiter(attached)
                for turn in range(1, 5):
                    await _sent(control, task.id)
                    got = b""
                    while not got.endswith(b"\n"):
                        chunk = await anext(printed)
                        got += chunk.data if isinstance(chunk, Output) else b""
                    assert got == b"%d on\n" % turn
                    if turn < 3:
                        daemon.kill()
                        await asyncio.to_thread(daemon.start)
                while seen[-1].kind != "task.completed":
                    seen.append(await anext(events))
            told = await control.history()
            assert tuple(seen) == told[: len(seen)]

    asyncio.run(followed())


async def _sent(control: Control, task: str) -> None:
    """Handed to what runs, also by a daemon that is about to take it up again."""
    for _ in range(200):
        try:
            await control.send(task, b"on\n")
        except inspan.InspanError:
            await asyncio.sleep(0.05)
        else:
            return
    raise AssertionError("nobody took it")


def test_the_doors_find_back_and_have_ones_own_daemon_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Daemon() as daemon:
        for name, value in daemon.env.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)

        async def with_a_loop() -> str:
            async with inspan.open() as control:
                task = await control.submit(daemon.spec("sh", "-c", "read x"))
                async with aclosing(control.watch(task.seq, task=task.id)) as events:
                    while (await anext(events)).kind != "attempt.spawned":
                        pass
                    daemon.kill()
                    # Nobody but the watch has the next one started.
                    typing = asyncio.create_task(_sent(control, task.id))
                    while (event := await anext(events)).kind != "task.completed":
                        pass
                    await typing
                    return event.kind

        assert asyncio.run(with_a_loop()) == "task.completed"
        with inspan.sync.open() as control, control.watch(0) as events:
            assert events.recv(PATIENCE) is not None
            # Whoever is told to stop is not started again; that is said, and not after a minute.
            control.shutdown()
            until(lambda: not daemon.places.daemon_socket.exists(), "the daemon to leave")
            with pytest.raises(DaemonUnreachable, match="the daemon was stopped"):
                all(iter(lambda: events.recv(PATIENCE), None))


def test_who_does_not_want_it_is_told_at_once(daemon: Daemon) -> None:
    async def lost() -> None:
        async with RemoteControl.connect(daemon.places.daemon_socket) as control:
            task = await control.submit(daemon.spec("true", not_before=2e9))
            async with aclosing(control.watch(0)) as events:
                assert (await anext(events)).task == task.id
                daemon.kill()
                while True:
                    await anext(events)

    with pytest.raises(DaemonUnreachable):
        asyncio.run(lost())
    daemon.start()
    with daemon.control() as control, control.watch(0) as events:
        assert events.recv(PATIENCE)
        daemon.kill()
        with pytest.raises(DaemonUnreachable):
            all(iter(lambda: events.recv(PATIENCE), None))


def test_from_now_on_without_a_word_yet_cannot_be_taken_up(daemon: Daemon) -> None:
    """What happened meanwhile would be missing, and nobody would know."""
    with SyncControl(daemon.places.daemon_socket, SOON) as control, control.watch() as events:
        daemon.kill()
        daemon.start()
        with pytest.raises(DaemonUnreachable, match="nothing had come") as raised:
            events.recv(PATIENCE)
        assert "since" in str(raised.value.hint)
