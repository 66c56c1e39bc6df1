"""Our side: the keeper, its recording, and a client that follows it, in a process of its own.

    python -m tools.bench.pty_keeper flood FOLDER FILE
    python -m tools.bench.pty_keeper echo FOLDER TRIES PAUSE

The client follows as the daemon does: the keeper says how far the recording has grown, and the
bytes are read from the recording.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from time import perf_counter

from inspan.keeper.client import KeeperClient
from inspan.model.ids import session_id, ulid
from inspan.model.session import Output
from inspan.providers.keeping import Keeping
from inspan.store.recordings import Recordings

ENV = {"PATH": os.environ["PATH"], "TERM": "xterm-256color"}


@asynccontextmanager
async def keeper(folder: Path) -> AsyncIterator[tuple[KeeperClient, Recordings]]:
    """A keeper of our own, ended with the block."""
    with tempfile.TemporaryDirectory() as sockets:  # a socket's path must be short
        keeping = Keeping(Path(sockets) / "keeper.sock", folder)
        client = await keeping.client()
        try:
            yield client, Recordings(folder / "recordings", keeping.client)
        finally:
            await client.shutdown(force=True)
            await keeping.close()


def new_session() -> str:
    return session_id(ulid(0.0, os.urandom(10)), 1)


async def flood(folder: Path, source: str) -> dict[str, float]:
    async with keeper(folder) as (client, recordings):
        session = new_session()
        where = str(recordings.folder(session))
        size = 0
        began = perf_counter()
        await client.spawn(session=session, argv=["cat", source], cwd="/", env=ENV, folder=where)
        async with aclosing(recordings.follow(session, 0)) as chunks:
            async for chunk in chunks:
                size += len(chunk.data) if isinstance(chunk, Output) else 0
        return {"seconds": perf_counter() - began, "size": size}


async def echo(folder: Path, tries: int, pause: float) -> dict[str, list[float]]:
    async with keeper(folder) as (client, recordings):
        session = new_session()
        where = str(recordings.folder(session))
        script = "stty raw -echo; printf r; exec cat"
        argv = ["/bin/sh", "-c", script]
        await client.spawn(session=session, argv=argv, cwd="/", env=ENV, folder=where)
        took = []
        async with aclosing(recordings.follow(session, 0)) as chunks:
            outputs = (chunk async for chunk in chunks if isinstance(chunk, Output))
            await anext(outputs)
            for _ in range(tries):
                began = perf_counter()
                await client.write(session, b"x")
                await anext(outputs)
                took.append(perf_counter() - began)
                if pause:
                    await asyncio.sleep(pause)
        await client.kill(session)
        return {"seconds": took}


def main() -> None:
    what, folder, *words = sys.argv[1:]
    with tempfile.TemporaryDirectory(dir=folder) as here:
        if what == "flood":
            print(json.dumps(asyncio.run(flood(Path(here), *words))))
        else:
            tries, pause = words
            print(json.dumps(asyncio.run(echo(Path(here), int(tries), float(pause)))))


if __name__ == "__main__":
    main()
