"""The stage of the demos: a home of their own, and a daemon that is killed on it.

What is played there is not known here.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from inspan.cli import reach
from inspan.cli.say import out, styled
from inspan.errors import DaemonUnreachable, InspanError, Unable

if TYPE_CHECKING:
    from inspan.cli.reach import Reached

_LOOK: Final = 0.05
#: Seconds after which the socket of a daemon that was killed is silent.
_SILENT: Final = 5.0


@contextmanager
def own_home(*, keep: bool) -> Iterator[Path]:
    """A state directory for the demo alone; its daemon and keeper are stopped at the end."""
    from inspan.cli.down import stop_daemon, stop_keeper

    folder = Path(tempfile.mkdtemp(prefix="inspan-demo-"))
    before = os.environ.get("INSPAN_HOME")
    os.environ["INSPAN_HOME"] = str(folder / "state")
    where = reach.places()
    try:
        yield folder
    finally:
        with suppress(InspanError):
            stop_daemon(where)
        with suppress(InspanError):
            stop_keeper(where, force=True)
        os.environ.pop("INSPAN_HOME", None)
        if before is not None:
            os.environ["INSPAN_HOME"] = before
        if keep:
            out(f"kept in {folder}; INSPAN_HOME={folder}/state inspan ls")
        else:
            _remove(folder, where.runtime_dir)


@contextmanager
def whole() -> Iterator[None]:
    """Ctrl-C comes after this: a daemon that only begins is found by nobody, and would be left."""
    asked: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _frame: asked.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if asked:
        raise KeyboardInterrupt


def _remove(folder: Path, runtime: Path) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(runtime, ignore_errors=True)


class Stage:
    """Tells what happens, with the time, and has the daemons in their order: the first is killed.

    ``patience`` is how many seconds a play may take.
    """

    def __init__(self, control: Reached, patience: float, *, quiet: bool) -> None:
        self.control = control
        self._patience = patience
        self._quiet = quiet
        self._began = time.monotonic()
        self.daemons = [control.health().daemon.pid]
        #: How many were at work when it was killed.
        self.adopted = 0

    def kill(self, at_work: int) -> NoReturn:
        """Kill the daemon, and wait until it answers no more. Raises DaemonUnreachable."""
        self.adopted = at_work
        self.say(f"kill -9 of the daemon (pid {self.daemons[0]}), {at_work} at work", "bold")
        os.kill(self.daemons[0], signal.SIGKILL)
        end = time.monotonic() + _SILENT
        while reach.answers(reach.places().daemon_socket) and time.monotonic() < end:
            # A Queen starts another as soon as she misses it, which may be before we look.
            if reach.connect().health().daemon.pid != self.daemons[0]:
                break
            time.sleep(_LOOK)
        raise DaemonUnreachable("killed by the demo")

    def rejoin(self) -> None:
        """Reach the daemon that has taken over."""
        with whole():
            self.control = reach.connect()
        self.daemons.append(self.control.health().daemon.pid)

    def check(self) -> None:
        """Raises Unable where it has taken too long."""
        if time.monotonic() - self._began > self._patience:
            raise Unable("the demo took too long; something hangs")

    def say(self, text: str, style: str) -> None:
        """A line of what happens."""
        if not self._quiet:
            at = time.monotonic() - self._began
            out(f"{styled(f'{at:5.1f}s', 'dim')} {styled(text, style)}")
            sys.stdout.flush()  # whoever reads it in a pipe follows it, too
