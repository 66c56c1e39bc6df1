"""Control over the daemon's socket, for asyncio: the second implementation of ``control.Control``.

The same ``calls`` and ``wire`` as the blocking client; only the moving of bytes differs.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Final, Self, TypeVar

from inspan.client import calls, wire
from inspan.client.attachment import Attachment
from inspan.control import EventQuery, Health, Pruned, PrunePolicy, TaskPage, TaskQuery
from inspan.errors import DaemonUnreachable
from inspan.model import plain
from inspan.model.event import Event
from inspan.model.session import Answers, Chunk, Receipt
from inspan.model.task import Task, TaskSpec, Verdict

T = TypeVar("T")

#: Bytes asked of the socket at once, and the most that is read ahead.
READ: Final = 1 << 16
#: Connections at rest that are kept; more than that are closed.
IDLE_MOST: Final = 8


class RemoteControl:
    """Control over the daemon's socket. Nothing is connected before the first verb."""

    def __init__(self, socket: Path) -> None:
        self._path = os.fspath(socket)
        self._idle: list[_Link] = []

    @classmethod
    @asynccontextmanager
    async def connect(cls, socket: Path) -> AsyncIterator[Self]:
        """Control for as long as the block lasts."""
        control = cls(socket)
        try:
            yield control
        finally:
            while control._idle:
                control._idle.pop().close()

    # ── tasks ─────────────────────────────────────────────────────────────────

    async def submit(self, spec: TaskSpec, *, key: str | None = None) -> Task:
        return await self._ask(calls.submit(spec, key))

    async def submit_all(
        self, specs: Sequence[TaskSpec], *, key: str | None = None
    ) -> tuple[Task, ...]:
        return await self._ask(calls.submit_all(specs, key))

    async def get(self, task: str) -> Task:
        return await self._ask(calls.get(task))

    async def list(self, query: TaskQuery = TaskQuery()) -> TaskPage:
        return await self._ask(calls.listed(query))

    async def history(self, query: EventQuery = EventQuery()) -> tuple[Event, ...]:
        return await self._ask(calls.history(query))

    async def watch(
        self, since: int | None = None, *, task: str | None = None
    ) -> AsyncGenerator[Event, None]:
        channel, _ = await self._upgrade(calls.watched(since, task))
        try:
            while (message := await channel.take()) is not None:
                told = json.loads(message)
                if "fact" not in told:
                    raise calls.error_of(message)
                yield plain.load_event(told)
        finally:
            channel.close()

    # ── steering ──────────────────────────────────────────────────────────────

    async def send(self, task: str, data: bytes) -> Receipt:
        return await self._ask(calls.send(task, data))

    async def answer(self, task: str, text: str) -> Task:
        return await self._ask(calls.answer(task, text))

    async def interrupt(self, task: str, *, reason: str = "", force: bool = False) -> Task:
        return await self._ask(calls.interrupt(task, reason, force=force))

    async def resume(self, task: str) -> Task:
        return await self._ask(calls.resume(task))

    async def cancel(self, task: str, *, reason: str = "", force: bool = False) -> Task:
        return await self._ask(calls.cancel(task, reason, force=force))

    async def decide(
        self, task: str, verdict: Verdict, findings: Sequence[str] = (), *, by: str = "person"
    ) -> Task:
        return await self._ask(calls.decide(task, verdict, findings, by))

    async def diff(self, task: str) -> str:
        return await self._ask(calls.diff(task))

    # ── sessions ──────────────────────────────────────────────────────────────

    async def read(self, session: str, offset: int = 0, limit: int = 1 << 16) -> tuple[Chunk, ...]:
        return await self._ask(calls.read(session, offset, limit))

    @asynccontextmanager
    async def attach(
        self,
        session: str,
        *,
        offset: int = 0,
        writer: bool = False,
        steal: bool = False,
        answers: Answers = Answers.NONE,
    ) -> AsyncIterator[RemoteTerminal]:
        target = calls.terminal(session, offset, writer=writer, steal=steal, answers=answers)
        channel, reply = await self._upgrade(target)
        try:
            yield RemoteTerminal(channel, offset, calls.answers_from(reply))
        finally:
            channel.close()

    # ── service ───────────────────────────────────────────────────────────────

    async def health(self) -> Health:
        return await self._ask(calls.health())

    async def prune(self, policy: PrunePolicy) -> Pruned:
        return await self._ask(calls.prune(policy))

    # ── the wire ──────────────────────────────────────────────────────────────

    async def _ask(self, call: calls.Call[T]) -> T:
        while True:
            kept = self._rested()
            link = kept or await _Link.open(self._path)
            try:
                reply, _ = await link.exchange(call.raw)
            except DaemonUnreachable:
                link.close()
                # A connection at rest may have been closed just now; a new one tells the truth.
                if kept is None or not call.again:
                    raise
                continue
            except BaseException:
                link.close()
                raise
            if reply.kept and len(self._idle) < IDLE_MOST:
                self._idle.append(link)
            else:
                link.close()
            return call.answered(reply)

    def _rested(self) -> _Link | None:
        while self._idle:
            link = self._idle.pop()
            if not link.ended:
                return link
            link.close()
        return None

    async def _upgrade(self, target: str) -> tuple[_Channel, wire.Response]:
        raw, key = calls.upgrade(target)
        link = await _Link.open(self._path)
        try:
            reply, rest = await link.exchange(raw)
            calls.raise_for(reply)
            calls.check_version(reply)
            wire.check_upgrade(reply, key)
        except BaseException:
            link.close()
            raise
        return _Channel(link, rest), reply


