"""The caller's own terminal: its size, raw mode and back, and news of a new size.

It changes the terminal only inside its context managers, and always puts it back.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType


def size(fd: int) -> tuple[int, int]:
    """Columns and rows; 80 by 24 where the terminal does not say."""
    with suppress(OSError):
        seen = os.get_terminal_size(fd)
        if seen.columns and seen.lines:
            return seen.columns, seen.lines
    return 80, 24


@contextmanager
def raw(fd: int) -> Iterator[None]:
    """The terminal in raw mode: every key and every byte passes through as it is."""
    import termios
    import tty

    before = termios.tcgetattr(fd)
    tty.setraw(fd, termios.TCSANOW)
    try:
        yield
    finally:
        # Not flushing: what was typed ahead is meant for the shell.
        termios.tcsetattr(fd, termios.TCSADRAIN, before)


@contextmanager
def keys(fd: int) -> Iterator[None]:
    """Each key passes at once and is not shown; Ctrl-C still interrupts."""
    import termios
    import tty

    before = termios.tcgetattr(fd)
    tty.setcbreak(fd, termios.TCSANOW)
    try:
        yield
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)


@contextmanager
def wakes(*signals: signal.Signals) -> Iterator[tuple[int, list[int]]]:
    """A descriptor that becomes readable when one of ``signals`` comes, and which came.

    The handlers do nothing else, so that the caller acts at a place of its own choosing.
    """
    read, write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK) if hasattr(os, "pipe2") else os.pipe()
    os.set_blocking(read, False)
    os.set_blocking(write, False)
    came: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        came.append(number)

    # Not by the handler: one that comes just before a wait begins is run when that is over.
    former = signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    before = {number: signal.signal(number, note) for number in signals}
    try:
        yield read, came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(former)
        os.close(read)
        os.close(write)
