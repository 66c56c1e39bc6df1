"""A person at a console: the real command in a home of its own, in a pipe or on a terminal."""

from __future__ import annotations

import fcntl
import os
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from inspan.settings import locate

PATIENCE = 30.0
COLS, ROWS = 97, 31
#: What settings begin with where tasks run inspan: they are measured where the rest is.
MEASURED = "env: {allow: ['COVERAGE_*']}\n" if "COVERAGE_RUN" in os.environ else ""


class Console:
    """Runs `inspan` with a state directory of its own; stops all of it in the end."""

    def __init__(self, config: str = "roles: {default: 8, worker: 8}\n") -> None:
        # Not tmp_path: a socket's path has to be short.
        self.home = Path(tempfile.mkdtemp(prefix="inspan-", dir="/tmp"))
        (self.home / "config.yaml").write_text(config)
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "TERM": "xterm",
            "LANG": "C.UTF-8",
            "INSPAN_HOME": str(self.home),
            # Where coverage is measured, in these processes too.
            **{name: value for name, value in os.environ.items() if "COVERAGE" in name},
        }

    def start(
        self, *words: str, env: Mapping[str, str] | None = None, stdin: int = subprocess.DEVNULL
    ) -> subprocess.Popen[bytes]:
        """`inspan` with its output in pipes."""
        return subprocess.Popen(
            [sys.executable, "-m", "inspan.cli.main", *words],
            env={**self.env, **(env or {})},
            cwd=self.home,
            bufsize=0,  # what is not read yet is left to `communicate`
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(
        self, *words: str, given: bytes | None = None, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        """`inspan` to its end, output and errors apart."""
        stdin = subprocess.DEVNULL if given is None else subprocess.PIPE
        with self.start(*words, env=env, stdin=stdin) as process:
            try:
                out, err = process.communicate(given, timeout=PATIENCE)
            except BaseException:
                process.kill()
                raise
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def say(self, *words: str) -> str:
        """What `inspan` prints, where it succeeds."""
        ran = self.run(*words)
        assert ran.returncode == 0, (words, ran.stdout, ran.stderr)
        return ran.stdout.decode().strip()

    def terminal(self, *words: str, env: Mapping[str, str] | None = None) -> Screen:
        """`inspan` on a terminal."""
        env = {**self.env, **(env or {})}
        return Screen([sys.executable, "-m", "inspan.cli.main", *words], env, self.home)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        runtime = locate(self.env).runtime_dir
        self.run("down", "--keeper", "--force")
        shutil.rmtree(self.home, ignore_errors=True)
        shutil.rmtree(runtime, ignore_errors=True)


class Screen:
    """A program that has a terminal for its own: what it prints, and what is typed to it."""

    def __init__(self, command: list[str], env: Mapping[str, str], cwd: Path) -> None:
        self._master, slave = os.openpty()
        self.slave_name = os.ttyname(slave)
        self.resize(COLS, ROWS)
        self.before = termios.tcgetattr(slave)
        self.process = subprocess.Popen(
            command,
            env=dict(env),
            cwd=cwd,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - no threads here
        )
        # Held open, so that the settings can be looked at when the program has ended.
        self._slave = slave
        self.output = b""

    def resize(self, cols: int, rows: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    def settings(self) -> list[object]:
        return termios.tcgetattr(self._slave)

    @property
    def unread(self) -> int:
        """Bytes that were typed and not read yet."""
        return int(struct.unpack("i", fcntl.ioctl(self._slave, termios.FIONREAD, bytes(4)))[0])

    def press(self, data: bytes) -> None:
        os.write(self._master, data)

    def until(self, wanted: bytes) -> None:
        """Read until ``wanted`` was printed."""
        end = time.monotonic() + PATIENCE
        while wanted not in self.output:
            assert time.monotonic() < end, f"{wanted!r} is not in {self.output!r}"
            self._read(0.05)

    def finish(self) -> int:
        """Read to the end; the exit status."""
        end = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            assert time.monotonic() < end, f"it does not end: {self.output!r}"
            self._read(0.05)
        while self._read(0):
            pass
        return self.process.returncode

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._slave)
        os.close(self._master)

    def _read(self, seconds: float) -> bool:
        if not select.select([self._master], [], [], seconds)[0]:
            return False
        self.output += os.read(self._master, 1 << 16)
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
