"""One round of submissions, in a process of its own.

    python -m tools.bench.server_submits_side here|rest|apart FOLDER CALLERS TASKS BATCH
    python -m tools.bench.server_submits_side waits FOLDER QUEUED TASKS
    python -m tools.bench.server_submits_side serve FOLDER SOCKET

``here`` asks the engine itself; ``rest`` asks a server over the same engine, which has a process of
its own (``serve``), and so does ``apart``, with a client for each caller. What is handed in stays
in the queue: the first task of all has the only slot.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from time import perf_counter

import anyio

from inspan import __version__
from inspan.client.remote import RemoteControl
from inspan.control import Control
from inspan.daemon import collect_rarely
from inspan.server.audit import Audit
from inspan.server.serve import serve
from tools.bench.engines import SPEC, Standing, engine_of_nothing

#: The most tasks that one request may bring.
BATCH_MOST = 1000


@asynccontextmanager
async def here(folder: Path) -> AsyncIterator[Control]:
    """The engine in this process, with one task at work."""
    collect_rarely()  # as the daemon does
    async with engine_of_nothing(folder, 1, Standing()) as (engine, _, _):
        await _stand(engine)
        yield engine


@asynccontextmanager
async def rest(folder: Path) -> AsyncIterator[Control]:
    """The same behind a server, through the client for asyncio."""
    async with served(folder) as socket, RemoteControl.connect(socket) as control:
        await _stand(control)
        yield control


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[Path]:
    """The socket of a server in a process of its own."""
    with tempfile.TemporaryDirectory() as sockets:  # a socket's path must be short
        socket = Path(sockets) / "server" / "s"
        command = [sys.executable, "-m", "tools.bench.server_submits_side", "serve"]
        with subprocess.Popen(  # noqa: ASYNC220 - nothing else is at work yet
            [*command, str(folder), str(socket)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as server:
            assert server.stdin is not None
            assert server.stdout is not None
            try:
                server.stdout.readline()
                yield socket
            finally:
                server.stdin.close()


async def _stand(control: Control) -> None:
    task = await control.submit(SPEC)
    async for event in control.watch(0, task=task.id):
        if event.kind == "attempt.started":
            return


async def serving(folder: Path, socket: Path) -> None:
    """Until the standard input ends."""
    stop = anyio.Event()

    async def until_left() -> None:
        await anyio.to_thread.run_sync(sys.stdin.read, abandon_on_cancel=True)
        stop.set()

    collect_rarely()
    nothing = engine_of_nothing(folder, 1, Standing())
    async with nothing as (engine, _, _), anyio.create_task_group() as group:
        group.start_soon(until_left)
        await serve(
            engine,
            socket,
            version=__version__,
            audit=Audit(folder / "audit"),
            on_ready=partial(print, "ready", flush=True),
            shutdown_event=stop,
        )


async def rate(side: str, folder: Path, callers: int, tasks: int, batch: int) -> float:
    """Tasks per second, where ``callers`` hand in side by side, each waiting for its own commit."""

    async def submitting(control: Control) -> None:
        for _ in range(tasks // callers // batch):
            if batch == 1:
                await control.submit(SPEC)
            else:
                await control.submit_all([SPEC] * batch)

    async with AsyncExitStack() as stack:
        if side == "apart":
            socket = await stack.enter_async_context(served(folder))
            clients = [RemoteControl.connect(socket) for _ in range(callers)]
            controls: list[Control] = [await stack.enter_async_context(one) for one in clients]
            await _stand(controls[0])
        else:
            control = await stack.enter_async_context({"here": here, "rest": rest}[side](folder))
            controls = [control] * callers
        for number in range(max(20, callers)):  # warms up
            await controls[number % callers].submit(SPEC)
        began = perf_counter()
        async with anyio.create_task_group() as group:
            for control in controls:
                group.start_soon(submitting, control)
        return tasks / (perf_counter() - began)


async def waits(folder: Path, queued: int, tasks: int) -> list[float]:
    """How long each of ``tasks`` takes, one by one, behind ``queued`` others."""
    async with rest(folder) as control:
        for _ in range(queued // BATCH_MOST):
            await control.submit_all([SPEC] * BATCH_MOST)
        took = []
        for number in range(tasks + 20):
            began = perf_counter()
            await control.submit(SPEC)
            if number >= 20:  # the first ones warm up
                took.append(perf_counter() - began)
        return took


def main() -> None:
    what, folder, *words = sys.argv[1:]
    if what == "serve":
        anyio.run(serving, Path(folder), Path(words[0]))
        os._exit(0)  # not the thread that reads its input
    with tempfile.TemporaryDirectory(dir=folder) as made:
        if what == "waits":
            queued, tasks = map(int, words)
            print(json.dumps(anyio.run(waits, Path(made), queued, tasks)))
        else:
            callers, tasks, batch = map(int, words)
            print(json.dumps(anyio.run(rate, what, Path(made), callers, tasks, batch)))


if __name__ == "__main__":
    main()
