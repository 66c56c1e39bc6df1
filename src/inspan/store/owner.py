"""The one thread that owns the connection, and the queue that leads to it.

It knows batches and futures, nothing of tables. Everything that is waiting when the thread looks
is taken at once: the changes are written in one transaction, then the other calls are answered.

Where more is waiting, who waited for a transaction is told of it when the rows of the next one are
written and only the disk is waited for. Then loop and disk work side by side. Told at once, the
loop would have the interpreter's lock, for which the thread waits after each statement: the disk
would rest while the loop works, and the loop while the disk does.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import repeat
from queue import SimpleQueue
from typing import Any, Final, TypeAlias

import anyio

from inspan.engine.ports import Change
from inspan.errors import InspanError, StoreFailed
from inspan.store import faults

Call: TypeAlias = Callable[[sqlite3.Connection], Any]
#: Writes changes in one transaction. It makes the call when all that is left of that is the disk's.
Write: TypeAlias = Callable[
    [sqlite3.Connection, Sequence[Change], Callable[[], object]], list[InspanError | None]
]

#: Changes and calls that may wait; one more waits before the queue, in its caller.
ROOM: Final = 4096
#: The most that goes into one transaction, so that the first of a flood is not kept waiting.
BATCH: Final = 1024


#: A change or a call, and who waits for it.
_Job: TypeAlias = tuple[Change | Call, asyncio.Future[Any]]
#: Who waits, and what to tell: a result or an error.
_Outcome: TypeAlias = tuple[asyncio.Future[Any], Any, Exception | None]


class Owner:
    """Runs the connection in a thread; made and used on one event loop."""

    def __init__(
        self,
        connect: Callable[[], tuple[sqlite3.Connection, Callable[[], None]]],
        write: Write,
        written: Callable[[Sequence[Change]], None],
        worked: Callable[[int, float], None],
    ) -> None:
        """``connect`` gives the connection and what to call after it is closed.

        ``connect`` and ``write`` are called in the thread; ``written`` on the loop, with the
        changes of a batch that are on the disk, before anyone who waits for them goes on;
        ``worked`` before that, with how many they are and how many seconds they took.
        """
        #: How many calls were answered.
        self.calls = 0
        self._connect = connect
        self._write = write
        self._written = written
        self._worked = worked
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._room = anyio.Semaphore(ROOM, fast_acquire=True)
        self._opened: asyncio.Future[None] = self._loop.create_future()
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._closing = False
        #: In the thread: tells of the newest transaction; ``None`` once it has.
        self._telling: Callable[[], bool] | None = None
        # A daemon thread: a program that ends without closing loses nothing that was acknowledged.
        self._thread = threading.Thread(target=self._run, name="inspan-store", daemon=True)

    async def start(self) -> None:
        """Open the connection; raises what ``connect`` raises."""
        self._thread.start()
        try:
            await self._opened
        except BaseException:
            self._queue.put(None)  # where the caller gave up, the thread must not wait for work
            raise

    async def submit(self, work: Change | Call) -> Any:
        """Hand ``work`` to the thread and wait for its answer.

        Cancelling the caller does not take it back: a change may then have been written.
        Waits before the queue while the queue is full, in the order of the calls.
        """
        try:
            self._room.acquire_nowait()
        except anyio.WouldBlock:
            await self._room.acquire()
        if self._closing:
            self._room.release()
            raise StoreFailed("the store is closed", hint="Open it again.")
        future: asyncio.Future[Any] = self._loop.create_future()
        self._queue.put((work, future))
        return await future

    async def close(self) -> None:
        """Finish what is queued, close the connection and end the thread."""
        if not self._closing:
            self._closing = True
            self._queue.put(None)
        await asyncio.shield(self._ended)
        self._thread.join()

    # ── in the thread ─────────────────────────────────────────────────────────

    def _run(self) -> None:
        try:
            connection, release = self._connect()
        except Exception as error:  # noqa: BLE001 - handed to whoever opens the store
            self._tell(self._answer, [(self._opened, None, error)])
            return
        try:
            told = self._tell(self._answer, [(self._opened, None, None)])
            while told and self._turn(connection):
                pass
        finally:
            connection.close()
            release()
            self._tell(self._answer, [(self._ended, None, None)])

    def _turn(self, connection: sqlite3.Connection) -> bool:
        """Do what is waiting; False when there is nobody left to do it for."""
        jobs = [self._queue.get()]
        # Nobody else takes from the queue, so what is counted is there.
        jobs += [self._queue.get_nowait() for _ in range(min(self._queue.qsize(), BATCH - 1))]
        changes: list[Change] = []
        waiting: list[asyncio.Future[Any]] = []
        calls: list[tuple[Call, asyncio.Future[Any]]] = []
        closing = False
        for job in jobs:
            if job is None:
                closing = True
                continue
            work, future = job
            if isinstance(work, Change):
                changes.append(work)
                waiting.append(future)
            else:
                calls.append((work, future))
        if changes:
            self._commit(connection, changes, waiting)
        if (calls or closing or self._queue.empty()) and not self._tell_of_last():
            return False
        for call, future in calls:
            if not self._tell(self._answered, [_call(connection, call, future)]):
                return False
        return not closing

    def _commit(
        self,
        connection: sqlite3.Connection,
        changes: list[Change],
        waiting: list[asyncio.Future[Any]],
    ) -> None:
        began = time.perf_counter()
        errors = self._write(connection, changes, self._tell_of_last)
        took = time.perf_counter() - began
        self._tell_of_last()  # where nothing of these came as far as the disk
        pairs = zip(changes, errors, strict=True)
        done = [change for change, error in pairs if error is None]
        outcomes = list(zip(waiting, repeat(None), errors, strict=False))
        self._telling = partial(self._tell, self._publish, done, outcomes, took)

    def _tell_of_last(self) -> bool:
        """Tell of the last transaction, where nobody has yet; False where the loop is closed."""
        telling, self._telling = self._telling, None
        return telling is None or telling()

    def _tell(self, call: Callable[..., None], *arguments: Any) -> bool:
        """Call on the loop; False where the loop is closed."""
        try:
            self._loop.call_soon_threadsafe(call, *arguments)
        except RuntimeError:
            return False
        return True

    # ── on the loop ───────────────────────────────────────────────────────────

    def _publish(self, done: list[Change], outcomes: list[_Outcome], took: float) -> None:
        try:
            if done:
                self._worked(len(done), took)
            self._written(done)
        finally:
            self._settle(outcomes)

    def _answered(self, outcomes: list[_Outcome]) -> None:
        self.calls += len(outcomes)
        self._settle(outcomes)

    def _settle(self, outcomes: list[_Outcome]) -> None:
        self._answer(outcomes)
        for _ in outcomes:
            self._room.release()

    def _answer(self, outcomes: list[_Outcome]) -> None:
        for future, result, error in outcomes:
            if future.done():  # who waited was cancelled
                continue
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)


def _call(connection: sqlite3.Connection, call: Call, future: asyncio.Future[Any]) -> _Outcome:
    try:
        return future, call(connection), None
    except Exception as error:  # noqa: BLE001 - handed to the caller
        return future, None, faults.of_reading(error)
