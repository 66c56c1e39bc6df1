"""SIGINT, bound to one cell: it ends that cell, and can neither hit another nor lose a reply.

The host writes the number of the cell that it means on the board, then sends the signal, again and
again until the cell's end came. The handler looks whether that cell is the one that runs. If the
interrupted code is the cell's own, it raises KeyboardInterrupt there; if it is the engine's, it
raises nothing, for the next signal will find better; in all cases the cell's tasks are cancelled.
"""

from __future__ import annotations

import contextvars
import os
import selectors
import sys
from collections.abc import Callable
from types import BuiltinFunctionType, CodeType, FrameType, ModuleType
from typing import TYPE_CHECKING, Any, Final, Protocol

from . import signals
from .board import Board
from .turns import Turns

if TYPE_CHECKING:
    import asyncio
    import weakref

    from .loop import SessionLoop

#: The cell that code runs for; tasks inherit it, so that what they print is known to be its.
CELL: Final[contextvars.ContextVar[str | None]] = contextvars.ContextVar("cell", default=None)

#: Seconds that a cell's thread has to end: one that waits in C cannot hear of it.
IN_THREAD: Final = 0.25

_HERE: Final = os.path.dirname(__file__) + os.sep  # noqa: PTH120 - pathlib would cost start-up
#: No KeyboardInterrupt is raised in these: what they hold would be left half done.
_CRITICAL: Final = frozenset(
    _HERE + name
    for name in (
        *("board.py", "door.py", "execute.py", "interrupt.py", "link.py", "main.py"),
        *("namespace.py", "outbox.py", "turns.py"),
    )
)
_SELECTORS: Final = (selectors.__file__, f"{_HERE}ear.py")


class Running(Protocol):
    """What is to know of the cell that runs."""

    execution_id: str
    number: int
    #: The identity of the thread it has of its own; 0 for none.
    thread: int
    #: Whether it is on the main thread's stack now, as cells without await are.
    on_stack: bool
    #: Whether its code has ended.
    over: bool


class Interrupts:
    """The handler, and what it knows of the running cell."""

    def __init__(self, board: Board, turns: Turns) -> None:
        self._board = board
        self._turns = turns
        #: The cell that a signal may be for.
        self.running: Running | None = None
        #: Called where a cell's thread has not ended IN_THREAD after an interrupt; may come often.
        self.give_up: Callable[[Running], None] = lambda _: None
        self._boundaries: set[CodeType] = set()
        self._owners: weakref.WeakKeyDictionary[Any, str | None] | None = None
        #: The folder of the loop's code, and the frame in which it calls something.
        self._loop_code: tuple[str, CodeType] | None = None
        turns.begun.append(self._begun)
        os.register_at_fork(after_in_child=self._forked)

    def boundary(self, *codes: CodeType) -> None:
        """Name engine code that calls user code directly."""
        self._boundaries.update(codes)

    def install(self) -> None:
        """Take SIGINT, whatever user code has done with it. To be called on the main thread."""
        signals.handle(signals.INT, self._handle)

    def named(self, cell: Running) -> bool:
        """Whether the host has asked for this cell's end."""
        return self._board.wanted == cell.number

    def begin(self, cell: Running, mode: str) -> None:
        """From now on it is this cell that runs, and may be interrupted."""
        self.running = cell
        self._board.begin(cell.number, mode)

    def cancel(self, cell: Running) -> None:
        """Cancel what the cell has on the loop, or raise in its thread. On the main thread."""
        if cell.over:
            return
        if cell.thread:
            _raise_in(cell.thread)
            assert self._turns.loop is not None
            self._turns.loop.call_later(IN_THREAD, self.give_up, cell)
        self.cancel_tasks(cell)

    def cancel_tasks(self, cell: Running) -> None:
        """Cancel the tasks that the cell has made, wherever it is itself."""
        if self._turns.loop is None:
            return
        for task in self._turns.loop.tasks():
            if self._owner(task) == cell.execution_id:
                task.cancel()

    def _handle(self, _: int, frame: FrameType | None) -> None:
        cell = self.running
        if cell is None or not self.named(cell):
            return
        here = CELL.get()
        mine = here == cell.execution_id or (cell.on_stack and here is None)
        if mine and not cell.thread and self._in_user_code(frame):
            raise KeyboardInterrupt
        # A plain call_soon would not end the loop's wait.
        self._turns.soon_threadsafe(self.cancel, cell, context=contextvars.Context())

    def _in_user_code(self, frame: FrameType | None) -> bool:
        """Whether between here and the engine that called it there is code of neither."""
        folder, handle = self._loop_code or ("", None)
        foreign = frame is not None and frame.f_code is handle and _calls_c(frame)
        while frame is not None:
            code = frame.f_code
            name = code.co_filename
            if name in _CRITICAL:
                return foreign and code in self._boundaries
            of_loop = bool(folder) and name.startswith(folder)
            foreign = foreign or not (of_loop or name in _SELECTORS)
            frame = frame.f_back
        return False

    def _begun(self, loop: SessionLoop) -> None:
        """There is a loop from now on."""
        self._loop_code = loop.code
        if sys.version_info < (3, 12):
            import weakref  # noqa: PLC0415  it comes with a loop

            self._owners = weakref.WeakKeyDictionary()
            loop.set_task_factory(self._own_task)

    def _owner(self, task: asyncio.Task[Any]) -> str | None:
        if sys.version_info >= (3, 12):
            return task.get_context().get(CELL)
        else:  # noqa: RET505 - the type checker follows the version so
            assert self._owners is not None
            return self._owners.get(task)

    def _own_task(
        self, loop: asyncio.AbstractEventLoop, coro: Any, **options: Any
    ) -> asyncio.Task[Any]:
        """Python 3.11 does not tell a task's context, so it is written down who made it."""
        import asyncio  # noqa: PLC0415  a session is ready without; see ``turns``

        assert self._owners is not None
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=loop, **options)
        context = options.get("context")
        self._owners[task] = CELL.get() if context is None else context.get(CELL)
        return task

    def _forked(self) -> None:
        """A child is interrupted as any program is."""
        self.running = None
        if signals.handler(signals.INT) == self._handle:
            signals.handle(signals.INT, signals.interrupt)


def _calls_c(frame: FrameType) -> bool:
    """Whether the loop calls a C function of the user's, such as time.sleep, just here.

    Those of the loop itself are methods: a step of a task must not be lost.
    """
    callback = getattr(frame.f_locals.get("self"), "_callback", None)
    return isinstance(callback, BuiltinFunctionType) and isinstance(callback.__self__, ModuleType)


def _raise_in(thread: int) -> None:
    """Raise in another thread, once it is back in Python; where it waits in C it waits on.

    Only where its innermost frame is not ours: it holds the interpreter's lock no more, so that
    frame, or the first line of what it calls next, is where the error comes up.
    """
    frame = sys._current_frames().get(thread)  # noqa: SLF001 - Python has no other door
    if frame is None or frame.f_code.co_filename.startswith(_HERE):
        return
    import ctypes  # noqa: PLC0415  # only for this, and slow to import

    error = ctypes.py_object(KeyboardInterrupt)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), error)


def let_off(thread: int) -> None:
    """Take back what has not come up yet in a thread whose cell is over."""
    ctypes = sys.modules.get("ctypes")
    if ctypes is not None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), None)
