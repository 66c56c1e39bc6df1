"""Warm sessions: workers that are ready before anybody asks, made again as they are taken.

It knows no session's content. Its one task lives in the task group it is given; a session that was
taken belongs to whoever took it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

from inspan.errors import InspanError, SessionEnded
from inspan.kernel.host.session import KernelSession
from inspan.model.session import CodeState

#: Workers that start at the same time.
_TOGETHER: Final = 2
#: Seconds until another try after one that failed, doubled by each further one up to the last.
_PAUSE: Final = 0.5
_PAUSE_MOST: Final = 30.0

Make = Callable[[], Awaitable[KernelSession]]


class Pool:
    """``size`` ready sessions, or as many as there are yet."""

    def __init__(self, size: int, make: Make) -> None:
        """``make`` opens a session, with an id and a folder of its own each time."""
        self._size = size
        self._make = make
        self._ready: deque[KernelSession] = deque()
        self._waiters: deque[asyncio.Future[KernelSession]] = deque()
        self._starting = 0
        self._stir = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        self._failed = False

    def start(self, group: asyncio.TaskGroup) -> None:
        """Begin to fill."""
        self._task = group.create_task(self._fill())
        self._stir.set()

    async def take(self) -> KernelSession:
        """A ready session, at once where there is one. Raises what opening one raises."""
        while self._ready:
            session = self._ready.popleft()
            self._stir.set()
            if session.state is CodeState.READY:
                return session
        if self._closed:
            raise SessionEnded("The pool of code sessions is closed.")
        waiter: asyncio.Future[KernelSession] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        self._stir.set()
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                # It was given one just as it was cancelled.
                self._ready.append(waiter.result())
            raise

    def __len__(self) -> int:
        """How many are ready."""
        return len(self._ready)

    async def close(self) -> None:
        """Close what is ready and make no more."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_exception(SessionEnded("The pool of code sessions is closed."))
        await asyncio.gather(*(session.close() for session in self._ready))
        self._ready.clear()

    async def _fill(self) -> None:
        pause = _PAUSE
        async with asyncio.TaskGroup() as starts:
            while True:
                await self._stir.wait()
                self._stir.clear()
                failed = self._failed
                if failed:
                    self._failed = False
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, _PAUSE_MOST)
                else:
                    pause = _PAUSE
                while self._wanted > self._starting < _TOGETHER:
                    self._starting += 1
                    starts.create_task(self._one())

    @property
    def _wanted(self) -> int:
        self._waiters = deque(waiter for waiter in self._waiters if not waiter.done())
        self._ready = deque(one for one in self._ready if one.state is CodeState.READY)
        return max(0, self._size + len(self._waiters) - len(self._ready))

    async def _one(self) -> None:
        try:
            session = await self._make()
        except InspanError as error:
            self._failed = True
            for waiter in self._waiters:
                if not waiter.done():
                    waiter.set_exception(error)
        else:
            self._give(session)
        finally:
            self._starting -= 1
            self._stir.set()

    def _give(self, session: KernelSession) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(session)
                return
        self._ready.append(session)
