"""The daemon's half of the keeper: its verbs as coroutines, its pushes as iterators.

It must never know a task.
"""

from __future__ import annotations

import asyncio
import os
import signal as signals
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from pathlib import Path
from typing import Final, Literal, NamedTuple, Self

from inspan.errors import KeeperLost, KeeperMismatch
from inspan.keeper.link import Grew, Link, Status, Watcher, status_of
from inspan.keeper.wire import BODY_MOST, OLDEST, VERSION, Message
from inspan.model.value import value

__all__ = [
    "EndedSession",
    "Grew",
    "KeeperClient",
    "Killed",
    "Piece",
    "Spawned",
    "Status",
    "connect",
    "ensure",
    "keeper_command",
]

#: Seconds for the first words of a keeper; one that takes longer does not work.
_HELLO: Final = 10.0
#: Seconds until a keeper that another process is starting must have opened its socket.
_START: Final = 10.0
_RETRY: Final = 0.02
#: The keeper's exit status where another one holds the state directory (``keeper.main.HELD``).
_HELD: Final = 75
#: All of the environment that the keeper itself gets. The children's comes with each spawn.
_ENVIRONMENT: Final = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH")


@value(frozen=True)
class Spawned:
    """``new`` is false where the session was spawned before; then ``pid`` is that one's."""

    pid: int
    new: bool
    forked: bool = False


@value(frozen=True)
class Killed:
    """Processes found afterwards, and the ways by which they were found and killed."""

    left: int
    by: tuple[str, ...]


@value(frozen=True)
class EndedSession:
    """The process has ended and its output is complete."""

    status: Status


class Piece(NamedTuple):
    """Bytes from ``offset``, which is behind the one asked for where that lay in a gap."""

    offset: int
    data: bytes
    eof: bool


class KeeperClient:
    """A keeper, as its client has it. Made by ``connect`` or ``ensure``; close it in the end.

    Every call raises KeeperLost once the connection is gone, SessionNotFound for a session the
    keeper does not know, and Conflict where the session is not in a state for it.
    """

    def __init__(self, link: Link, card: Message) -> None:
        #: The id of this keeper: another one has another, also with the same socket.
        self.keeper: str = card["keeper"]
        self.pid: int = card["pid"]
        #: The version of the wire that both sides speak.
        self.version: int = card["version"]
        self.started_at: float = card["started_at"]
        self._link = link

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def status(self, session: str) -> Status:
        """One session."""
        reply, _ = await self._link.call({"op": "status", "session": session})
        return status_of(reply["status"])

    async def list(self) -> tuple[Status, ...]:
        """Every session the keeper knows: alive, or ended and not yet collected."""
        reply, _ = await self._link.call({"op": "list"})
        return tuple(map(status_of, reply["sessions"]))

    async def spawn(
        self,
        *,
        session: str,
        argv: Sequence[str],
        cwd: str,
        env: Mapping[str, str],
        folder: str,
        pty: bool = True,
        cols: int = 80,
        rows: int = 24,
        record_input: bool = False,
        attended: bool = False,
        bound: bool = False,
        cap: int = 64 << 20,
        nofile: int | None = None,
        by: str | None = None,
    ) -> Spawned:
        """Start a process, once for each session id; forked ``by`` that forker where it is ready.

        ``folder`` gets the recording; ``cap`` bounds its bytes. ``bound``: it is
        killed and forgotten when this connection ends. Raises BadInput, ProgramNotFound,
        FolderMissing, TerminalUnavailable, SpawnFailed, DiskFull, and AlreadyRecorded where an
        earlier keeper had this session.
        """
        what = {"op": "spawn", "session": session, "argv": [*argv], "cwd": cwd, "env": {**env}}
        how = {"folder": folder, "pty": pty, "cols": cols, "rows": rows, "nofile": nofile, "by": by}
        kept = {"record_input": record_input, "attended": attended, "bound": bound, "cap": cap}
        reply, _ = await self._link.call({**what, **how, **kept})
        return Spawned(reply["pid"], reply["new"], reply.get("forked", False))

    async def forker(self, name: str, *, argv: Sequence[str], env: Mapping[str, str]) -> bool:
        """Have a forker of this name, started where there is none; whether it is ready.

        Returns once it is, or has failed. Raises BadInput, ProgramNotFound, SpawnFailed.
        """
        reply, _ = await self._link.call(_forker(name, argv, env))
        return bool(reply["ready"])

    def want_forker(self, name: str, *, argv: Sequence[str], env: Mapping[str, str]) -> None:
        """The same, without waiting for an answer: whether there is one is seen when it is asked.

        Raises KeeperLost.
        """
        self._link.post(_forker(name, argv, env))

    async def write(self, session: str, data: bytes) -> int:
        """Type; the bytes that wait in the keeper now.

        Raises InputFull where the process does not read; of more than 1 MiB a part is then queued.
        """
        queued = await self._link.write(session, data[:BODY_MOST])
        for start in range(BODY_MOST, len(data), BODY_MOST):
            queued = await self._link.write(session, data[start : start + BODY_MOST])
        return queued

    async def eof(self, session: str) -> None:
        """End its input: closes a pipe, types the terminal's EOF character else."""
        await self._link.call({"op": "eof", "session": session})

    async def resize(self, session: str, cols: int, rows: int) -> None:
        """Another size for its terminal. Raises Conflict where it has none."""
        await self._link.call({"op": "resize", "session": session, "cols": cols, "rows": rows})

    async def signal(
        self, session: str, signal: int, to: Literal["foreground", "tree"] = "foreground"
    ) -> int:
        """Send a signal; how many processes got it."""
        number = int(signals.Signals(signal))
        message = {"op": "signal", "session": session, "signal": number, "to": to}
        return int((await self._link.call(message))[0]["sent"])

    async def kill(self, session: str) -> Killed:
        """SIGKILL to all its processes; returns when they are gone, or with the rest.

        That takes 5 s at most; 30 s where they are so many that it goes on all that time.
        """
        reply, _ = await self._link.call({"op": "kill", "session": session})
        return Killed(reply["left"], tuple(reply["by"]))

    async def attend(self, session: str, *, on: bool, shown: int | None = None) -> int | None:
        """While on, and while this connection lives, the keeper answers no terminal queries.

        Where those begin that it does not answer; ``None`` of a keeper that does not tell.
        ``shown`` is as ``keeper.wire`` has it.
        """
        message = {"op": "attend", "session": session, "on": on, "shown": shown}
        size: int | None = (await self._link.call(message))[0].get("size")
        return size

    async def collect(self, session: str) -> Status:
        """Let the keeper forget an ended session; what it left running is killed."""
        reply, _ = await self._link.call({"op": "collect", "session": session})
        return status_of(reply["status"])

    async def read(self, session: str, offset: int, limit: int) -> Piece:
        """At most ``limit`` bytes of its output; empty and not ``eof``: there is no more yet."""
        message = {"op": "read", "session": session, "offset": offset}
        reply, data = await self._link.call({**message, "limit": min(limit, BODY_MOST)})
        return Piece(reply["offset"], data, reply["eof"])

    async def shutdown(self, *, force: bool) -> None:
        """Stop the keeper; raises Conflict where sessions live, unless forced: they are killed."""
        await self._link.call({"op": "shutdown", "force": force})

    async def watch(
        self, session: str, *, inline: bool = False
    ) -> AsyncGenerator[Grew | EndedSession, None]:
        """Its size now, each newer size, then its end; sizes that came in between are skipped.

        With ``inline`` a few new bytes come along with their size, if the keeper sends them.
        Close it (``contextlib.aclosing``) where it is left early.
        """
        link, watcher = self._link, Watcher(inline=inline)
        link.watchers.setdefault(session, set()).add(watcher)
        try:
            reply, _ = await link.call({"op": "watch", "session": session, "inline": inline})
            told = max(watcher.size, reply["size"])
            yield Grew(told)
            while True:
                await watcher.news()
                if watcher.size > told:
                    told = watcher.size
                    yield watcher.take()
                if watcher.ended is not None:
                    yield EndedSession(watcher.ended)
                    return
                if link.lost.done():
                    raise KeeperLost
        finally:
            others = link.watchers[session]
            others.discard(watcher)
            if not others:
                del link.watchers[session]
                if watcher.ended is None and not link.lost.done():
                    link.post({"op": "unwatch", "session": session})

    @property
    def closed(self) -> bool:
        """Whether the connection is gone."""
        return self._link.lost.done()

    async def lost(self) -> None:
        """Wait until the connection is gone."""
        await asyncio.shield(self._link.lost)

    async def close(self) -> None:
        """Hang up; the keeper and its sessions go on."""
        self._link.abort()
        await self.lost()


