"""The real engine, store and keeper, with programs that do as a test says."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import SocketListener, SocketStream, TaskGroup
from anyio.streams.buffered import BufferedByteReceiveStream

from inspan.app import engine
from inspan.control import Control
from inspan.engine.engine import Engine
from inspan.model.session import Ended, Output
from inspan.model.task import Patience, Task, TaskSpec
from inspan.settings import Settings
from inspan.settings.places import Places, locate
from inspan.terminal.announce import Waiting, encode
from tests.real.daemon import end_keeper

#: Tells who it is, then obeys one order a line; its terminal passes every byte as it is.
PUPPET = """
import json, os, signal, socket, sys, termios, tty
signal.signal(signal.SIGINT, signal.SIG_DFL)
tty.setraw(1)
modes = termios.tcgetattr(1)
modes[3] |= termios.ISIG
termios.tcsetattr(1, termios.TCSANOW, modes)
link = socket.socket(socket.AF_UNIX)
link.connect(sys.argv[1])
lines = link.makefile("rb")
link.sendall(b"%d\\n" % os.getpid())
for line in lines:
    order = json.loads(line)
    if "end" in order:
        os._exit(order["end"])
    data = bytes.fromhex(order["print"])
    while data:
        data = data[os.write(1, data):]
    link.sendall(b"done\\n")
"""


class PuppetHand:
    """The hand of an engine: each program is on a line to it."""

    def __init__(self, control: Control, socket: Path) -> None:
        self.control = control
        self.spec = TaskSpec(
            command=(sys.executable, "-c", PUPPET, os.fspath(socket)),
            cwd="/",
            env={"PATH": os.environ["PATH"]},
            patience=Patience(deadline=60.0, grace=2.0),
        )
        self._streams: list[SocketStream] = []
        self._lines: dict[int, tuple[SocketStream, BufferedByteReceiveStream]] = {}
        self._printed: dict[str, int] = {}
        self._news = anyio.Event()

    async def meet(self, listener: SocketListener, group: TaskGroup) -> None:
        """Take in whoever comes; they stay until the stage is left."""
        while True:
            stream = await listener.accept()
            self._streams.append(stream)
            group.start_soon(self._introduced, stream)

    async def _introduced(self, stream: SocketStream) -> None:
        lines = BufferedByteReceiveStream(stream)
        try:
            pid = int(await lines.receive_until(b"\n", 100))
        except (anyio.IncompleteRead, anyio.BrokenResourceError):
            return  # it was stopped before it had said who it is
        self._lines[pid] = stream, lines
        news, self._news = self._news, anyio.Event()
        news.set()

    async def start(self, task: Task) -> None:
        await self._line(task)

    async def prints(self, task: Task, data: bytes, *, stream: str = "out") -> None:
        assert stream == "out"
        await self._tell(task, {"print": data.hex()})
        self._printed[task.id] = self._printed.get(task.id, 0) + len(data)
        await self._recorded(task)

    async def asks(self, task: Task, question: str) -> None:
        await self._tell(task, {"print": encode(Waiting("question", question)).hex()})

    async def ends(self, task: Task, code: int = 0) -> None:
        stream, _ = await self._line(task)
        await stream.send(json.dumps({"end": code}).encode() + b"\n")

    async def leave(self) -> None:
        """Hang up on every program that has come; nobody is taken in any more."""
        for stream in self._streams:
            await stream.aclose()

    async def _tell(self, task: Task, order: dict[str, Any]) -> None:
        stream, lines = await self._line(task)
        await stream.send(json.dumps(order).encode() + b"\n")
        await lines.receive_until(b"\n", 100)

    async def _line(self, task: Task) -> tuple[SocketStream, BufferedByteReceiveStream]:
        """The line to a task's program, once it is alive and has called."""
        async for _ in self.control.watch(0, task=task.id):
            pid = (await self.control.get(task.id)).pid
            if pid is not None:
                while pid not in self._lines:
                    await self._news.wait()
                return self._lines[pid]
        raise AssertionError("a watch ended by itself")

    async def _recorded(self, task: Task) -> None:
        due = self._printed[task.id]
        async with self.control.attach(task.id, offset=due - 1) as terminal:
            async for chunk in terminal:
                if isinstance(chunk, Output | Ended):
                    return


@asynccontextmanager
async def _in_a_folder() -> AsyncIterator[Places]:
    """Places in a folder of their own, which goes when its keeper has ended."""
    with tempfile.TemporaryDirectory(prefix="inspan-") as folder:
        places = locate({"INSPAN_HOME": folder, "XDG_RUNTIME_DIR": folder})
        try:
            yield places
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(end_keeper, places)


@asynccontextmanager
async def lone_engine() -> AsyncIterator[tuple[Engine, Places]]:
    """A whole engine without a task, with a keeper of its own; its code sessions are closed."""
    async with _in_a_folder() as places, engine(places, Settings()) as running:
        try:
            yield running, places
        finally:
            with anyio.CancelScope(shield=True):
                await running.code.close_all()


@asynccontextmanager
async def engine_hand() -> AsyncIterator[PuppetHand]:
    """A whole engine of its own, with a keeper of its own."""
    async with _in_a_folder() as places:
        line = places.state_dir / "line"
        async with (
            await anyio.create_unix_listener(line) as listener,
            engine(places, Settings()) as control,
        ):
            hand = PuppetHand(control, line)
            try:
                async with anyio.create_task_group() as group:
                    group.start_soon(hand.meet, listener, group)
                    yield hand
                    group.cancel_scope.cancel()
            finally:
                with anyio.CancelScope(shield=True):
                    await control.interrupt_all("the test is over")
                    await hand.leave()
