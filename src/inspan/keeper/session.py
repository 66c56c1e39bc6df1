"""A session in the keeper: one child, its descriptors, its input queue, its recording.

It must never know who asks or who watches: ``Host`` is told when it grew and when it is over. That
the process ended and that its output ended are two facts, and they come in either order.
"""

from __future__ import annotations

import contextlib
import os
import signal
import termios
import time
from collections.abc import Callable
from typing import Any, Final, Protocol

from inspan.keeper.attendance import Attendance
from inspan.keeper.loop import READ, WRITE, Loop, Timer
from inspan.keeper.queries import Answerer
from inspan.keeper.refusal import Refusal
from inspan.keeper.spawn import Child, set_size
from inspan.keeper.tree import Tree
from inspan.keeper.writer import Writer

#: One read for each time a descriptor is ready, so that a flood on one starves no other.
_CHUNK: Final = 1 << 16
#: Input that the child has not read yet; more is refused.
_INPUT_MOST: Final = 1 << 20
#: Replies to terminal queries are dropped while this much input waits: nobody is listening.
_REPLIES_MOST: Final = 1 << 16
#: After the process ended its output is over when it was quiet this long, though somebody else
#: still holds the terminal or the pipe ...
_QUIET: Final = 0.25
#: ... or after this time in any case.
_DRAIN_MOST: Final = 2.0
#: A recording that found no room for its end is tried again after this many seconds.
_SETTLE: Final = 1.0


class Host(Protocol):
    """Who is told."""

    def grown(self, session: Session) -> None:
        """There is more output."""
        ...

    def over(self, session: Session) -> int:
        """It has ended and its output is complete; how many processes it left behind."""
        ...


