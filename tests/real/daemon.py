"""A real daemon in a home of its own, for tests that kill it."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from inspan.client.sync import SyncControl
from inspan.errors import DaemonUnreachable
from inspan.model.session import Output
from inspan.model.task import Patience, TaskSpec
from inspan.settings import Places, locate

#: Long enough for a loaded machine, short enough to be told of.
PATIENCE = 60.0


class Daemon:
    """Starts, kills and stops the daemon of a new state directory; kills all of it in the end."""

    def __init__(self, config: str = "roles: {default: 20}\n") -> None:
        # Not tmp_path: a socket's path has to be short.
        self.home = Path(tempfile.mkdtemp(prefix="inspan-", dir="/tmp"))
        (self.home / "config.yaml").write_text(config)
        self.env = {**os.environ, "INSPAN_HOME": str(self.home)}
        self.env.pop("XDG_RUNTIME_DIR", None)
        self.process: subprocess.Popen[bytes] | None = None
        #: What starts the daemon in a world of its own.
        self.prefix: tuple[str, ...] = ()

    @property
    def places(self) -> Places:
        return locate(self.env)

    def start(self) -> Self:
        """Start it, and return when it is ready."""
        self.places.prepare()
        hear, tell = os.pipe()
        command = [sys.executable, "-m", "inspan.daemon", "--ready", str(tell)]
        command[:0] = self.prefix
        with (self.home / "daemon.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, env=self.env, pass_fds=[tell], stderr=log, stdin=subprocess.DEVNULL
            )
        os.close(tell)
        with os.fdopen(hear) as ready:
            word = ready.readline().strip()
        assert word == "ready", f"{word!r}\n{(self.home / 'daemon.log').read_text()}"
        return self

    def kill(self) -> None:
        """kill -9."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """As `inspan down` does."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def control(self) -> SyncControl:
        return SyncControl(self.places.daemon_socket)

    def spec(self, *command: str, **fields: object) -> TaskSpec:
        """A task with a plain environment and no deadline."""
        env = {"PATH": os.environ["PATH"], "HOME": str(self.home)}
        fields = {"patience": Patience(deadline=None, lifted=True), **fields}
        return TaskSpec(command=command, cwd=str(self.home), env=env, **fields)  # type: ignore[arg-type]

    def output(self, session: str) -> bytes:
        """All that a session printed so far."""
        with self.control() as control:
            data, offset = b"", 0
            while True:
                chunks = control.read(session, offset)
                got = b"".join(chunk.data for chunk in chunks if isinstance(chunk, Output))
                if not got:
                    return data
                data, offset = data + got, offset + len(got)

    def keeper_pid(self) -> int | None:
        """Who keeps the sessions, by its own file."""
        with suppress(DaemonUnreachable), self.control() as control:
            keeper = control.health().keeper
            return keeper.pid if keeper else None
        return None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process is not None and self.process.poll() is None:
            self.stop()
        end_keeper(self.places)
        runtime = self.places.runtime_dir
        shutil.rmtree(self.home, ignore_errors=True)
        shutil.rmtree(runtime, ignore_errors=True)


def end_keeper(places: Places) -> None:
    """End who holds the state directory, whether or not there is a daemon to ask.

    It writes there until it has ended.
    """
    with suppress(FileNotFoundError), places.keeper_file.open("rb") as card:
        try:
            fcntl.flock(card, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            keeper = int(json.load(card)["pid"])
            with suppress(ProcessLookupError):
                os.kill(keeper, signal.SIGTERM)
            until(lambda: not alive(keeper), "the keeper to end")


def until(true: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
    """Wait for a condition, looked at fifty times a second, or half of the time.

    A look may be a command, and take the processors from what is waited for.
    """
    end = time.monotonic() + seconds
    began = time.monotonic()
    while not true():
        now = time.monotonic()
        assert now < end, f"waited {seconds:g} s for {what}"
        time.sleep(max(0.02, now - began))
        began = time.monotonic()


def alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