async def connect(socket: Path) -> KeeperClient:
    """The keeper behind this socket. Raises KeeperLost, KeeperMismatch."""
    loop = asyncio.get_running_loop()
    try:
        _, link = await loop.create_unix_connection(Link, str(socket))
    except OSError as error:
        raise KeeperLost(f"No keeper answers at {socket}: {error}.") from error
    try:
        async with asyncio.timeout(_HELLO):
            return KeeperClient(link, await _hello(link))
    except TimeoutError as error:
        link.abort()
        raise KeeperLost(f"The keeper at {socket} does not answer.") from error
    except BaseException:
        link.abort()
        raise


async def ensure(socket: Path, state_dir: Path) -> KeeperClient:
    """The keeper of this state directory, started where there is none.

    Many may call this at once: the keeper's own lock lets one of them live. Raises KeeperLost
    where it cannot be started, KeeperMismatch.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + _START
    while True:
        try:
            return await connect(socket)
        except KeeperMismatch:
            raise
        except KeeperLost:
            status, words = await _start(socket, state_dir)
            if status not in {0, _HELD} or loop.time() > until:
                raise KeeperLost(f"The keeper could not be started: {words}") from None
        if status == _HELD:
            # Another process is starting it, or it is just stopping.
            await asyncio.sleep(_RETRY)


async def _hello(link: Link) -> Message:
    """Agree on the newest version that both sides speak."""
    for version in range(VERSION, OLDEST, -1):
        try:
            return (await link.call({"op": "hello", "version": version}))[0]
        except KeeperMismatch:
            continue
    return (await link.call({"op": "hello", "version": OLDEST}))[0]


async def _start(socket: Path, state_dir: Path) -> tuple[int, str]:
    """Run the keeper's starter to its end: its exit status and its words."""
    process = await asyncio.create_subprocess_exec(
        *keeper_command(socket, state_dir),
        "--detach",
        "yes",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
        cwd="/",
    )
    _, words = await process.communicate()
    return process.returncode or 0, words.decode(errors="replace").strip()


def keeper_command(socket: Path, state_dir: Path) -> tuple[str, ...]:
    """How a keeper is started: no ``site``, UTF-8 whatever the locale, in the foreground."""
    entry = Path(__file__).with_name("__main__.py")
    flags = ("-I", "-S", "-X", "utf8")
    where = ("--socket", str(socket.absolute()), "--state", str(state_dir.absolute()))
    return (sys.executable, *flags, str(entry), *where)


def _forker(name: str, argv: Sequence[str], env: Mapping[str, str]) -> Message:
    return {"op": "forker", "forker": name, "argv": [*argv], "cwd": "/", "env": {**env}}
