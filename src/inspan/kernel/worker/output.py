"""What a session prints: gathers it, says which cell it is of, and sends it in few frames.

Python's streams become frames here; what C code and other programs write to descriptors 1 and 2
goes into two files, which the host reads. This never knows how frames travel.

Nothing is sent from the thread that prints: a thread of our own does it, where no interrupt can
strike between taking and sending, so that nothing is lost and nothing comes twice.

Backpressure, by ``policy``:

``block``  who prints waits while more than ``most`` characters wait to be sent, and ``send`` may
           block as the link sees fit. What comes while nothing at all is sent for a minute is
           dropped, and output of no cell after a quarter of a second: it may come from the very
           threads that would make room.
``drop``   who prints never waits; what comes while ``most`` characters wait is dropped.

What is dropped is counted, in bytes, in ``dropped`` of the next frame of its cell and stream.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final, Literal

from ..frames import BODY_MOST  # noqa: TID252  # the package is loaded under another name too
from . import clib
from .board import Board
from .streams import TextStream
from .threads import begin, tag_of_thread, tag_threads
from .utf8 import encoded, joined, unbroken

Send = Callable[[dict[str, Any], bytes], None]
Cell = Callable[[], str | None]
Key = tuple[str | None, str]

#: How long printed text may wait for more to go with it, in seconds.
GATHER: Final = 0.002
#: A line, or a flush, leaves before the print returns: this many at once, then one in each STEP.
#: Beyond that it is gathered, up to RUN. So what a cell said last is out even if C code then holds
#: the GIL.
STEP: Final = 0.005
AT_ONCE: Final = 8
#: So long the parts of a line are taken to have nothing between them, in seconds.
FRESH: Final = 1e-4
#: The longest that a print waits for its line to leave, and that output of no cell waits for room.
LINE_WAIT: Final = 0.05
STRANGER_WAIT: Final = 0.25
#: Nothing is sent for so long: then it never will be while this print waits.
STALL: Final = 60.0
#: Text is encoded and sent once so much of one stream came together.
RUN: Final = 1 << 18
MOST: Final = 4 << 20


_FILES: Final = {"out": "out.raw", "err": "err.raw"}
_STREAMS: Final = ("stdout", "stderr")


class _Mark:
    """A place in the queue: ``passed`` is released when all before it was sent."""

    __slots__ = ("passed", "whole")

    def __init__(self, *, whole: bool) -> None:
        self.whole = whole
        self.passed = threading.Lock()
        self.passed.acquire()


class _Grown:
    """A place in the queue: what follows was printed when the stream's file ended at ``end``."""

    __slots__ = ("end", "name")

    def __init__(self, name: str, end: int) -> None:
        self.name, self.end = name, end


