"""What a command's own terminal tells it."""

import os
import select
import signal
import threading
from pathlib import Path

from inspan.cli import rawtty
from tests.real.console import PATIENCE


def test_a_signal_ends_a_wait_that_it_does_not_interrupt() -> None:
    """As one that comes when the wait is about to begin: no call of the system is cut short."""
    number = signal.SIGWINCH
    stat = Path(f"/proc/self/task/{threading.get_native_id()}/stat")

    def send() -> None:
        while stat.read_text().rpartition(")")[2].split()[0] != "S":
            os.sched_yield()
        # Taken by this thread, since the other has it blocked.
        os.kill(os.getpid(), number)
        done.wait(PATIENCE)

    done = threading.Event()
    with rawtty.wakes(number) as (wake, came):
        other = threading.Thread(target=send)
        other.start()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {number})
        try:
            assert select.select([wake], [], [], PATIENCE)[0] == [wake]
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            done.set()
            other.join()
        assert came == [number]
