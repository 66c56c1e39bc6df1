"""The peers of the keeper: a bare asyncio reader of a PTY, in a process of its own.

    python -m tools.bench.pty_bare flood FOLDER FILE (log | read)
    python -m tools.bench.pty_bare echo FOLDER TRIES PAUSE (log | read)

``flood`` reads what ``cat FILE`` prints, ``echo`` types bytes one by one into ``cat`` on a raw
terminal; what comes is either logged or thrown away.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import tty
from pathlib import Path
from time import perf_counter

#: As much as the keeper reads at once.
CHUNK = 1 << 16


def spawn(*command: str, raw: bool = False) -> tuple[int, int, subprocess.Popen[bytes]]:
    """A program on a new terminal: both of its ends, and the program."""
    master, slave = os.openpty()
    if raw:
        tty.setraw(slave)
    process = subprocess.Popen(
        command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
    )
    os.set_blocking(master, False)
    return master, slave, process


def open_log(folder: Path) -> int:
    return os.open(folder / "log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)


async def flood(folder: Path, source: str, *, log: bool) -> dict[str, float]:
    loop = asyncio.get_running_loop()
    ended = loop.create_future()
    file = open_log(folder)
    size = 0
    began = perf_counter()
    master, slave, process = spawn("cat", source)
    os.close(slave)

    def readable() -> None:
        nonlocal size
        try:
            data = os.read(master, CHUNK)
        except OSError:  # EIO: the terminal's last holder has gone
            data = b""
        if log:
            os.write(file, data)
        size += len(data)
        if not data:
            loop.remove_reader(master)
            ended.set_result(None)

    loop.add_reader(master, readable)
    await ended
    took = perf_counter() - began
    process.wait()
    os.close(master)
    os.close(file)
    return {"seconds": took, "size": size}


async def echo(folder: Path, tries: int, pause: float, *, log: bool) -> dict[str, list[float]]:
    loop = asyncio.get_running_loop()
    file = open_log(folder)
    master, slave, process = spawn("cat", raw=True)
    os.close(slave)
    came: asyncio.Future[None] = loop.create_future()

    def readable() -> None:
        data = os.read(master, CHUNK)
        if log:
            os.write(file, data)
        if data and not came.done():
            came.set_result(None)

    loop.add_reader(master, readable)
    took = []
    for _ in range(tries):
        came = loop.create_future()
        began = perf_counter()
        os.write(master, b"x")
        await came
        took.append(perf_counter() - began)
        if pause:
            await asyncio.sleep(pause)
    loop.remove_reader(master)
    process.kill()
    process.wait()
    os.close(master)
    os.close(file)
    return {"seconds": took}


def main() -> None:
    what, folder, *words, mode = sys.argv[1:]
    log = mode == "log"
    with tempfile.TemporaryDirectory(dir=folder) as here:
        if what == "flood":
            print(json.dumps(asyncio.run(flood(Path(here), *words, log=log))))
        else:
            tries, pause = words
            print(json.dumps(asyncio.run(echo(Path(here), int(tries), float(pause), log=log))))


if __name__ == "__main__":
    main()