class Capture:
    """The output of this process, from ``install`` until ``close``."""

    def __init__(
        self,
        folder: str,
        send: Send,
        cell: Cell,
        board: Board,
        *,
        policy: Literal["block", "drop"] = "block",
        most: int = MOST,
    ) -> None:
        self._folder, self._send, self._cell = os.path.abspath(folder), send, cell  # noqa: PTH100  # quick
        self._board = board
        self._drops, self._most = policy == "drop", most
        # Bounded by ``most`` as the policy says; appending needs no lock.
        self._pending: deque[tuple[str | None, str, str | bytes] | _Mark | _Grown] = deque()
        self._size = 0
        # The round in which printed text is gathered now, and that of the last print.
        self._round, self._printed = 1, 0
        self._ends = dict.fromkeys(_STREAMS, 0)
        # The files by stream; where each ended when that was last asked, and for what is sent next.
        self._looks: dict[str, int] = {}
        self._grown, self._after = dict.fromkeys(_STREAMS, 0), dict.fromkeys(_STREAMS, 0)
        # To be asked anew: a line is over, or _fresh is; the last print was to _at.
        self._stale, self._at, self._fresh = True, "", 0.0
        self._sending = False
        self._sent = 0
        self._direct = True
        self._due = 0.0
        self._tails: dict[Key, bytes] = {}
        self._dropped: dict[Key, int] = {}
        self._counting = threading.RLock()
        self._wake, self._hurry = threading.Lock(), threading.Lock()
        self._wake.acquire()
        self._hurry.acquire()
        #: Of the thread that sends, once it runs; held until that is over.
        self._sender, self._over = 0, threading.Lock()
        self._over.acquire()
        self._ours: tuple[Any, Any] = (sys.stdout, sys.stderr)

    def install(self) -> None:
        """Take over descriptors 1 and 2 and Python's streams. Raises OSError."""
        for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
            if stream is not None:
                stream.flush()
        for descriptor, name in enumerate(_FILES.values(), 1):
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            file = os.open(f"{self._folder}/{name}", flags, 0o600)
            os.dup2(file, descriptor)
            os.close(file)
            self._looks[_STREAMS[descriptor - 1]] = os.open(
                f"{self._folder}/{name}", os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW
            )
        clib.by_lines()
        tag_threads(self.here)
        self.start()
        os.register_at_fork(after_in_child=self._forked)
        # Python's own streams must not be collected: closing them would close our descriptors.
        self._former = (sys.__stdout__, sys.__stderr__)
        out, err = (
            TextStream(name, descriptor, self.put, self.push)
            for descriptor, name in enumerate(("stdout", "stderr"), 1)
        )
        self._ours = (out, err)
        sys.stdout = sys.__stdout__ = out  # type: ignore[assignment, misc]  # stands in for one
        sys.stderr = sys.__stderr__ = err  # type: ignore[assignment, misc]  # the same

    def replaced(self) -> bool:
        """Whether code has put streams of its own, which may hold text back, in our place."""
        out, err = self._ours
        return getattr(sys, "stdout", None) is not out or getattr(sys, "stderr", None) is not err

    def start(self) -> None:
        """Begin to send what is put; ``install`` does it."""
        self._direct = False
        begin(self._run)

    def here(self) -> str | None:
        """The cell that this code runs for: of its context, or of who started its thread."""
        cell = self._cell()
        return tag_of_thread() if cell is None else cell

    def put(self, name: str, text: str | bytes) -> None:
        """Take what was written to the stream ``name``. May wait; see the policies."""
        cell = self.here()
        if self._direct:
            _write(name, text)
            return
        if self._size > self._most and not self._room(cell, name, text):
            return
        if self._stale or name != self._at or time.monotonic() > self._fresh:
            self._look(name)
        self._pending.append((cell, name, text))
        # Asked after it is there: the sender takes what is there when it begins the next round.
        if self._printed != self._round:
            self._printed = self._round
            self._board.printed(self._printed)
        self._size += len(text)
        if ("\n" if isinstance(text, str) else b"\n") in text:  # type: ignore[operator]  # of its kind
            self._stale = True
            self._line(cell)
        elif len(text) > RUN:
            self._line(cell)
        elif self._wake.locked():
            _release(self._wake)

    def push(self) -> None:
        """Send what was written, at once unless that is asked for too often."""
        if not self._direct and (self._pending or self._sending):
            self._line(self.here())

    def flush(self, timeout: float = -1) -> bool:
        """Wait until ``send`` has everything that was written, and say whether it has.

        ``timeout`` is in seconds. To be called at the end of a cell: what is left of a character
        that was cut is sent too.
        """
        # A print that was interrupted may have told of a round that nobody was woken for.
        untold = self._printed >= self._round
        waits = self._pending or self._sending or self._tails or self._dropped or untold
        return self._direct or not waits or self._settle(timeout, whole=True)

    def send(self, message: dict[str, Any], body: bytes = b"") -> None:
        """Send a message after everything that was written so far, and say how much that was."""
        self.flush()
        self._send({**message, "fd": self.ends()}, body)

    def ends(self) -> dict[str, int]:
        """Where the two files end now, with what C code kept in its buffer."""
        clib.flush()
        for name, look in self._looks.items():
            # Of our own: the cell may have closed descriptors 1 and 2, or pointed them elsewhere.
            try:
                self._ends[name] = os.lseek(look, 0, os.SEEK_END)
            except OSError:
                continue  # user code closed even this
        return {"out": self._ends["stdout"], "err": self._ends["stderr"]}

    def close(self) -> None:
        """Send what is left. What is written later goes into the files."""
        self.flush()
        if not self._direct:
            self._direct = True
            _release(self._wake)
            self._over.acquire()
            self._drain()

    def _forked(self) -> None:
        # The child has no link of its own: what it prints goes into the files.
        self._direct = True
        self._pending.clear()
        self._sending = False

    def _look(self, name: str) -> None:
        """Note where the file of this stream ends: what is in it goes before what is printed now.

        That is asked where a line begins, or FRESH has gone by: a line costs a system call, and its
        parts do not.
        """
        self._stale, self._at, self._fresh = False, name, time.monotonic() + FRESH
        try:
            end = os.lseek(self._looks[name], 0, os.SEEK_END)
        except (KeyError, OSError):
            return  # not installed, or user code closed it
        if end > self._grown[name]:
            self._grown[name] = end
            # The host waits for what was printed before that, and not for ever: see its HELD.
            if self.here() is not None and not self._drops:
                self._settle(LINE_WAIT)
            self._pending.append(_Grown(name, end))

    def _room(self, cell: str | None, name: str, text: str | bytes) -> bool:
        before = -1
        while not self._drops and before != self._sent:
            before = self._sent
            if self._settle(STRANGER_WAIT if cell is None else STALL):
                return True
        lost = len(text if isinstance(text, bytes) else encoded(text))
        with self._counting:
            self._dropped[cell, name] = self._dropped.get((cell, name), 0) + lost
        return False

    def _line(self, cell: str | None) -> None:
        now = time.monotonic()
        if (now < self._due and self._size <= RUN) or cell is None or self._drops:
            if self._wake.locked():
                _release(self._wake)
            return
        self._due = max(self._due, now - AT_ONCE * STEP) + STEP
        self._settle(LINE_WAIT)

    def _settle(self, timeout: float, *, whole: bool = False) -> bool:
        if threading.get_ident() == self._sender:
            return True
        mark = _Mark(whole=whole)
        self._pending.append(mark)
        _release(self._hurry)
        _release(self._wake)
        return mark.passed.acquire(timeout=timeout)

    # ── the thread that sends ─────────────────────────────────────────────────

    def _run(self) -> None:
        self._sender = threading.get_ident()
        while not self._direct:
            self._wake.acquire()
            self._hurry.acquire(timeout=GATHER)
            self._sending = True
            self._drain()
            self._sending = False
        self._over.release()

    def _drain(self) -> None:
        gathered = self._round
        self._round += 1
        pending = self._pending
        parts: list[str | bytes] = []
        size = 0
        key: Key = (None, "stdout")
        while pending:
            item = pending.popleft()
            if isinstance(item, _Mark):
                self._emit(key, parts)
                self._pass(item)
                parts, size = [], 0
                continue
            if isinstance(item, _Grown):
                self._emit(key, parts)
                self._after[item.name] = max(item.end, self._after[item.name])
                parts, size = [], 0
                continue
            cell, name, text = item
            if size > RUN or name != key[1] or cell != key[0]:
                self._emit(key, parts)
                key, parts, size = (cell, name), [], 0
            parts.append(text)
            size += len(text)
        self._emit(key, parts)
        self._board.sent(gathered)
        self._size = 0

    def _pass(self, mark: _Mark) -> None:
        self._size = 0
        if mark.whole:
            for key in [*self._tails, *self._dropped]:
                self._frames(key, self._tails.pop(key, b""))
        mark.passed.release()

    def _emit(self, key: Key, parts: list[str | bytes]) -> None:
        if not parts:
            return
        data = self._tails.pop(key, b"") + joined(parts)
        whole = len(data) if isinstance(parts[-1], str) else unbroken(data, len(data))
        if whole < len(data):
            self._tails[key] = data[whole:]
            data = data[:whole]
        if data:
            self._frames(key, data)

    def _frames(self, key: Key, data: bytes) -> None:
        with self._counting:
            dropped = self._dropped.pop(key, 0)
        start = 0
        while start < len(data) or dropped:
            end = len(data)
            if end - start > BODY_MOST:
                end = unbroken(data, start + BODY_MOST)
            self._one(key, dropped, data[start:end])
            start, dropped = end, 0

    def _one(self, key: Key, dropped: int, body: bytes) -> None:
        head = {"type": "output", "execution_id": key[0], "stream": key[1], "dropped": dropped}
        head["after"] = self._after[key[1]]
        try:
            self._send(head, body)
        except Exception:  # noqa: BLE001  # no link is no reason to lose output
            with contextlib.suppress(OSError):
                _write(key[1], body)
        self._sent += 1


def _release(lock: threading.Lock) -> None:
    try:
        lock.release()
    except RuntimeError:
        return  # it was released already: that says the same


def _write(name: str, text: str | bytes) -> None:
    data = memoryview(text if isinstance(text, bytes) else encoded(text))
    while data:
        data = data[os.write(1 if name == "stdout" else 2, data) :]
