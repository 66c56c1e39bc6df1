"""Bytes between an attached session and our own descriptors, both ways, unchanged.

One loop over three descriptors: the session, our standard input, and the signals. It knows bytes
and sizes; it never knows what a task is.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from inspan.cli import rawtty
from inspan.errors import Conflict, InputFull, WriterTaken
from inspan.model.session import Answers, Chunk, Ended, Gap, Output
from inspan.model.task import Exit

if TYPE_CHECKING:
    from inspan.cli.reach import Attached
    from inspan.terminal.history import Modes, Unasked

_READ: Final = 1 << 16
#: How long to leave a program alone that does not read its input, in seconds.
_FULL_PAUSE: Final = 0.02
#: A program that has drawn prints nothing for so long, and is waited for no longer; in seconds.
_DRAWN: Final = 0.05
_DRAWS: Final = 0.25


class Source:
    """Where input comes from; it can end, and be told to rest."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.ended = False
        self.tty = False
        with suppress(OSError):
            self.tty = os.isatty(fd)

    def read(self) -> bytes:
        """What is there; nothing at the end, and where the descriptor is closed."""
        try:
            return os.read(self.fd, _READ)
        except OSError:
            return b""

    @property
    def usable(self) -> bool:
        """False where the descriptor is not open."""
        try:
            os.fstat(self.fd)
        except OSError:
            return False
        return True


