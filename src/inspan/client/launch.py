"""Starting the daemon where there is none, once, however many commands want it at the same time.

The child is told to write one line to a pipe: ``ready``, or why it cannot be. So nobody polls,
and what kept it from starting is said by itself. This module does not know where things are kept;
the paths are handed in.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import socket as sockets
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from inspan.errors import DaemonUnreachable, by_code
from inspan.keeper.logfile import turn

#: Seconds that a daemon may take until it is ready; a large recovery takes a few.
PATIENCE: Final = 60.0
LOG: Final = "daemon.log"
#: The daemon has its log make room as the settings say. Here that is seen to at the most that can
#: be set, for one that never comes to read them; so many old ones are kept then.
LOG_MOST: Final = 1 << 30
LOG_KEPT: Final = 3
#: What a daemon may say before it is ready, in bytes.
SAID_MOST: Final = 1 << 16

#: The child parts from its parent before it imports anything: it has no thread yet, nobody has to
#: collect its exit, and whoever started it may live on or not. Where that was a task, the daemon
#: ends with the task, like all that a task starts; the next command starts another.
_PART: Final = """\
import os, runpy
if os.fork():
    os._exit(0)
runpy.run_module("inspan.daemon", run_name="__main__", alter_sys=True)
"""


def launch(
    socket: Path,
    state_dir: Path,
    logs: Path,
    env: Mapping[str, str] | None = None,
    flags: Sequence[str] = (),
) -> None:
    """Return once a daemon listens at ``socket``; start it if none does.

    It runs ``python -m inspan.daemon --ready FD`` with ``flags`` in ``state_dir`` and writes to
    ``logs/daemon.log``. Raises what the daemon says keeps it from starting, else DaemonUnreachable.
    """
    if listens(socket):
        return
    with _alone(socket.with_suffix(".launch")):
        if not listens(socket):
            _start(state_dir, logs, env, flags)


def listens(socket: Path) -> bool:
    """True where somebody takes connections at ``socket``."""
    with sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM) as probe:
        try:
            probe.connect(os.fspath(socket))
        except OSError:
            return False
        return True


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """One launcher at a time; the lock goes with the process that holds it."""
    try:
        lock.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        held = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise DaemonUnreachable(f"the daemon cannot be started: {error}") from error
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


def _start(
    state_dir: Path, logs: Path, env: Mapping[str, str] | None, flags: Sequence[str]
) -> None:
    ready, told = os.pipe()
    try:
        try:
            _spawn(state_dir, logs, env, ["--ready", str(told), *flags], told)
        except OSError as error:
            raise DaemonUnreachable(f"the daemon cannot be started: {error}") from error
        finally:
            os.close(told)
        _judge(_said(ready), logs / LOG)
    finally:
        os.close(ready)


def _spawn(
    state_dir: Path, logs: Path, env: Mapping[str, str] | None, flags: Sequence[str], told: int
) -> None:
    """Start it in a session of its own; ``-P`` keeps the folder it starts in off its path."""
    logs.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _log(logs / LOG) as log:
        parting = subprocess.run(
            [sys.executable, "-P", "-c", _PART, *flags],
            check=False,
            cwd=state_dir,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(told,),
            start_new_session=True,
        )
    if parting.returncode:
        raise DaemonUnreachable(f"the daemon could not start; {_last(logs / LOG)}")


@contextmanager
def _log(path: Path) -> Iterator[int]:
    turn(str(path), LOG_MOST, LOG_KEPT)
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    try:
        yield log
    finally:
        os.close(log)


def _said(ready: int) -> bytes:
    """Everything that was written to the pipe until it was closed."""
    end = time.monotonic() + PATIENCE
    said = b""
    poll = select.poll()
    poll.register(ready, select.POLLIN)
    while len(said) < SAID_MOST:
        if not poll.poll(max(0.0, end - time.monotonic()) * 1000):
            raise DaemonUnreachable(f"the daemon was not ready after {PATIENCE:g} seconds")
        piece = os.read(ready, SAID_MOST)
        if not piece:
            break
        said += piece
        if said.startswith(b"ready"):
            break
    return said


def _judge(said: bytes, log: Path) -> None:
    if said.startswith(b"ready"):
        return
    try:
        told: dict[str, Any] = json.loads(said)
        trouble = by_code(told["code"], told["message"], told.get("hint"))
    except (ValueError, KeyError, TypeError):
        raise DaemonUnreachable(
            f"the daemon ended before it was ready; {_last(log)}", hint=f"All of it is in {log}."
        ) from None
    raise trouble


def _last(log: Path) -> str:
    """The last words in the log, with nothing in them that a terminal would obey."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 4096))
        lines = file.read().decode(errors="replace").split("\n")
    words = next((line.strip() for line in reversed(lines) if line.strip()), "")
    shown = "".join(letter for letter in words if letter.isprintable())
    return f"it said: {shown}" if shown else "it said nothing"
