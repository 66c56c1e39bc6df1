"""Outlives the keeper by a moment: ends what a keeper that was killed leaves behind.

It is a fork of the keeper that blocks on a pipe whose other end the keeper alone has open, so it
costs no time and little memory. The lock of the state directory is the keeper's and its own: the
next keeper begins when it is done, so whatever carries the mark of this state directory belonged to
the keeper that is gone. It must never know what a session is, only what all of them carry.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
import traceback
from typing import Final

from inspan.keeper import linux, sweep
from inspan.keeper.cgroups import Cgroups
from inspan.keeper.log import say

#: What lives longer hangs in the kernel; the next keeper looks for it once more.
PATIENCE: Final = 5.0
#: As the process is called by ``ps``, 15 letters at most.
NAME: Final = "inspan-guardian"


class Guardian:
    """The keeper's half: starts it, and ends it where the keeper ends in order."""

    def __init__(self, mark: str, cgroups: Cgroups, lock: int) -> None:
        """``lock`` is the descriptor whose open file is the lock of the state directory."""
        #: 0 while there is none.
        self.pid = 0
        self._mark = mark
        self._cgroups = cgroups
        self._lock = lock
        self._alive = -1

    def start(self) -> bool:
        """Fork it; false where the system has no room for it now."""
        try:
            told, alive = os.pipe()
        except OSError as error:
            say("unguarded", why=str(error))
            return False
        try:
            self.pid = os.fork()
        except OSError as error:
            os.close(told)
            os.close(alive)
            say("unguarded", why=str(error))
            return False
        if self.pid == 0:
            try:
                self._guard(told)
            except BaseException:  # noqa: BLE001  nothing of the keeper's may run in a fork of it
                say("fault", trace=traceback.format_exc())
            os._exit(0)
        os.close(told)
        self._alive = alive
        return True

    def lost(self) -> None:
        """It was reaped: it ended while the keeper lives."""
        self.pid = 0
        os.close(self._alive)

    def end(self) -> None:
        """Nothing is left to be guarded. Once it is gone, so is its part of the lock."""
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self.pid, 0)
            self.lost()

    # ── in the fork ───────────────────────────────────────────────────────────

    def _guard(self, told: int) -> None:
        signal.set_wakeup_fd(-1)
        # Whoever stops all of a service at once means the keeper, which then ends this.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.setsid()
        linux.be_called(NAME)
        _close_all_but(0, 1, 2, told, self._lock)
        os.read(told, 1)  # the keeper never writes: this ends with the keeper
        began = time.monotonic()
        self._cgroups.clear()
        killed = sweep.clear(self._mark, began + PATIENCE)
        say("cleared", processes=killed, seconds=round(time.monotonic() - began, 3))


def _close_all_but(*kept: int) -> None:
    # Above all the sessions' terminals and pipes, whose ends others wait for.
    for name in os.listdir("/dev/fd"):  # noqa: PTH208  pathlib costs 5 ms at start
        if int(name) not in kept:
            with contextlib.suppress(OSError):
                os.close(int(name))
