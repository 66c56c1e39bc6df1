"""Starts one program on a terminal of its own, or on pipes; it must never know of sessions.

Nothing of Python runs between fork and exec: the session, the controlling terminal and the signals
are set by ``posix_spawn``. A session leader that opens a terminal gets it as its controlling one,
hence the OPEN of the slave on descriptor 0. ``posix_spawn`` has no working folder and no limits;
the keeper has one thread, so it changes its own for a moment. Every descriptor the keeper holds is
close-on-exec, so a child has 0, 1 and 2 and nothing else.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import resource
import signal
import stat
import struct
import termios
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from inspan.keeper.marks import LIMIT
from inspan.keeper.refusal import Refusal

#: Everything goes back to its default in the child, whatever the keeper ignores.
_DEFAULTS: Final = tuple(
    number for number in signal.valid_signals() if number not in {signal.SIGKILL, signal.SIGSTOP}
)
_DEFAULT_PATH: Final = "/usr/local/bin:/usr/bin:/bin"
_NO_FOLDER: Final = {errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.ELOOP, errno.ENAMETOOLONG}


class Order(NamedTuple):
    """What to start.

    ``nofile`` is the soft limit on open files that the child gets, ``tag`` a number by which it
    and all that it starts can be found.
    """

    argv: list[str]
    cwd: str
    env: dict[str, str]
    pty: bool
    cols: int
    rows: int
    nofile: int
    tag: int


class Child(NamedTuple):
    """A process that was started. ``slave`` is -1 and ``stdin`` apart where it has pipes."""

    pid: int
    stdin: int
    outputs: tuple[tuple[int, str], ...]
    slave: int


class Pipes:
    """The three pipes of a child that has no terminal. Raises OSError."""

    def __init__(self) -> None:
        self.theirs: list[int] = []
        self._ours: list[int] = []
        try:
            for number in range(3):
                pair = os.pipe()
                mine, its = (pair[1], pair[0]) if number == 0 else pair
                self._ours.append(mine)
                self.theirs.append(its)
                os.set_blocking(mine, False)
        except OSError:
            self.close_all()
            raise

    def child(self, pid: int) -> Child:
        """The process that has the other ends."""
        stdin, out, err = self._ours
        return Child(pid, stdin, ((out, "o"), (err, "e")), -1)

    def begin(self) -> None:
        """Let a child begin that waits for one byte of its input."""
        with contextlib.suppress(OSError):  # it was killed already
            os.write(self._ours[0], b"\n")

    def close_theirs(self) -> None:
        """The child has them now."""
        while self.theirs:
            os.close(self.theirs.pop())

    def close_ours(self) -> None:
        """There is no child."""
        while self._ours:
            os.close(self._ours.pop())

    def close_all(self) -> None:
        """Close both sides."""
        self.close_theirs()
        self.close_ours()


class Home:
    """The keeper's own folder, to come back to."""

    def __init__(self) -> None:
        self._fd = os.open("/", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        os.fchdir(self._fd)

    @contextlib.contextmanager
    def away(self, folder: str) -> Iterator[None]:
        """Be in ``folder`` for a moment. Raises Refusal."""
        try:
            os.chdir(folder)
        except OSError as error:
            if error.errno in _NO_FOLDER:
                why = os.strerror(error.errno or 0)
                raise Refusal("folder-missing", f"Cannot work in {folder}: {why}.") from error
            raise
        try:
            yield
        finally:
            os.fchdir(self._fd)


def set_size(fd: int, cols: int, rows: int) -> None:
    """Give a terminal its size; its foreground processes are told by SIGWINCH."""
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))


def start(order: Order, home: Home) -> Child:
    """Start it. Raises Refusal; then nothing is left behind."""
    with contextlib.ExitStack() as undo, home.away(order.cwd):
        path = _resolve(order.argv[0], order.env)
        started = _on_terminal if order.pty else _on_pipes
        child = started(order, path, undo)
        undo.pop_all()
        return child


