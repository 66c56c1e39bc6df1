"""Clients of a daemon's terminals, in a process of their own.

    python -m tools.bench.server_streams_side flood SOCKET FILE READERS
    python -m tools.bench.server_streams_side echo SOCKET TRIES PAUSE
    python -m tools.bench.server_streams_side drain SOCKET TASK

``flood`` times a `cat` of the file on a terminal, from its submission until each reader has its
last byte; ``echo`` times what is typed into `cat`; ``drain`` reads a terminal until it is killed.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from time import perf_counter, sleep
from typing import Final

import anyio

from inspan.client.remote import RemoteControl
from inspan.client.sync import SyncControl
from inspan.model.event import Spawned
from inspan.model.session import Output
from inspan.model.task import Patience, Task, TaskSpec

#: The kind of the event with which there is something to read.
BEGUN: Final = Spawned.kind


def spec(*command: str) -> TaskSpec:
    """A task on a terminal that nothing limits."""
    patience = Patience(deadline=None, idle=None, lifted=True)
    env = {"PATH": os.environ["PATH"], "TERM": "xterm-256color"}
    return TaskSpec(command=command, cwd="/", env=env, patience=patience)


def submitted(control: SyncControl, *command: str) -> Task:
    """A task that has begun."""
    task = control.submit(spec(*command))
    with control.watch(task.seq, task=task.id) as events:
        next(event for event in events if event.kind == BEGUN)
    return task


async def flood(socket: Path, file: str, readers: int) -> list[tuple[float, int]]:
    """Of each reader the seconds and the bytes."""
    took: list[tuple[float, int]] = []
    async with RemoteControl.connect(socket) as control:
        began = perf_counter()
        task = await control.submit(spec("cat", file))
        async for event in control.watch(task.seq, task=task.id):
            if event.kind == BEGUN:
                break

        async def reading() -> None:
            size = 0
            async with control.attach(task.id) as terminal:
                async for chunk in terminal:
                    size += len(chunk.data) if isinstance(chunk, Output) else 0
            took.append((perf_counter() - began, size))

        async with anyio.create_task_group() as group:
            for _ in range(readers):
                group.start_soon(reading)
    return took


def echo(socket: Path, tries: int, pause: float) -> list[float]:
    """Seconds from each key to its echo."""
    took = []
    with SyncControl(socket) as control:
        task = submitted(control, "/bin/sh", "-c", "stty raw -echo; printf r; exec cat")
        with control.attach(task.id, writer=True) as terminal:
            while not isinstance(terminal.recv(), Output):
                pass
            for _ in range(tries):
                began = perf_counter()
                terminal.write(b"x")
                while not isinstance(terminal.recv(), Output):
                    pass
                took.append(perf_counter() - began)
                sleep(pause)
        control.cancel(task.id, force=True)
    return took


def drain(socket: Path, task: str) -> None:
    """Read on."""
    with SyncControl(socket) as control, control.attach(task) as terminal:
        for _ in terminal:
            pass


def main() -> None:
    what, socket, *words = sys.argv[1:]
    match what:
        case "flood":
            print(json.dumps(anyio.run(flood, Path(socket), words[0], int(words[1]))))
        case "echo":
            print(json.dumps(echo(Path(socket), int(words[0]), float(words[1]))))
        case _:
            drain(Path(socket), words[0])


if __name__ == "__main__":
    main()
