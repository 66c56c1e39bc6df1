"""What screens have done beside them: the one place of the terminal interface that makes tasks.

A task group is wrong for this, as the failure of one would end the others, and so is a bare task of
asyncio, whose error nobody hears of and which may be collected while it runs. It knows coroutines
and their names; it never knows what they are about, nor Textual.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Final

import anyio

from inspan.errors import InputFull
from inspan.tui.clock import Clock

log = logging.getLogger(__name__)

#: So many at once are likelier a mistake than a wish; each further one is an error.
MOST: Final = 10_000
#: Seconds for those that are told to end, before they are ended without being asked.
GRACE: Final = 2.0


class Fired:
    """One that was fired: for whoever may want to end it."""

    def __init__(self, task: asyncio.Task[None] | None) -> None:
        self._task = task

    @property
    def started(self) -> bool:
        """False where it was refused, as everything is shut down."""
        return self._task is not None

    @property
    def over(self) -> bool:
        """True where nothing of it runs any more."""
        return self._task is None or self._task.done()

    def cancel(self) -> None:
        """Have it end; it may take its time."""
        if self._task is not None:
            self._task.cancel()


class BackgroundTasks:
    """Those of one app. ``failed`` hears of each error, with the name of the task."""

    def __init__(self, clock: Clock, failed: Callable[[Exception, str], object]) -> None:
        self._clock = clock
        self._failed = failed
        #: The event loop holds its tasks weakly; here is what keeps them, in order of their start.
        self._running: dict[asyncio.Task[None], str] = {}
        self._closing = False

    @property
    def active_task_count(self) -> int:
        """How many have not ended."""
        return len(self.names)

    @property
    def names(self) -> tuple[str, ...]:
        """Those that have not ended, the oldest first."""
        return tuple(name for task, name in self._running.items() if not task.done())

    @property
    def inside(self) -> bool:
        """Whether it is one of these that asks: it may wait for a person, a handler may not."""
        return asyncio.current_task() in self._running

    def fire_and_forget(self, work: Coroutine[Any, Any, object], name: str) -> Fired:
        """Run ``work`` beside everything else; once all is shut down it never begins."""
        if self._closing:
            work.close()
            log.debug("%s came after the end", name)
            return Fired(None)
        if len(self._running) >= MOST:
            work.close()
            self._tell(InputFull(f"{MOST} things are done in the background already"), name)
            return Fired(None)
        task = asyncio.create_task(self._run(work, name), name=name)
        self._running[task] = name
        # One that is cancelled before its first step never takes ``work`` up: it is closed here.
        task.add_done_callback(lambda done: self._gone(done, work))
        return Fired(task)

    async def shutdown(self, grace: float = GRACE) -> tuple[str, ...]:
        """End them all, the newest first, as it may lean on older ones; no other begins.

        Those that will not hear it in ``grace`` seconds are taken off where they wait. Returns the
        names of those that not even that ended: they are counted no more.
        """
        self._closing = True
        self._cancel_others()
        if await self._over(grace):
            return ()
        self._take_off_others()
        if await self._over(grace):
            return ()
        names = tuple(self._running.pop(task) for task in self._others())
        log.error("still at work at the end: %s", ", ".join(names))
        return names

    async def _run(self, work: Coroutine[Any, Any, object], name: str) -> None:
        # Where Textual runs, the first step of a task is taken before it is known who it is.
        await asyncio.sleep(0)
        try:
            await work
        except Exception as error:  # noqa: BLE001 - this is where all of them end up
            self._tell(error, name)

    def _tell(self, error: Exception, name: str) -> None:
        try:
            self._failed(error, name)
        except Exception:
            log.exception("%s failed with %r, and so did telling it", name, error)

    def _gone(self, task: asyncio.Task[None], work: Coroutine[Any, Any, object]) -> None:
        work.close()
        name = self._running.pop(task, task.get_name())
        if not task.cancelled() and (error := task.exception()) is not None:
            log.debug("%s was ended: %r", name, error)

    def _others(self) -> list[asyncio.Task[None]]:
        """All but the one that asks: it cannot wait for its own end."""
        own = asyncio.current_task()
        return [task for task in self._running if task is not own]

    async def _over(self, within: float) -> bool:
        """Whether the others ended in that time."""
        async with anyio.create_task_group() as group:

            async def limit() -> None:
                await self._clock.sleep(within)
                group.cancel_scope.cancel()

            group.start_soon(limit)
            while self._others():
                await asyncio.wait(self._others())
            group.cancel_scope.cancel()
        return not self._others()

    def _cancel_others(self) -> None:
        for task in reversed(self._others()):
            task.cancel()

    def _take_off_others(self) -> None:
        """End those that swallow their cancellation: by GeneratorExit where they wait."""
        for task in reversed(self._others()):
            name = self._running[task]
            log.warning("%s does not end; it is ended", name)
            try:
                if (coroutine := task.get_coro()) is not None:
                    coroutine.close()
            except Exception as error:  # noqa: BLE001 - whatever its last words are, it is over
                log.debug("%s at its end: %r", name, error)
            task.cancel()