class Session:
    """One child and all that belongs to it."""

    def __init__(
        self,
        name: str,
        child: Child,
        writer: Writer,
        *,
        tree: Tree,
        cols: int,
        rows: int,
        loop: Loop,
        host: Host,
    ) -> None:
        self.name = name
        self.pid = child.pid
        self.pty = child.slave >= 0
        self.writer = writer
        self.tree = tree
        #: The connections that answer the terminal's queries themselves.
        self.attendance = Attendance(self._reply)
        self.started_at = time.time()
        self.ended_at: float | None = None
        self.exit: tuple[int, int] | None = None
        self.complete = False
        self.left = 0
        self.cols = cols
        self.rows = rows
        self._loop = loop
        self._host = host
        self._slave = child.slave
        self._stdin = child.stdin
        self._stdin_closing = False
        self._outputs = dict(child.outputs)
        self._queue = bytearray()
        self._answerer = Answerer(self) if self.pty else None
        self._drained: Timer | None = None
        self._drain_until = 0.0
        self._afterwards: list[Callable[[], None]] = []
        for fd, kind in child.outputs:
            loop.watch(fd, READ, self._reader(fd, kind))

    @property
    def alive(self) -> bool:
        """Whether the root process is."""
        return self.exit is None

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return self.complete and not self.alive

    def when_over(self, call: Callable[[], None]) -> None:
        """``call`` once nothing more will come; at once where that is so."""
        if self.over:
            call()
        else:
            self._afterwards.append(call)

    @property
    def size(self) -> int:
        """Bytes of output so far."""
        return self.writer.size

    def status(self) -> dict[str, Any]:
        """As on the wire."""
        status = {
            "session": self.name,
            "pid": self.pid,
            "alive": self.alive,
            "started_at": self.started_at,
            "size": self.size,
            "eof": self.complete,
            "cols": self.cols,
            "rows": self.rows,
            "cut": self.writer.cut,
            "left": self.left,
        }
        if self.exit is not None:
            code, number = self.exit
            status["exit"] = {"signal": number} if number else {"code": code}
            status["ended_at"] = self.ended_at
        return status

    # ── input ─────────────────────────────────────────────────────────────────

    def write(self, data: bytes) -> int:
        """Queue input; the bytes that wait now. Raises Refusal."""
        if self.exit is not None or self._stdin < 0 or self._stdin_closing:
            raise Refusal("conflict", "The session takes no more input.")
        if len(self._queue) + len(data) > _INPUT_MOST:
            raise Refusal("input-full", "The program does not read its input.")
        self.writer.typed(data)
        self._enqueue(data)
        return len(self._queue)

    def before(self, offset: int, most: int) -> bytes:
        """The output that ends at ``offset``, as far as the recording has it."""
        start = max(0, offset - most)
        return self.writer.read(start, offset - start)[1]

    def asked(self, offset: int, answer: bytes) -> None:
        """Answer a terminal query, as the terminal would, unless somebody attends."""
        self.attendance.asked(offset, answer)

    def _reply(self, data: bytes) -> None:
        if self.alive and self._stdin >= 0 and len(self._queue) < _REPLIES_MOST:
            self._enqueue(data)

    def eof(self) -> None:
        """End of input: the terminal's EOF character, or a closed pipe once all is written."""
        if self.pty:
            self.write(b"")
            self._enqueue(bytes(termios.tcgetattr(self._stdin)[6][termios.VEOF]))
        elif self._stdin >= 0:
            self._stdin_closing = True
            if not self._queue:
                self._close_stdin()

    def _enqueue(self, data: bytes) -> None:
        if self._queue:
            self._queue += data
            return
        done = self._put(data)
        if done < len(data):
            self._queue += data[done:]
            self._watch_stdin(on=True)

    def _put(self, data: bytes | bytearray) -> int:
        try:
            return os.write(self._stdin, data)
        except BlockingIOError:
            return 0
        except OSError:
            # Nobody will read it any more; on a terminal the same is seen as end of output.
            return len(data)

    def _writable(self) -> None:
        del self._queue[: self._put(self._queue)]
        if not self._queue:
            self._watch_stdin(on=False)
            if self._stdin_closing:
                self._close_stdin()

    def _watch_stdin(self, *, on: bool) -> None:
        if self._stdin in self._outputs:
            self._loop.change(self._stdin, READ | WRITE if on else READ)
        elif on:
            self._loop.watch(self._stdin, WRITE, lambda _: self._writable())
        else:
            self._loop.forget(self._stdin)

    def _close_stdin(self) -> None:
        if self._stdin >= 0 and not self.pty:
            self._loop.forget(self._stdin)
            os.close(self._stdin)
        self._stdin = -1
        self._queue.clear()

    # ── the terminal and signals ──────────────────────────────────────────────

    def resize(self, cols: int, rows: int) -> None:
        """Give the terminal another size. Raises Refusal."""
        if not self.pty or self._stdin < 0:
            raise Refusal("conflict", "The session has no terminal.")
        if (cols, rows) != (self.cols, self.rows):
            set_size(self._stdin, cols, rows)
            self.cols, self.rows = cols, rows
            self.writer.resized(cols, rows)

    def foreground(self) -> int:
        """The process group that a Ctrl-C would reach."""
        if self.pty and self._stdin >= 0:
            with contextlib.suppress(OSError):
                group = os.tcgetpgrp(self._stdin)
                if group > 1:
                    return group
        return self.pid

    # ── output and the end ────────────────────────────────────────────────────

    def _reader(self, fd: int, kind: str) -> Any:
        def ready(events: int) -> None:
            if events & READ:
                self._readable(fd, kind)
            if events & WRITE and self._stdin >= 0:
                self._writable()

        return ready

    def _readable(self, fd: int, kind: str) -> None:
        try:
            data = os.read(fd, _CHUNK)
        except BlockingIOError:
            return
        except OSError:
            # EIO: the last holder of the terminal has closed it.
            data = b""
        if not data:
            self._close_output(fd)
            return
        if self.writer.output(data, kind):
            self._loop.soon(self.writer.stamp)
        if self._answerer is not None:
            self._answerer.feed(data)
        self._host.grown(self)

    def exited(self, code: int, number: int) -> None:
        """The root process has ended; its output may still come."""
        self.exit = (code, number)
        self.ended_at = time.time()
        self.tree.rooted = False
        if self._slave >= 0:
            # Held open until now, so that no output is lost to an early hang-up.
            os.close(self._slave)
            self._slave = -1
        self._drain_until = time.monotonic() + _DRAIN_MOST
        if self.complete:
            self._finish()
        else:
            self._drain(-1)

    def _drain(self, before: int) -> None:
        """Wait for the end of the output, but not for ever: look again after a quiet time."""
        if self.size == before or time.monotonic() >= self._drain_until:
            for fd in list(self._outputs):
                self._close_output(fd)
            return
        size = self.size
        self._drained = self._loop.later(_QUIET, lambda: self._drain(size))

    def _close_output(self, fd: int) -> None:
        self._loop.forget(fd)
        del self._outputs[fd]
        if fd == self._stdin:
            self._close_stdin()
        os.close(fd)
        if not self._outputs and not self.complete:
            self.complete = True
            if not self.alive:
                self._finish()

    def _finish(self) -> None:
        if self._drained is not None:
            self._drained.cancel()
        self._close_stdin()
        code, number = self.exit or (0, signal.SIGKILL)
        self.writer.close(code, number)
        self._settle()
        self.left = self._host.over(self)
        for call in self._afterwards:
            call()

    def _settle(self) -> None:
        """A full disk keeps the recording open until its index is written, however long."""
        if not self.writer.settle():
            self._loop.later(_SETTLE, self._settle)
