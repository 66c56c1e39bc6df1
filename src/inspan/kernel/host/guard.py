"""Watches over one worker: its process, its link, and what to do when either goes.

A process that ended, a link that cannot be had again and a message that cannot be all lead to the
same end: the processes are killed, what was sent before is passed on, and the session is told why.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Protocol

import anyio
from pydantic import BaseModel

from inspan.errors import InspanError, KernelProtocol, SessionEnded, WorkerNotReady
from inspan.kernel import protocol as p
from inspan.kernel.host import interrupt
from inspan.kernel.host.inflow import Inflow
from inspan.kernel.host.launch import Card, meet, told
from inspan.kernel.host.link import Link, listens, packed
from inspan.kernel.host.output import Captures
from inspan.kernel.host.process import Death, recorded

#: Seconds for the keeper to say that a process whose link broke has ended.
_GRACE: Final = 0.3
#: Seconds for a killed process's end.
_DEATH: Final = 6.0
#: Seconds for what a dead process had sent to arrive.
_TAIL: Final = 0.5
#: Seconds to be answered on a new link.
_AGAIN: Final = 1.0
#: A link that lasted less was taken by another host, which keeps it.
_TAKEN: Final = 5.0

_Job = Callable[[], Coroutine[Any, Any, object]]


class Process(interrupt.Process, Protocol):
    """What is needed of a worker's process; ``process.WorkerProcess`` is one."""

    @property
    def gone(self) -> bool: ...

    async def ended(self) -> Death: ...

    async def forget(self) -> None: ...

    def close(self) -> None: ...