class RemoteTerminal:
    """``control.Terminal`` over a WebSocket. One task may iterate while others write."""

    def __init__(self, channel: _Channel, offset: int, answers_from: int | None) -> None:
        self._channel = channel
        self._told = Attachment(offset, answers_from)
        #: Held by whoever reads from the connection, for itself and for the others.
        self._reading = asyncio.Lock()
        #: Held from sending to the acknowledgement, so that writes keep their order.
        self._writing = asyncio.Lock()

    @property
    def offset(self) -> int:
        """Where to attach again so that not one byte is missed or told twice."""
        return self._told.offset

    @property
    def answers_from(self) -> int | None:
        """The offset behind which the writer's own terminal answers; ``None``: it never does."""
        return self._told.answers_from

    async def __aiter__(self) -> AsyncIterator[Chunk]:
        while True:
            chunk = self._told.take()
            if chunk is not None:
                yield chunk
            elif self._told.ended or not await self._read(self._told.pending):
                return

    async def write(self, data: bytes) -> None:
        """Type; returns when inspan has it."""
        async with self._writing:
            for message in self._told.typed(data):
                await self._say(message)

    async def resize(self, cols: int, rows: int) -> None:
        """Change the size of the terminal; returns when it is changed."""
        async with self._writing:
            await self._say(self._told.resized(cols, rows))

    async def leave(self, shown: int) -> None:
        """Be a reader from now on. What is asked behind ``shown`` bytes inspan answers again."""
        async with self._writing:
            await self._say(self._told.left(shown))

    async def _say(self, message: bytes) -> None:
        await self._channel.send(message)
        while not self._told.acknowledged(done=self._channel.done):
            await self._read(self._told.settled)

    async def _read(self, come: Callable[[], bool]) -> bool:
        """Read one message unless, by now, another has read what was waited for."""
        async with self._reading:
            if come():
                return True
            message = await self._channel.take()
            if message is not None:
                self._told.feed(message)
            return message is not None


class _Link:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, path: str) -> Self:
        try:
            return cls(*await asyncio.open_unix_connection(path, limit=READ))
        except OSError as error:
            raise DaemonUnreachable(
                f"no daemon answers at {path}: {error.strerror or error}"
            ) from error

    @property
    def ended(self) -> bool:
        """True where the daemon has closed it."""
        return self._reader.at_eof() or self._writer.is_closing()

    def close(self) -> None:
        self._writer.close()

    async def exchange(self, raw: bytes) -> tuple[wire.Response, bytes]:
        """Ask, and read one answer and what follows it."""
        answer = wire.Answer()
        # A refusal may come before all of a large body is taken, so the answer is read anyway.
        with suppress(DaemonUnreachable):
            await self.send(raw)
        while True:
            data = await self.receive()
            reply = answer.feed(data) if data else answer.end()
            if reply is not None:
                return reply, answer.rest

    async def send(self, raw: bytes) -> None:
        with _reachable():
            self._writer.write(raw)
            await self._writer.drain()

    async def receive(self) -> bytes:
        """What has come; empty at the end."""
        with _reachable():
            return await self._reader.read(READ)


class _Channel:
    """A WebSocket: whole messages in and out."""

    def __init__(self, link: _Link, rest: bytes) -> None:
        self._link = link
        self._frames = wire.Frames()
        #: Messages that came together; no more than one read of the socket holds.
        self._come = deque(self._frames.feed(rest))

    def close(self) -> None:
        self._link.close()

    @property
    def done(self) -> bool:
        """True once the daemon has said that nothing more comes."""
        return not self._come and self._frames.closed is not None

    async def take(self) -> bytes | None:
        """The next message, ``None`` at the end. Raises DaemonUnreachable at any other end."""
        while not self._come and self._frames.closed is None:
            data = await self._link.receive()
            if not data:
                raise DaemonUnreachable("the daemon went away")
            self._come.extend(self._frames.feed(data))
            due, self._frames.due = self._frames.due, b""
            if due and self._frames.closed is None:
                await self._link.send(due)
        if self._come:
            return self._come.popleft()[1]
        self._frames.check_done()
        return None

    async def send(self, message: bytes) -> None:
        await self._link.send(wire.masked(wire.BINARY, message, os.urandom(4)))


@contextmanager
def _reachable() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DaemonUnreachable(f"the daemon went away: {error.strerror or error}") from error