def start_forker(order: Order, home: Home, link: int) -> int:
    """Start it with ``link`` as its descriptor 3, and nothing to read; its pid. Raises Refusal.

    What it says on descriptor 2 goes where the keeper's own words go.
    """
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_DUP2, link, 3),
    ]
    with home.away(order.cwd):
        return _spawn(order, _resolve(order.argv[0], order.env), actions)


def limit(pid: int, order: Order) -> None:
    """Give a child that was not started here the limits that it would have got; Linux."""
    for kind, soft in ((resource.RLIMIT_NOFILE, order.nofile), (LIMIT, order.tag)):
        with contextlib.suppress(OSError, ValueError):
            _, hard = resource.prlimit(pid, kind)
            resource.prlimit(pid, kind, (soft if hard < 0 else min(soft, hard), hard))


def _on_terminal(order: Order, path: str, undo: contextlib.ExitStack) -> Child:
    try:
        master, slave = os.openpty()
        undo.callback(os.close, master)
        undo.callback(os.close, slave)
        name = os.ttyname(slave)
        set_size(slave, order.cols, order.rows)
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise Refusal("terminal-unavailable", f"The system gave out no terminal: {why}.") from error
    os.set_blocking(master, False)
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, name, os.O_RDWR, 0),
        (os.POSIX_SPAWN_DUP2, 0, 1),
        (os.POSIX_SPAWN_DUP2, 0, 2),
    ]
    pid = _spawn(order, path, actions)
    return Child(pid, master, ((master, "o"),), slave)


def _on_pipes(order: Order, path: str, undo: contextlib.ExitStack) -> Child:
    try:
        pipes = Pipes()
    except OSError as error:
        raise Refusal("spawn-failed", f"No pipe: {os.strerror(error.errno or 0)}.") from error
    undo.callback(pipes.close_ours)
    try:
        actions = [(os.POSIX_SPAWN_DUP2, its, number) for number, its in enumerate(pipes.theirs)]
        return pipes.child(_spawn(order, path, actions))
    finally:
        pipes.close_theirs()


def _spawn(order: Order, path: str, actions: Sequence[tuple[object, ...]]) -> int:
    try:
        with _limit(resource.RLIMIT_NOFILE, order.nofile), _limit(LIMIT, order.tag):
            return os.posix_spawn(
                path,
                order.argv,
                order.env,
                file_actions=actions,
                setsid=True,
                setsigmask=(),
                setsigdef=_DEFAULTS,
            )
    except OSError as error:
        raise _refusal(error, order.argv[0]) from error


@contextlib.contextmanager
def _limit(kind: int, soft: int) -> Iterator[None]:
    """Have another soft limit for a moment, as far as the hard one and the system allow."""
    try:
        before, hard = resource.getrlimit(kind)
        resource.setrlimit(kind, (soft if hard < 0 else min(soft, hard), hard))
    except ValueError:
        yield
        return
    try:
        yield
    finally:
        resource.setrlimit(kind, (before, hard))


def _refusal(error: OSError, program: str) -> Refusal:
    why = os.strerror(error.errno or 0)
    if error.errno == errno.ENOENT:
        message = f"{program} names an interpreter or a loader that is not there."
        return Refusal("program-not-found", message)
    if error.errno == errno.ENOEXEC:
        message = f"{program} is no program and has no #! line that names one."
        return Refusal("spawn-failed", message)
    return Refusal("spawn-failed", f"{program} could not be started: {why}.")


def _resolve(program: str, env: dict[str, str]) -> str:
    """Where the program is, as the child's own PATH says. Raises Refusal."""
    if "/" in program:
        places = [program]
    else:
        path = env.get("PATH", _DEFAULT_PATH)
        places = [(place or ".") + "/" + program for place in path.split(":")]
    found = ""
    for place in places:
        try:
            mode = os.stat(place).st_mode  # noqa: PTH116  pathlib costs 5 ms at start
        except OSError:
            continue
        if stat.S_ISREG(mode) and os.access(place, os.X_OK):
            return place
        found = found or place
    if found:
        what = "a folder" if os.path.isdir(found) else "not executable"  # noqa: PTH112
        raise Refusal("program-not-found", f"{found} is {what}.")
    where = "" if "/" in program else " on the PATH"
    raise Refusal("program-not-found", f"{program} was not found{where}.")