class Guard:
    """``link.Taker`` of a session's links; two tasks in the group that ``start`` is given."""

    def __init__(
        self,
        card: Card,
        folder: Path,
        process: Process,
        captures: Captures,
        over: Callable[[InspanError], None],
    ) -> None:
        """``over`` is called once, when nothing more comes."""
        self.process = process
        self.inflow: Inflow  # set before ``meet``
        self._card = card
        self._folder = folder
        self._captures = captures
        self._over = over
        self._link: Link | None = None
        self._linked_at = 0.0
        self._stir = asyncio.Event()
        self._fault: InspanError | None = None
        #: The worker is of no use, for a reason that its death tells.
        self._lost = False
        self._leaving = False
        self._jobs: deque[_Job] = deque()
        self._ended: asyncio.Task[Death]
        self._task: asyncio.Task[None] | None = None

    # ── the link ──────────────────────────────────────────────────────────────

    def joined(self, ready: p.Ready) -> None:
        self.inflow.joined(ready)

    def message(self, message: p.FromWorker, body: bytes) -> None:
        self.inflow.message(message, body)

    def hung_up(self, link: Link, error: InspanError | None) -> None:
        if link is self._link:
            if error is not None:
                self.fault(error)
            self._stir.set()

    def send(self, message: BaseModel) -> None:
        """Say it; where nobody listens the session is about to be over."""
        self.write(packed(message))

    def write(self, frames: bytes) -> None:
        """The same, of what ``packed`` made."""
        if self._link is not None:
            self._link.write(frames)

    @property
    def full(self) -> bool:
        """Whether the worker has much to read yet of what was said."""
        return self._link is not None and self._link.full

    async def room(self) -> None:
        """Wait until the worker has read most of what was said."""
        if self._link is not None:
            await self._link.room()

    def hold(self, on: bool) -> None:
        """Take nothing from the worker while on."""
        if self._link is not None:
            self._link.hold(on=on)

    def fault(self, error: InspanError) -> None:
        """What came cannot be: the worker is killed."""
        if self._fault is None:
            self._fault = error
            self._stir.set()
            if self._link is not None:
                self._link.close()

    def later(self, job: _Job) -> None:
        """Run this beside the session."""
        self._jobs.append(job)
        self._stir.set()

    # ── the life ──────────────────────────────────────────────────────────────

    async def start(
        self, group: asyncio.TaskGroup, within: float, *, last_seq: int, ours: bool
    ) -> p.Ready:
        """Meet the worker, then watch. Raises WorkerNotReady, KernelProtocol.

        Where it cannot be met and is ``ours`` it is killed.
        """
        self._ended = group.create_task(self.process.ended())
        try:
            ready = await self._meet(within, last_seq)
        except BaseException as error:
            with anyio.CancelScope(shield=True):
                death = await self._kill() if ours else Death()
                words = self._words()
                if ours:
                    await self.process.forget()
                self._release()
            if isinstance(error, WorkerNotReady):
                raise told(error, death, words) from error
            raise
        self._ended.add_done_callback(lambda _: self._stir.set())
        self._task = group.create_task(self._run())
        return ready

    def farewell(self, message: BaseModel, deadline: float) -> None:
        """Let the worker end, kindly until ``deadline``."""
        if not self._leaving:
            self._leaving = True
            self.send(message)
            self.later(lambda: self._wait(deadline))

    async def leave(self) -> None:
        """Let go; the worker runs on."""
        if self._task is not None:
            # A task that is cancelled before its first step would let go of nothing.
            await asyncio.sleep(0)
            self._task.cancel()
            await self.done()

    async def done(self) -> None:
        """Wait until all that the session had is let go."""
        if self._task is not None:
            await asyncio.wait({self._task})

    async def _run(self) -> None:
        try:
            async with asyncio.TaskGroup() as jobs:
                while not (self._ended.done() or self._fault or self._lost):
                    await self._stir.wait()
                    self._stir.clear()
                    while self._jobs:
                        jobs.create_task(self._jobs.popleft()())
                    if self._link is None or self._link.lost.is_set():
                        await self._again()
                await self._bury()
        finally:
            self._over(SessionEnded("The session was left; it may run on."))
            self._release()

    async def _wait(self, deadline: float) -> None:
        await asyncio.wait({self._ended}, timeout=deadline)
        self._lost = True
        self._stir.set()

    async def _meet(self, within: float, last_seq: int) -> p.Ready:
        self._link, ready = await meet(
            self._card,
            self,
            self._ended,
            within=within,
            last_seq=last_seq,
            reads_board=self.inflow.foretells,
        )
        self._linked_at = asyncio.get_running_loop().time()
        return ready

    async def _again(self) -> None:
        """The link is gone: is the process, or was it taken, or can it be had again?"""
        await asyncio.wait({self._ended}, timeout=_GRACE)
        if self._ended.done() or self._fault:
            return
        now = asyncio.get_running_loop().time()
        if self.process.gone:
            self._lost = True
        elif now - self._linked_at < _TAKEN and listens(self._card.socket):
            self._over(SessionEnded("Another host has taken this session up."))
            raise asyncio.CancelledError
        else:
            try:
                self.inflow.rejoined()
                await self._meet(_AGAIN, self.inflow.seq)
            except WorkerNotReady as error:
                why = f"The session's process hung up and cannot be met again: {error.message}"
                self._fault = KernelProtocol(why)
            except InspanError as error:
                self._fault = error

    async def _bury(self) -> None:
        death = await self._kill()
        if self._link is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_TAIL):
                    await self._link.lost.wait()
        self.inflow.rest()
        if self._fault is not None:
            self._over(self._fault)
        elif self._leaving:
            self._over(SessionEnded("The session was closed."))
        else:
            self._over(replace(death, words=self._words()).error())

    async def _kill(self) -> Death:
        """Whatever its state is: afterwards it and what it started are gone, and forgotten."""
        if not self._ended.done():
            await self.process.kill()
            await asyncio.wait({self._ended}, timeout=_DEATH)
        death = self._ended.result() if self._ended.done() else Death()
        await self.process.forget()
        Path(self._card.socket).unlink(missing_ok=True)
        return death

    def _words(self) -> str:
        return self.inflow.last_words or self._captures.last_words() or recorded(self._folder)

    def _release(self) -> None:
        self._ended.cancel()
        if self._link is not None:
            self._link.close()
        self.process.close()
        self._captures.close()
