"""A process that is forked before there is a session for it, and becomes the next one of its kind.

It has done what takes its time and is the same for all such sessions: it was forked, its memory is
its own where sessions write, and its confinement is begun. It has run nobody's code and knows
nothing of any session, and it becomes one session at most. Until then it waits, and it ends with
its zygote, whose socket it reads. It is the keeper's child from the start, which is told so.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final, NamedTuple

from . import presence
from .boot import SPARE
from .confine import Ground, Kind, Plan

#: Folders of which nobody is granted anything, as a rule, to make a view in.
_PLACES: Final = ("/dev/shm", "/mnt", "/media", "/srv")  # noqa: S108 - it is covered, for this process
#: Of whatever /etc, /usr and the devices have in them, sessions are granted parts.
CHANGING: Final = ("/", "/dev", "/etc", "/usr")
#: More than a message of the kernel's may have.
ORDER_MOST: Final = 1 << 20


class Spare:
    """One that waits, as its zygote has it."""

    def __init__(self, pid: str, kind: Kind, link: socket.socket, seen: list[int]) -> None:
        self.pid = pid
        self._kind, self._link = kind, link
        #: The stamps of CHANGING when it was begun.
        self._seen = seen

    def begin(self) -> None:
        """The keeper was told of it: it may do what takes its time."""
        with suppress(OSError):  # it was killed already
            self._link.send(b"\n")

    def fits(self, kind: Kind) -> bool:
        """Whether it can become a session of this kind now."""
        return kind == self._kind and stamps(CHANGING) == self._seen

    def give(self, words: bytes, descriptors: list[int]) -> bool:
        """Let it become this session; whether it can."""
        try:
            socket.send_fds(self._link, [words], descriptors)
        except OSError:
            return False
        finally:
            self.drop()
        return True

    def drop(self) -> None:
        """Let it go: where nothing was given to it, it ends."""
        self._link.close()


def stamps(files: Iterable[str]) -> list[int]:
    """When each was changed; a folder is when something in it was made, renamed or removed."""
    return [_stamp(file) for file in files]


class Begun(NamedTuple):
    """What a fork has when its turn has come: the order, as its zygote got it, and its ground."""

    words: bytes
    descriptors: list[int]
    #: Of another fork: no more than the plan of it.
    ground: Ground | Plan | None


def make(plan: Plan, rehearse: Callable[[], None]) -> Spare | Begun | None:
    """Fork one; it returns ``Begun`` in that one, once it is to be a session; ``None``: no room."""
    seen = stamps(CHANGING)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        pid = fork_twice()
    except OSError:
        pid = "0"
    if not pid:
        # By a number that is another's by then it must not be closed once more.
        ours.detach()
        return _waiting(plan, rehearse, theirs.detach())
    theirs.close()
    if pid == "0":
        ours.close()
        return None
    return Spare(pid, plan.kind, ours, seen)


def fork_twice() -> str:
    """The number of the grandchild, an orphan by now; 0 where there is none; empty in itself.

    Raises OSError.
    """
    told, tell = os.pipe()
    try:
        child = os.fork()
    except OSError:
        os.close(told)
        os.close(tell)
        raise
    if child == 0:
        try:
            grandchild = os.fork()
        except OSError:
            os._exit(1)
        if grandchild == 0:
            return ""
        os.write(tell, str(grandchild).encode())
        os._exit(0)
    os.close(tell)
    word = os.read(told, 32).decode()
    os.close(told)
    # Until it is reaped the grandchild may be its child.
    os.waitpid(child, 0)
    return word or "0"


def _waiting(plan: Plan, rehearse: Callable[[], None], number: int) -> Begun:
    """In the spare. Nothing of the zygote's may run there."""
    try:
        close_all_but(number)
        return _wait(plan, rehearse, number)
    except BaseException:  # noqa: BLE001 - whatever it is, there are sessions without it
        os._exit(1)


def _wait(plan: Plan, rehearse: Callable[[], None], number: int) -> Begun:
    os.setsid()
    with socket.socket(fileno=number) as link:
        if not link.recv(1):
            os._exit(0)
        ground = _ground(plan)
        rehearse()
        presence.show([*sys.orig_argv[:-1], SPARE], os.environ)
        words, descriptors, _, _ = socket.recv_fds(link, ORDER_MOST, 3)
    if not words:
        os._exit(0)
    return Begun(words, descriptors, ground)


def _ground(plan: Plan) -> Ground | None:
    if not plan.kind.confined:
        return None
    place = next((one for one in _PLACES if os.path.isdir(one)), None)  # noqa: PTH112 - pathlib would cost start-up
    return None if place is None else Ground(plan, place)


def close_all_but(*kept: int) -> None:
    """Leave 0, 1, 2 and these open."""
    start = 3
    for number in sorted(kept):
        os.closerange(start, number)
        start = number + 1
    os.closerange(start, os.sysconf("SC_OPEN_MAX"))


def _stamp(file: str) -> int:
    try:
        return os.stat(file).st_mtime_ns  # noqa: PTH116 - pathlib would cost start-up
    except OSError:
        return 0
