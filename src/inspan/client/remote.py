"""Control over the daemon's socket, for asyncio: the second implementation of ``control.Control``.

The same ``calls`` and ``wire`` as the blocking client; only the moving of bytes differs.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, Self

from inspan.client import calls, placecalls, wire
from inspan.client.asynclink import Channel, Connections
from inspan.client.attachment import Attachment
from inspan.client.rejoin import AsyncWay, Rejoin, unknown
from inspan.client.remotecode import RemoteCode
from inspan.client.together import Together
from inspan.control import EventQuery, Health, Pruned, PrunePolicy, SearchQuery, TaskPage, TaskQuery
from inspan.errors import DaemonUnreachable
from inspan.model import plain
from inspan.model.activity import Activity
from inspan.model.budget import Budget
from inspan.model.event import Event
from inspan.model.goal import GoalPlan
from inspan.model.merging import MergeRequest, MergeResult
from inspan.model.metrics import Metrics, MetricsQuery
from inspan.model.place import Place, SweepPolicy, Swept
from inspan.model.receipt import Receipt, Stage
from inspan.model.session import Answers, Chunk, Frame, Hits, Times
from inspan.model.task import Handover, Task, TaskSpec, Verdict

if TYPE_CHECKING:
    from os import PathLike

    from inspan.client.address import Address


class RemoteControl:
    """Control of the daemon at one address. Nothing is connected before the first verb."""

    def __init__(self, at: Address | str | PathLike[str], rejoin: Rejoin | None = None) -> None:
        """``rejoin``: how streams look for a daemon that is lost; ``None``: they raise."""
        self._connections = Connections(at)
        self._far = self._connections.address.far
        self._rejoin = rejoin
        self._together = Together(self._connections, base=self._far)
        #: Code sessions.
        self.code: Final = RemoteCode(self._connections)

    @classmethod
    @asynccontextmanager
    async def connect(
        cls, at: Address | str | PathLike[str], rejoin: Rejoin | None = None
    ) -> AsyncIterator[Self]:
        """Control for as long as the block lasts."""
        control = cls(at, rejoin)
        try:
            yield control
        finally:
            control._connections.close()

    # ── tasks ─────────────────────────────────────────────────────────────────

    async def submit(self, spec: TaskSpec, *, key: str | None = None) -> Task:
        if key is None:
            return await self._together.submit(spec)
        return await self._connections.ask(calls.submit(spec, key, base=self._far))

    async def submit_all(
        self, specs: Sequence[TaskSpec], *, key: str | None = None
    ) -> tuple[Task, ...]:
        return await self._connections.ask(calls.submit_all(specs, key, base=self._far))

    async def get(self, task: str) -> Task:
        return await self._connections.ask(calls.get(task))

    async def list(self, query: TaskQuery = TaskQuery()) -> TaskPage:
        return await self._connections.ask(calls.listed(query))

    async def activity(self, task: str) -> Activity:
        return await self._connections.ask(calls.activity(task))

    async def history(self, query: EventQuery = EventQuery()) -> tuple[Event, ...]:
        return await self._connections.ask(calls.history(query))

    async def watch(
        self, since: int | None = None, *, task: str | None = None
    ) -> AsyncGenerator[Event, None]:
        way = self._way()
        if way is not None and task is not None and not calls.is_task(task):
            task = (await self.get(task)).id
        channel, _ = await self._connections.upgrade(calls.watched(since, task))

        async def anew() -> None:
            nonlocal channel
            other, _ = await self._connections.upgrade(calls.watched(since, task))
            channel.close()
            channel = other

        try:
            while True:
                try:
                    message = await channel.take()
                except DaemonUnreachable as lost:
                    if way is None:
                        raise
                    if since is None:
                        unknown(lost)
                    await way.back(lost, anew)
                    continue
                if message is None:
                    return
                told = json.loads(message)
                if "fact" not in told:
                    raise calls.error_of(message)
                event = plain.load_event(told)
                since = event.seq
                if way is not None:
                    way.well()
                yield event
        finally:
            channel.close()

    def _way(self) -> AsyncWay | None:
        if self._rejoin is None:
            return None
        return AsyncWay(self._rejoin, self._connections.address)

    # ── steering ──────────────────────────────────────────────────────────────

    async def send(self, task: str, data: bytes) -> Stage:
        return await self._connections.ask(calls.send(task, data))

    async def prompt(
        self, task: str, text: str, *, key: str | None = None, wait: float = 0.0
    ) -> Receipt:
        key, end = key or calls.new_key(), time.monotonic() + wait
        while True:
            left = max(0.0, end - time.monotonic())
            call = calls.prompt(task, text, key, min(left, calls.WAIT_STEP))
            receipt = await self._connections.ask(call)
            if receipt.settled or time.monotonic() >= end:
                return receipt

    async def answer(self, task: str, text: str, *, question: str | None = None) -> Task:
        return await self._connections.ask(calls.answer(task, text, question))

    async def interrupt(
        self, task: str, *, reason: str = "", by: str = "person", force: bool = False
    ) -> Task:
        return await self._connections.ask(calls.interrupt(task, reason, by, force=force))

    async def resume(
        self, task: str, *, budget: Budget | None = None, to: Handover | None = None
    ) -> Task:
        return await self._connections.ask(calls.resume(task, budget, to, base=self._far))

    async def cancel(self, task: str, *, reason: str = "", force: bool = False) -> Task:
        return await self._connections.ask(calls.cancel(task, reason, force=force))

    async def decide(
        self, task: str, verdict: Verdict, findings: Sequence[str] = (), *, by: str = "person"
    ) -> Task:
        return await self._connections.ask(calls.decide(task, verdict, findings, by))

    async def diff(self, task: str) -> str:
        return await self._connections.ask(calls.diff(task))

    async def replan(self, task: str, plan: GoalPlan, *, version: int, by: str = "person") -> Task:
        return await self._connections.ask(calls.replan(task, plan, version, by))

    # ── sessions ──────────────────────────────────────────────────────────────

    async def read(self, session: str, offset: int = 0, limit: int = 1 << 16) -> tuple[Chunk, ...]:
        return await self._connections.ask(calls.read(session, offset, limit))

    async def times(
        self, session: str, offset: int = 0, until: int | None = None, most: int = 1000
    ) -> Times:
        return await self._connections.ask(calls.times(session, offset, until, most))

    async def frame(self, session: str, offset: int = 0) -> Frame:
        return await self._connections.ask(calls.frame(session, offset))

    async def search(self, query: SearchQuery) -> Hits:
        return await self._connections.ask(calls.search(query))

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
        way = None if writer else self._way()
        if way is not None and not calls.is_session(session):
            session = (await self.get(session)).session or session
        target = calls.terminal(session, offset, writer=writer, steal=steal, answers=answers)
        channel, reply = await self._connections.upgrade(target)

        async def opened(after: int) -> Channel:
            target = calls.terminal(session, after, answers=answers)
            return (await self._connections.upgrade(target))[0]

        begins = calls.answers_from(reply)
        terminal = RemoteTerminal(channel, offset, begins, opened=opened, way=way)
        try:
            yield terminal
        finally:
            terminal.close()

    # ── service ───────────────────────────────────────────────────────────────

    async def health(self) -> Health:
        return await self._connections.ask(calls.health())

    async def metrics(self, query: MetricsQuery = MetricsQuery()) -> Metrics:
        return await self._connections.ask(calls.metrics(query))

    async def prune(self, policy: PrunePolicy) -> Pruned:
        return await self._connections.ask(calls.prune(policy))

    async def workspaces(self) -> tuple[Place, ...]:
        return await self._connections.ask(placecalls.workspaces())

    async def restore_workspace(self, task: str) -> Place:
        return await self._connections.ask(placecalls.restore_workspace(task))

    async def sweep(self, policy: SweepPolicy) -> tuple[Swept, ...]:
        return await self._connections.ask(placecalls.sweep(policy))

    async def merge(self, task: str, asked: MergeRequest) -> MergeResult:
        return await self._connections.ask(placecalls.merge(task, asked))


class RemoteTerminal:
    """``control.Terminal`` over a WebSocket. One task may iterate while others write."""

    def __init__(
        self,
        channel: Channel,
        offset: int,
        answers_from: int | None,
        *,
        opened: Callable[[int], Awaitable[Channel]],
        way: AsyncWay | None,
    ) -> None:
        """``opened`` makes a new connection from an offset on, for the ``way`` back."""
        self._channel = channel
        self._told = Attachment(offset, answers_from)
        self._opened = opened
        self._way = way
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
        await self._channel.send(wire.BINARY, message)
        while not self._told.acknowledged(done=self._channel.done):
            await self._read(self._told.settled)

    async def _read(self, come: Callable[[], bool]) -> bool:
        """Read one message unless, by now, another has read what was waited for."""
        async with self._reading:
            if come():
                return True
            while True:
                try:
                    message = await self._channel.take()
                except DaemonUnreachable as lost:
                    if self._way is None:
                        raise
                    await self._way.back(lost, self._anew)
                    continue
                if message is not None:
                    self._told.feed(message)
                    if self._way is not None:
                        self._way.well()
                return message is not None

    async def _anew(self) -> None:
        channel = await self._opened(self._told.offset)
        self._channel.close()
        self._channel, self._told = channel, self._told.again()

    def close(self) -> None:
        """Leave it."""
        self._channel.close()
