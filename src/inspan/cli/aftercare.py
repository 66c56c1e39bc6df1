"""Gives the terminal back where a program of screens is killed and cannot do it itself.

A child that sleeps until its parent is gone. Where the parent did not say that all is well, the
child ends what a full screen program switches on, and sets the terminal as it was. It is started
with the standard library alone; it never reads from the terminal.
"""

from __future__ import annotations

import os
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

#: Off: the mouse in all its ways, focus reports, pastes, synchronised frames, kitty's keys and the
#: alternate screen. On: wrapping and the cursor.
_REST: Final = (
    "\x1b[?1000;1002;1003;1005;1006;1015;1016;1004;2004;2026;2048l"
    "\x1b[<u\x1b[?1049l\x1b[?7;25h\x1b[0m\r"
)
#: What the child runs. Writing to a terminal that others have now, and setting it, would stop it.
_CHILD: Final = """
import os, signal, sys, termios
for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGTSTP", "SIGTTOU", "SIGTTIN"):
    signal.signal(getattr(signal, name), signal.SIG_IGN)
before = termios.tcgetattr(1)
os.write(2, b".")
os.close(2)
if not os.read(0, 1):
    os.write(1, sys.argv[1].encode())
    termios.tcsetattr(1, termios.TCSANOW, before)
"""


@contextmanager
def restored(fd: int) -> Iterator[None]:
    """While it lasts, the terminal at ``fd`` is put to rest should this process be killed."""
    command = [sys.executable, "-I", "-S", "-c", _CHILD, _REST]
    with suppress(termios.error):  # no terminal: nothing to do
        termios.tcgetattr(fd)
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=fd, stderr=subprocess.PIPE
        ) as child:
            assert child.stdin is not None
            assert child.stderr is not None
            child.stderr.read(1)  # it knows how the terminal is
            try:
                yield
            finally:
                with suppress(OSError):
                    os.write(child.stdin.fileno(), b".")
            return
    yield