class Pump:
    """One attachment. ``stop_at`` is a key of ours that ends it, when it is typed."""

    def __init__(
        self,
        source: Source | None,
        wake: int,
        *,
        screen: bool,
        resizes: bool,
        stop_at: int | None = None,
    ) -> None:
        self._source = source
        self._wake = wake
        #: What is shown comes from a terminal and goes to one, which would answer it.
        self._screen = screen
        self._resizes = resizes
        self._stop_at = stop_at
        self._pending = b""
        #: A retry is told again that there is no more input.
        self._closing = source is not None and source.ended
        self._full_until = 0.0
        #: Read input only for the key that leaves, and type nothing.
        self.mute = False
        #: The offset up to which the session has been shown.
        self.shown = 0
        #: What asks the terminal before this offset is not its to answer, and is left out.
        self._answered: float = 0
        self._unasked: Unasked | None = None
        #: What the session made of the terminal, where somebody wants to know.
        self.modes: Modes | None = None
        #: Whether the cursor is where a line begins, as far as can be told.
        self.at_margin = True
        #: True where ``stop_at`` was typed.
        self.left = False
        #: True where somebody else took the session over, and nothing can be typed any more.
        self.robbed = False
        #: What is to be said once the terminal is ours again.
        self.notes: list[str] = []
        #: Where output goes that is not to be shown as it is.
        self.render: Callable[[Output], None] | None = None
        #: What else is waited for: descriptors, and what is done when one can be read.
        self.beside: Callable[[], dict[int, Callable[[], None]]] = dict
        self._exit: Exit | None = None
        self._over = False

    def redraw(self, attached: Attached) -> None:
        """Have the program draw anew; call before :meth:`run`, which gives the size to keep.

        A program draws when its size changes, and only then. It is left alone until it has: some
        (``less`` 590) do not see a size that comes just before they wait for a key.
        """
        cols, rows = rawtty.size(1)
        with suppress(Conflict):
            attached.resize(cols, max(1, rows - 1))
        latest = time.monotonic() + _DRAWS
        while not self._over and (left := latest - time.monotonic()) > 0:
            chunk = attached.recv(timeout=min(left, _DRAWN))
            if chunk is None:
                return
            self._over = self._show(chunk)

    def run(self, attached: Attached, signalled: Callable[[], None]) -> Exit | None:
        """Until the session has ended, was left or taken; how it ended, where that is known."""
        self._resize(attached)
        session = attached.fileno()
        while not (self._over or self._drain(attached)):
            beside = self.beside()
            waited = [session, self._wake, *beside, *self._input()]
            for fd in select.select(waited, (), (), self._pause())[0]:
                if fd in beside:
                    beside[fd]()
                elif fd == self._wake:
                    self._woken(attached, signalled)
                elif fd != session and self._take():
                    return None
            self._type(attached)
            if self.robbed:
                return None
        return self._exit

    def watch_only(self) -> None:
        """Read no input from now on."""
        self._source, self.robbed = None, False

    def answer(self, attached: Attached, answers: Answers) -> Answers:
        """Have our terminal asked what is its to answer; what is, after a new attachment."""
        begins = attached.answers_from
        if begins is not None:
            self._answered = begins
        elif self._screen:
            self._answered = float("inf")
        return Answers.DUE if answers is Answers.NEW else answers

    def _drain(self, attached: Attached) -> bool:
        """Show all that has come; true at the end of the session."""
        while (chunk := attached.recv(timeout=0)) is not None:
            if self._show(chunk):
                return True
        return False

    def _show(self, chunk: Chunk) -> bool:
        if isinstance(chunk, Output) and self.render is not None:
            self.render(chunk)
            self.shown = chunk.offset + len(chunk.data)
        elif isinstance(chunk, Output):
            data = self._asking(chunk)
            write_all(2 if chunk.stream == "err" else 1, data)
            self.shown = chunk.offset + len(chunk.data)
            if self.modes is not None:
                self.modes.feed(data)
                self.at_margin = data.endswith(b"\n") if data else self.at_margin
        elif isinstance(chunk, Gap):
            self.shown = chunk.end
            self.notes.append(f"{chunk.end - chunk.start} bytes of output are no longer kept")
        elif isinstance(chunk, Ended):
            if self._unasked is not None:
                write_all(1, self._unasked.rest())
            self._exit = chunk.exit
            return True
        return False

    def _asking(self, chunk: Output) -> bytes:
        """The chunk without the queries that are not the terminal's to answer."""
        known = int(max(0, min(len(chunk.data), self._answered - chunk.offset)))
        if self._unasked is None:
            if not known:
                return chunk.data
            from inspan.terminal.history import Unasked

            self._unasked = Unasked()
        shown = self._unasked.feed(chunk.data[:known])
        if known == len(chunk.data):
            return shown
        # A query that was held back for its end is among those that the terminal answers.
        return shown + self._unasked.rest() + chunk.data[known:]

    # ── input ─────────────────────────────────────────────────────────────────

    def _input(self) -> tuple[int, ...]:
        """Our input, where more of it is to be read: not while some waits for the program."""
        source = self._source
        if source is None:
            return ()
        if not source.ended and not source.usable:
            source.ended = self._closing = True
        return () if source.ended or self._pending else (source.fd,)

    def _take(self) -> bool:
        """Read input; true where the key that leaves was in it."""
        assert self._source is not None
        data = self._source.read()
        if not data:
            self._source.ended = self._closing = True
        if self._stop_at is not None and self._stop_at in data:
            data = data[: data.index(self._stop_at)]
            self.left = True
        if self.mute:
            self._closing = False
        else:
            self._pending += data
        return self.left

    def _type(self, attached: Attached) -> None:
        if time.monotonic() < self._full_until:
            return
        try:
            if self._pending:
                attached.write(self._pending)
                self._pending = b""
            if self._closing:
                attached.write(b"")
                self._closing = False
        except InputFull:
            self._full_until = time.monotonic() + _FULL_PAUSE
        except WriterTaken:
            self.robbed = True
            self._pending, self._closing = b"", False
        except Conflict:
            # The session has ended; its last output is on its way.
            self._pending, self._closing = b"", False

    def _pause(self) -> float | None:
        return _FULL_PAUSE if self._pending or self._closing else None

    # ── signals ───────────────────────────────────────────────────────────────

    def _woken(self, attached: Attached, signalled: Callable[[], None]) -> None:
        with suppress(BlockingIOError):
            os.read(self._wake, 512)
        signalled()
        self._resize(attached)

    def _resize(self, attached: Attached) -> None:
        if self._resizes:
            with suppress(Conflict):  # it has ended, or somebody else's terminal gives the size
                attached.resize(*rawtty.size(1))


def write_all(fd: int, data: bytes) -> None:
    """All of ``data``, also where somebody made the descriptor non-blocking."""
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(fd, rest) :]
        except BlockingIOError:
            select.select([], [fd], [])
