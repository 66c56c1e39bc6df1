"""Runs cells, one after the other, on the session's one event loop and its main thread.

A cell that awaits is a task of the loop. Any other runs on the main thread, where interrupts reach
it, and the loop stands still meanwhile; one that runs a loop of its own does so while ours is at
rest. A cell goes to a thread where that is asked for, or where it blocks and the session has tasks
that must go on: an interrupt reaches it there only between two steps of Python, so one that waits
in C is given up and its thread left to end by itself.

All cells share one context, so what one sets in a ContextVar the next one sees. What runs them
catches everything that user code may raise: the worker ends by shutdown alone.
"""

from __future__ import annotations

import contextvars
import os
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Protocol

from ..frames import FrameError  # noqa: TID252 - the package has a private name here
from .cell import Cell, Compiler, Shown, is_coroutine
from .display import bundle
from .interrupt import CELL, Interrupts, Running, let_off
from .namespace import Namespace, exit_code
from .output import Capture
from .router import BLOCKING_SYNC, UNKNOWN
from .tracebacks import describe
from .turns import Turns, is_light

if TYPE_CHECKING:
    import asyncio

Job = Callable[[], None]


class Send(Protocol):
    """Says something; what ``waits`` may go with what is said next."""

    def __call__(self, message: dict[str, Any], *, waits: bool = False) -> None: ...


#: Cells and characters of code that wait; beyond them a cell is refused at once.
MOST_CELLS: Final = 1000
MOST_CODE: Final = 64 << 20
#: Ids of cells that ended, by which one that is asked for again is known and not run again.
_REMEMBERED: Final = 1000
#: A value is told as such up to this many characters, and this many bits.
_VALUE_MOST: Final = 1 << 16
_BITS_MOST: Final = 64


