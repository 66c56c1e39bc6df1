"""The keeper's entry: ``python -I -m inspan.keeper --socket PATH --state DIR``.

It takes the lock of its state directory, opens its socket, leaves its starter's session, and
serves. With ``--detach yes`` the starter gets exit status 0 when the socket is open, 75 where
another keeper holds the lock, else 1 with a sentence on standard error. Modules that cost time to
import (argparse, logging, pathlib) stay out of this process.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import resource
import signal
import socket
import stat
import time
from typing import Final

from inspan.keeper import linux, log, processes, sweep
from inspan.keeper.cgroups import Cgroups
from inspan.keeper.guardian import PATIENCE, Guardian
from inspan.keeper.marks import LIMIT
from inspan.keeper.server import Server
from inspan.keeper.verbs import VERBS
from inspan.keeper.wire import VERSION

#: Exit status where another keeper holds the state directory.
HELD: Final = 75
#: The lock, and who holds it; empty after a clean stop.
CARD: Final = "keeper.json"

_IDLE: Final = "60"
#: Seconds for the guardian of a keeper that was killed, which has the lock until it has cleared up.
_CLEARING: Final = PATIENCE + 1.0
_LOOK: Final = 0.005
_BACKLOG: Final = 64


class _StartError(Exception):
    """The keeper cannot start."""

    def __init__(self, message: str, status: int = 1) -> None:
        self.status = status
        super().__init__(message)


def main(arguments: list[str]) -> int:
    """Run the keeper; its exit status."""
    try:
        options = _options(arguments)
        card = _lock(options["state"])
        if options["detach"] == "yes":
            told = _detach()
            if told is None:
                return 0
        else:
            told = -1
        return _serve(options, card, told)
    except (_StartError, OSError) as error:
        os.write(2, f"{error}\n".encode())
        return error.status if isinstance(error, _StartError) else 1


def _options(arguments: list[str]) -> dict[str, str]:
    options = {"--idle": _IDLE, "--detach": "no"}
    known = {"--socket", "--state", "--idle", "--detach"}
    names, values = arguments[::2], arguments[1::2]
    if len(names) != len(values) or not set(names) <= known:
        raise _StartError("usage: --socket PATH --state DIR [--idle SECONDS] [--detach yes]", 2)
    options.update(zip(names, values, strict=True))
    if not {"--socket", "--state"} <= set(options):
        raise _StartError("--socket and --state are needed.", 2)
    return {name[2:]: value for name, value in options.items()}


def _lock(state: str) -> int:
    """The open lock file of the state directory. Raises _StartError where it is held."""
    os.makedirs(state, mode=0o700, exist_ok=True)  # noqa: PTH103  pathlib costs 5 ms at start
    card = os.open(state + "/" + CARD, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    until = time.monotonic() + _CLEARING
    while True:
        try:
            fcntl.flock(card, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(card, 4096, 0).decode(errors="replace").strip()
            if not _dead(holder) or time.monotonic() >= until:
                raise _StartError(f"Another keeper holds {state}: {holder}", HELD) from error
        else:
            return card
        time.sleep(_LOOK)


def _dead(holder: str) -> bool:
    """Whether the keeper that signed is gone."""
    try:
        return not processes.lives(int(json.loads(holder)["pid"]))
    except (ValueError, KeyError, TypeError):
        return False


def _detach() -> int | None:
    """Leave the starter's session: ``None`` in the starter once the other half is ready."""
    theirs, ours = os.pipe()
    if os.fork():
        os.close(ours)
        word = b""
        while part := os.read(theirs, 4096):
            word += part
        if word != b"ready":
            raise _StartError(word.decode(errors="replace") or "The keeper ended at its start.")
        return None
    os.close(theirs)
    os.setsid()
    return ours


def _serve(options: dict[str, str], card: int, told: int) -> int:
    try:
        server, listener = _prepare(options, card)
    except (_StartError, OSError) as error:
        if told < 0:
            raise
        os.write(told, str(error).encode())
        return 1
    if told >= 0:
        _quiet(options["state"])
        os.write(told, b"ready")
        os.close(told)
    log.say("started", keeper=server.keeper, version=VERSION)
    server.run()
    listener.close()
    os.unlink(options["socket"])  # noqa: PTH108
    os.ftruncate(card, 0)
    log.say("stopped")
    return 0


def _prepare(options: dict[str, str], card: int) -> tuple[Server, socket.socket]:
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGPIPE, signal.SIGTTOU, signal.SIGTTIN):
        signal.signal(number, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with contextlib.suppress(ValueError):
        # A keeper that was started inside a session is none of its processes.
        resource.setrlimit(LIMIT, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    linux.become_subreaper()
    mark = hashlib.sha256(os.fsencode(os.path.realpath(options["state"]))).hexdigest()[:16]
    cgroups = Cgroups(mark)
    if os.fstat(card).st_size:
        # The last keeper did not end in order: what it held must not run on unseen.
        cgroups.clear()
        log.say("swept", processes=sweep.clear(mark, time.monotonic() + PATIENCE))
    keeper = os.urandom(8).hex()
    listener = _listen(options["socket"])
    server = Server(
        listener,
        guardian=Guardian(mark, cgroups, card),
        verbs=VERBS,
        keeper=keeper,
        mark=mark,
        cgroups=cgroups,
        nofile=soft,
        idle=float(options["idle"]),
    )
    _sign(card, keeper, options["socket"])
    return server, listener


def _listen(path: str) -> socket.socket:
    """An open socket, there for its user alone; the lock says that an old one is stale."""
    folder = os.path.dirname(path)  # noqa: PTH120
    os.makedirs(folder, mode=0o700, exist_ok=True)  # noqa: PTH103
    seen = os.stat(folder)  # noqa: PTH116
    if seen.st_uid != os.geteuid() or stat.S_IMODE(seen.st_mode) & 0o077:
        raise _StartError(f"{folder} must belong to this user alone (mode 0700).")
    listener = socket.socket(socket.AF_UNIX)
    fresh = path + ".new"
    for old in (fresh, path):
        if os.path.lexists(old):
            os.unlink(old)  # noqa: PTH108
    before = os.umask(0o177)
    try:
        listener.bind(fresh)
    except OSError as error:
        raise _StartError(f"No socket at {path}: {error}.") from error
    finally:
        os.umask(before)
    listener.listen(_BACKLOG)
    listener.setblocking(False)
    # Renamed when it listens, so that nobody finds one that does not.
    os.rename(fresh, path)  # noqa: PTH104
    return listener


def _sign(card: int, keeper: str, path: str) -> None:
    words = {"keeper": keeper, "pid": os.getpid(), "version": VERSION, "socket": path}
    raw = json.dumps({**words, "started_at": time.time()}).encode()
    os.ftruncate(card, 0)
    os.pwrite(card, raw, 0)


def _quiet(state: str) -> None:
    """Standard input and output to nowhere, standard error to the log."""
    folder = state + "/logs"
    os.makedirs(folder, mode=0o700, exist_ok=True)  # noqa: PTH103
    path = folder + "/keeper.log"
    nowhere = os.open(os.devnull, os.O_RDWR)
    file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    for fd, target in ((nowhere, 0), (nowhere, 1), (file, 2)):
        os.dup2(fd, target)
    os.close(nowhere)
    os.close(file)
    log.keep(path)
