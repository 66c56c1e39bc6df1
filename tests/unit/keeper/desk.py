"""A keeper and a client of it, as code; the fixtures are in ``conftest``."""

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import anyio

from inspan.errors import KeeperLost
from inspan.keeper.client import (
    EndedSession,
    KeeperClient,
    Spawned,
    Status,
    connect,
    keeper_command,
)
from inspan.keeper.guardian import NAME
from inspan.keeper.recording import INDEX, RAW, Record, unpack
from inspan.keeper.wire import VERSION, encode

PATIENCE = 30.0


class Keeper:
    """A keeper in the foreground, started as the client starts it."""

    def __init__(
        self, home: Path, *, idle: str = "60", nofile: int | None = None, mount: str | None = None
    ) -> None:
        self.home = home
        self.socket = home / "run" / "k.sock"
        self.state = home / "state"
        self.recordings = home / "recordings"
        command: Sequence[str] = keeper_command(self.socket, self.state)
        if "COVERAGE_RUN" in os.environ:
            run = (sys.executable, "-m", "coverage", "run", "-p", "-m", "inspan.keeper")
            command = (*run, *command[command.index("--socket") :])
        self.process = subprocess.Popen(
            [*_limited(nofile), *_mounted(mount), *command, "--idle", idle],
            stdin=subprocess.DEVNULL,
        )

    async def client(self) -> KeeperClient:
        """Connected, as soon as it listens."""
        with anyio.fail_after(PATIENCE):
            while True:
                try:
                    return await connect(self.socket)
                except KeeperLost:
                    await anyio.sleep(0.005)

    def stop(self) -> None:
        """Whatever its state is."""
        self.process.terminate()
        self.process.wait(PATIENCE)


class Desk:
    """A client with the arguments that all tests share."""

    def __init__(self, keeper: Keeper, client: KeeperClient) -> None:
        self.keeper = keeper
        self.client = client

    def folder(self, session: str) -> Path:
        return self.keeper.recordings / session

    async def spawn(self, session: str, *argv: str, **more: object) -> Spawned:
        arguments: dict[str, object] = {
            "cwd": "/",
            "env": {"PATH": os.environ["PATH"], "TERM": "xterm"},
            "folder": str(self.folder(session)),
        }
        return await self.client.spawn(session=session, argv=argv, **{**arguments, **more})  # type: ignore[arg-type]

    async def ended(self, session: str, client: KeeperClient | None = None) -> Status:
        """Its status once it has ended."""
        with anyio.fail_after(PATIENCE):
            async with contextlib.aclosing((client or self.client).watch(session)) as watch:
                async for item in watch:
                    if isinstance(item, EndedSession):
                        return item.status
        raise AssertionError("the watch ended without an end")

    async def until(self, session: str, wanted: bytes, *, times: int = 1) -> bytes:
        """Its output once ``wanted`` is in it."""
        with anyio.move_on_after(PATIENCE):
            async with contextlib.aclosing(self.client.watch(session)) as watch:
                async for _ in watch:
                    if self.raw(session).count(wanted) >= times:
                        return self.raw(session)
        raise AssertionError(f"{wanted!r} did not come: {self.raw(session)!r}")

    async def run(self, session: str, *argv: str, **more: object) -> tuple[Status, bytes]:
        """Spawn and wait for the end."""
        await self.spawn(session, *argv, **more)
        status = await self.ended(session)
        return status, self.raw(session)

    def raw(self, session: str) -> bytes:
        return (self.folder(session) / RAW).read_bytes()

    def index(self, session: str) -> list[Record]:
        return unpack((self.folder(session) / INDEX).read_bytes())


class Raw:
    """A client that sends what it likes."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(str(path))
        self._greeted = False

    @property
    def greeted(self) -> bool:
        """Whether it was accepted and answered; asks when it is looked at for the first time."""
        if self.socket.gettimeout():
            self.socket.sendall(encode({"op": "hello", "version": VERSION}))
            self.socket.setblocking(False)
        try:
            self._greeted = self._greeted or bool(self.socket.recv(1 << 16))
        except BlockingIOError:
            return False
        return self._greeted

    @property
    def hung_up(self) -> bool:
        return self.socket.recv(1) == b""


async def wait_until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Ask until it holds, with a deadline."""
    with anyio.fail_after(PATIENCE):
        while not await condition():  # noqa: ASYNC110  nor from the keeper
            await anyio.sleep(0.005)


async def wait_for(condition: Callable[[], bool]) -> None:
    """Look until it holds, with a deadline."""
    with anyio.fail_after(PATIENCE):
        while not condition():  # noqa: ASYNC110  no event of ours comes from other processes
            await anyio.sleep(0.005)


def running(pid: int) -> bool:
    """Whether there is such a process and it is no zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def descriptors(pid: int) -> int:
    """How many descriptors a process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def sockets(pid: int) -> int:
    """How many of them are sockets; files come and go with what is recorded."""
    found = 0
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found += os.readlink(descriptor).startswith("socket:")  # noqa: PTH115 - it is no path
    return found


def guardian(pid: int) -> int:
    """The guardian of this keeper; 0 while there is none."""
    return next((child for child in _all_children(pid) if _guards(child)), 0)


async def guarded(pid: int) -> int:
    """The guardian of this keeper, which may only just have been forked."""
    await wait_for(lambda: guardian(pid) != 0)
    return guardian(pid)


def children(pid: int) -> list[int]:
    """The children of a keeper, but for its guardian."""
    return [child for child in _all_children(pid) if not _guards(child)]


def _all_children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [*map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    return []


def _guards(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip() == NAME
    return False


def python(text: str) -> tuple[str, str, str, str]:
    """A small program of its own."""
    return sys.executable, "-IS", "-c", text


def _limited(nofile: int | None) -> Sequence[str]:
    return () if nofile is None else ("sh", "-c", f'ulimit -n {nofile}; exec "$@"', "sh")


def _mounted(place: str | None) -> Sequence[str]:
    """With a small file system of its own over ``place``, which only the keeper sees."""
    mount = f'mount -t tmpfs -o size=1m none "{place}" && exec "$@"'
    return () if place is None else ("unshare", "-rm", "sh", "-c", mount, "sh")