class Executor:
    """The queue, and the cell that runs. On the main thread but where a method says otherwise."""

    def __init__(
        self,
        turns: Turns,
        namespace: Namespace,
        interrupts: Interrupts,
        capture: Capture,
        send: Send,
    ) -> None:
        self._turns, self._namespace, self._interrupts = turns, namespace, interrupts
        self._capture, self._send = capture, send
        self._compiler = Compiler(namespace.resolve)
        self._context = contextvars.copy_context()
        self._pid, self._main = os.getpid(), threading.get_ident()
        self._number = 0
        # Bounded by MOST_CELLS and MOST_CODE, beyond which a cell is refused.
        self._waiting: deque[Cell | Job] = deque()
        self._code = 0
        self._ended: dict[str, None] = {}
        self.running: Cell | None = None
        self._alone: Cell | None = None
        #: Called with what a cell raised, before it is put in words.
        self.advise: Callable[[BaseException], None] = lambda _: None
        interrupts.give_up = self._give_up
        interrupts.boundary(
            self._call.__code__, self._await.__code__, self._describe.__code__, self._show.__code__
        )
        interrupts.boundary(self._flush.__code__)

    # ── from the link's thread ────────────────────────────────────────────────

    def execute(self, message: dict[str, Any]) -> None:
        """Take a cell into the queue, once for each id. From the link's thread."""
        execution_id = message["execution_id"]
        if self._knows(execution_id):
            return
        self._number += 1
        del message["type"]
        cell = Cell(number=self._number, **message)
        if len(self._waiting) >= MOST_CELLS or self._code > MOST_CODE:
            self._refuse(cell, "QueueFull", "too many cells wait for their turn")
            return
        self._code += len(cell.code)
        self.then(cell)

    def then(self, job: Cell | Job) -> None:
        """Do this after the cells that wait already. From any thread."""
        self._waiting.append(job)
        if threading.get_ident() == self._main:
            self._turns.soon(self.pump)
        else:
            self._turns.soon_threadsafe(self.pump)

    def cancel(self, execution_id: str) -> None:
        """End a cell cooperatively: one that waits at once. From the link's thread."""
        for job in tuple(self._waiting):
            if isinstance(job, Cell) and job.execution_id == execution_id:
                job.cancelled = True
                try:
                    self._waiting.remove(job)
                except ValueError:
                    break  # it begins just now
                self._code -= len(job.code)
                self._refuse(job, "CancelledError", "the cell was cancelled before it began")
                return
        self._turns.soon_threadsafe(self._cancel, execution_id)

    def allows_input(self) -> bool:
        """Whether ``input()`` is answered: the running cell says so for all. From any thread."""
        cell = self.running
        return cell is not None and cell.allow_stdin

    def _knows(self, execution_id: str) -> bool:
        running = self.running
        if execution_id in self._ended:
            return True
        if running is not None and running.execution_id == execution_id:
            return True
        return bool(self._waiting) and any(
            isinstance(job, Cell) and job.execution_id == execution_id
            for job in tuple(self._waiting)
        )

    def _refuse(self, cell: Cell, name: str, why: str) -> None:
        """End a cell that never begins."""
        self._remember(cell)
        started = {"type": "started", "execution_id": cell.execution_id, "number": cell.number}
        self._send({**started, "mode": "unknown"})
        self._send(
            {
                "type": "error",
                "execution_id": cell.execution_id,
                "count": self._namespace.count,
                "name": name,
                "message": why,
                "traceback": [f"{name}: {why}"],
                "interrupted": cell.cancelled,
                "execution_time": 0.0,
                "fd": {"out": os.fstat(1).st_size, "err": os.fstat(2).st_size},
            }
        )

    def _remember(self, cell: Cell) -> None:
        self._ended[cell.execution_id] = None
        if len(self._ended) > _REMEMBERED:
            self._ended.pop(next(iter(self._ended)), None)

    # ── on the main thread ────────────────────────────────────────────────────

    def pump(self) -> None:
        """Begin what is next, unless a cell runs."""
        if self.running is not None or not self._waiting:
            return
        if self._turns.loop is None and not _is_light(self._waiting[0]):
            self._turns.begin_loop()
            self._turns.soon(self.pump)
            return
        job = self._waiting.popleft()
        if isinstance(job, Cell):
            self._code -= len(job.code)
            self._begin(job)
            return
        job()
        if self._waiting:
            self._turns.soon(self.pump)

    def run_alone(self) -> None:
        """Run the cell that needs our loop at rest, if one does. To be called while it rests."""
        cell, self._alone = self._alone, None
        if cell is not None:
            self._context.run(self._run_here, cell)

    def _cancel(self, execution_id: str) -> None:
        cell = self.running
        if cell is not None and cell.execution_id == execution_id:
            cell.cancelled = True
            self._interrupts.cancel(cell)

    def _begin(self, cell: Cell) -> None:
        self._interrupts.install()
        if self._turns.loop is not None:
            self._turns.loop.install()
        cell.count = self._namespace.begin(cell.code, silent=not cell.kept)
        cell.begun = time.perf_counter()
        self._context.run(CELL.set, cell.execution_id)
        failure: BaseException | None = None
        try:
            self._compiler.prepare(cell)
        except BaseException as error:  # noqa: BLE001 - whatever compiling raises is the cell's
            failure = error
        in_thread = failure is None and self._to_thread(cell)
        self.running = cell
        self._interrupts.begin(cell, cell.way.mode)
        started = {"type": "started", "execution_id": cell.execution_id, "number": cell.number}
        self._send({**started, "mode": cell.way.mode}, waits=True)
        if failure is not None:
            self._finish(cell, failure)
        elif cell.awaits:
            self._run_task(cell)
        elif in_thread:
            threading.Thread(target=self._run_thread, args=(cell,), daemon=True).start()
        elif cell.way.runs_loop:
            self._alone = cell
            self._turns.stop()
        else:
            self._context.run(self._run_here, cell)

    def _to_thread(self, cell: Cell) -> bool:
        if cell.awaits:
            return False
        if cell.threaded:
            return True
        blocks = cell.way.mode == BLOCKING_SYNC and not cell.way.uses_loop
        return blocks and self._turns.loop is not None and bool(self._turns.loop.tasks())

    def _run_here(self, cell: Cell) -> None:
        cell.on_stack = True
        outcome = self._outcome(cell)
        cell.on_stack = False
        self._finish(cell, outcome)

    def _outcome(self, cell: Cell) -> Shown | BaseException:
        try:
            if self._interrupts.named(cell) or cell.cancelled:
                return KeyboardInterrupt()
            return self._call(cell)
        except BaseException as error:  # noqa: BLE001 - whatever user code raises is its cell's end
            return error

    def _call(self, cell: Cell) -> Shown:
        value: Any = None
        if cell.body is not None:
            eval(cell.body, self._namespace.names)  # noqa: S307 - running code is what it is for
        if cell.last is not None:
            value = eval(cell.last, self._namespace.names)  # noqa: S307 - the same
        return self._show(cell, value)

    def _run_task(self, cell: Cell) -> None:
        from asyncio import CancelledError  # noqa: PLC0415  it comes with a loop

        assert self._turns.loop is not None
        task = self._turns.loop.create_task(
            self._await(cell), name=cell.execution_id, context=self._context
        )

        def done(task: asyncio.Task[Shown | BaseException]) -> None:
            # Cancelled before its first step, it never came to catch that.
            self._finish(cell, CancelledError() if task.cancelled() else task.result())

        task.add_done_callback(done, context=contextvars.Context())

    async def _await(self, cell: Cell) -> Shown | BaseException:
        value: Any = None
        try:
            if cell.body is not None:
                value = eval(cell.body, self._namespace.names)  # noqa: S307 - the same
                if is_coroutine(cell.body):
                    await value
            value = None
            if cell.last is not None:
                value = eval(cell.last, self._namespace.names)  # noqa: S307 - the same
                if is_coroutine(cell.last):
                    value = await value
            return self._show(cell, value)
        except BaseException as error:  # noqa: BLE001 - raised further it would end the loop
            return error

    def _run_thread(self, cell: Cell) -> None:
        """On a thread of the cell's own; an interrupt may strike anywhere in it, and late."""
        cell.thread = threading.get_ident()
        outcome: Shown | BaseException = KeyboardInterrupt()
        try:
            outcome = self._context.run(self._outcome, cell)
        except KeyboardInterrupt as error:
            outcome = error
        for _ in range(2):
            try:
                cell.over = True
                let_off(cell.thread)
            except KeyboardInterrupt:
                continue  # after this none is asked for any more
        if os.getpid() != self._pid:
            _leave_child(outcome)
        self._turns.soon_threadsafe(self._finish, cell, outcome)

    def _give_up(self, cell: Running) -> None:
        """End a cell whose thread waits in C and hears of no interrupt; the thread goes on.

        It is told once it is back in Python. What it holds of the context is its own from now on.
        """
        if self.running is cell and not cell.over:
            self._context = self._context.copy()
            self._finish(self.running, KeyboardInterrupt("the cell's thread still waits in C"))

    def _show(self, cell: Cell, value: Any) -> Shown:
        if value is None or cell.silent:
            return Shown()
        text, data, metadata = bundle(value)
        return Shown(value, text, data, metadata)

    # ── its end ───────────────────────────────────────────────────────────────

    def _finish(self, cell: Cell, outcome: Shown | BaseException) -> None:
        if os.getpid() != self._pid:
            _leave_child(outcome)
        if self.running is not cell:
            return  # it was given up
        cell.over = True
        told = None if isinstance(outcome, Shown) else self._describe(outcome)
        if self._capture.replaced():
            self._context.copy().run(self._flush)
        self._capture.flush()
        fd = self._capture.ends()
        interrupted = self._interrupts.named(cell) or cell.cancelled
        self._interrupts.running = None
        if interrupted:
            # Struck in one of several tasks, it would leave the others running.
            self._interrupts.cancel_tasks(cell)
        end = self._end(cell, outcome, told, interrupted=interrupted)
        self._remember(cell)
        took = time.perf_counter() - cell.begun
        self.running = None
        rest = {"count": cell.count, "execution_time": took, "fd": fd}
        try:
            self._send({**end, **rest})
        except (FrameError, TypeError, ValueError) as error:
            said = f"what the cell ended with cannot be sent: {error}"
            told = (type(error).__name__, said, [said])
            self._send({**self._end(cell, error, told, interrupted=interrupted), **rest})
        # After it was said: the history of a long session takes its time, and nobody waits for it.
        if cell.kept:
            failure = outcome if isinstance(outcome, BaseException) else None
            self._namespace.end(outcome.value if isinstance(outcome, Shown) else None, failure)
        if self._waiting:
            self._turns.soon(self.pump)

    def _end(
        self,
        cell: Cell,
        outcome: Shown | BaseException,
        told: tuple[str, str, list[str]] | None,
        *,
        interrupted: bool,
    ) -> dict[str, Any]:
        if isinstance(outcome, Shown) and not interrupted:
            value = None if cell.silent else _scalar(outcome.value)
            end: dict[str, Any] = {"type": "result", "execution_id": cell.execution_id}
            end |= {"value": value, "repr": outcome.repr}
            # Most have neither, and what is left out need not be read.
            if outcome.data:
                end["data"] = outcome.data
            if outcome.metadata:
                end["metadata"] = outcome.metadata
            return end
        name, message, lines = told or _WENT_ON
        if interrupted and name == "CancelledError" and self._interrupts.named(cell):
            name, lines = "KeyboardInterrupt", [*lines[:-1], "KeyboardInterrupt"]
        status = None
        if isinstance(outcome, SystemExit):
            status = exit_code(outcome)
            message = "" if outcome.code is None or isinstance(outcome.code, int) else message
        return {
            "type": "error",
            "execution_id": cell.execution_id,
            "name": name,
            "message": message,
            "traceback": lines,
            "interrupted": interrupted,
            "status": status,
        }

    def _flush(self) -> None:
        """Let go what streams of the user's own, put in the place of ours, hold back."""
        for name in ("stdout", "stderr"):
            with suppress(BaseException):  # it is code of the user's, and may be interrupted
                getattr(sys, name).flush()

    def _describe(self, error: BaseException) -> tuple[str, str, list[str]]:
        try:
            self.advise(error)
            return describe(error)
        except BaseException:  # noqa: BLE001 - an interrupt of a __str__ that does not end
            name = type(error).__name__
            return name, "", [name]


#: Said of a cell that an interrupt was for and that came to its end, as os.system lets it.
_WENT_ON: Final = (
    "KeyboardInterrupt",
    "the cell was interrupted and went on to its end",
    ["KeyboardInterrupt: the cell was interrupted and went on to its end"],
)


def _is_light(job: Cell | Job) -> bool:
    """Whether it may be done before there is a loop."""
    if not isinstance(job, Cell) or job.threaded or job.mode not in {"auto", UNKNOWN}:
        return False
    return is_light(job.code)


def _scalar(value: Any) -> str | int | float | bool | None:
    """The value itself where JSON can say it and it is short."""
    if type(value) is str:
        return value if len(value) <= _VALUE_MOST else None
    if type(value) is int:
        return value if value.bit_length() < _BITS_MOST else None
    if type(value) is float:
        return value if value - value == 0 else None
    return value if type(value) is bool else None


def _leave_child(outcome: Shown | BaseException) -> None:
    """A child that user code forked came out of the cell: it ends as a program would."""
    code = 0
    if isinstance(outcome, BaseException):
        code = exit_code(outcome)
        if not isinstance(outcome, SystemExit):
            traceback.print_exception(outcome)
    sys.stdout.flush()
    os._exit(code)
