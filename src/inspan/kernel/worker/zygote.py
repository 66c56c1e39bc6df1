"""A worker that has everything imported and never becomes a session: its forks do.

It is the forker of ``inspan.keeper.forker``, whose module tells the contract. It has one thread, no
loop and no lock of ours, so that a fork of it is whole. It ends with its keeper, after a time in
which nobody wanted a session, and as soon as a session that is started anew would find other files
than it found itself: then one is started anew. It must never know what a session is told to do.
"""

from __future__ import annotations

import _ast as ast  # ast itself has more than is used here, at a price
import asyncio
import gc
import json
import os
import select
import socket
import sys
from typing import Any, Final

from ..frames import Decoder, encode  # noqa: TID252 - the package has a private name here
from . import clib, confine, immortal, lean, presence, spare, syscalls, tracebacks
from .boot import TOKEN_VARIABLE
from .confine import Ground, Kind, Plan
from .display import bundle
from .ear import Ear
from .inbound import check
from .namespace import Namespace
from .router import route
from .spare import CHANGING, Begun, Spare, stamps

#: Seconds in which no session was wanted.
IDLE: Final = 600.0
#: The same, until a spare is forked: who starts many at once needs both processors for those.
PAUSE: Final = 0.006
#: Until then Python writes into the code of a function as it runs it, and a fork's copy is its own.
_TIMES: Final = 3
#: The descriptor by which the keeper speaks to us.
_LINK: Final = 3
#: Tells of each change with POLLPRI: a spare's view has what was mounted when it was begun.
_MOUNTS: Final = "/proc/self/mounts"
_PACKAGE: Final = (__package__ or "").partition(".")[0]


def serve() -> tuple[list[str], Ground | Plan | None]:
    """Fork whenever the keeper says so; return in each fork.

    There it is the arguments of its session, and the ground that a spare has made ready, or the
    plan of one.
    """
    clib.die_with_parent()
    link = socket.socket(fileno=_LINK)
    mine = sys.orig_argv[: -len(sys.argv) + 1]
    for _ in range(_TIMES):
        _rehearse()
        confine.rehearse()
    lean.settle()
    zygote = _Zygote(link, mine)
    # What is here now is every fork's: neither a look at it nor a collection in one of them must
    # copy it. There is no collection here before: each fork would write into the gaps it leaves.
    immortal.keep()
    gc.freeze()
    link.send(b"ready")
    born = zygote.run()
    if born is None:
        os._exit(0)
    link.detach()
    order = json.loads(born.words)
    _become(order, born)
    return [*order["argv"][len(mine) :]], born.ground


class _Zygote:
    """What it knows between two orders."""

    def __init__(self, link: socket.socket, mine: list[str]) -> None:
        """``mine`` is how the command line of every session begins."""
        self._link, self._mine = link, mine
        self._files = _files()
        self._found = stamps(self._files)
        self._spare: Spare | None = None
        #: Of the last session; the next one is likely to be of it, too.
        self._kind: Kind | None = None
        #: For its ground, and the stamps of CHANGING when that was looked for.
        self._plan: Plan | None = None
        self._seen: list[int] = []
        self._poll = select.poll()
        self._poll.register(link, select.POLLIN)
        self._mounts = os.open(_MOUNTS, os.O_RDONLY | os.O_CLOEXEC)
        self._poll.register(self._mounts, select.POLLPRI)

    def run(self) -> Begun | None:
        """In each fork what it is to become; ``None``: no session is wanted any more."""
        born: Begun | None = None
        while born is None:
            lacks = self._spare is None and self._kind is not None
            events = {number for number, _ in self._poll.poll((PAUSE if lacks else IDLE) * 1000)}
            if self._mounts in events:
                self._drop()
                self._plan = None
            if _LINK in events:
                words, descriptors, _, _ = socket.recv_fds(self._link, spare.ORDER_MOST, 3)
                if not words or stamps(self._files) != self._found:
                    break
                born = self._fork(words, descriptors)
            elif not events and lacks:
                born = self._prepare()
            elif not events:
                break
        return born

    def _prepare(self) -> Begun | None:
        """Have a spare; ``None`` but in that."""
        assert self._kind is not None
        made = spare.make(self._planned(self._kind), _rehearse)
        if isinstance(made, Begun):
            return made
        self._spare = made
        if made is None:
            self._kind = None  # not again before there is another order
        else:
            self._link.send(f"spare {made.pid}".encode())
            made.begin()
        return None

    def _fork(self, words: bytes, descriptors: list[int]) -> Begun | None:
        """Meet an order; ``None`` but in the fork that becomes its session."""
        order = json.loads(words)
        # Whose command line begins otherwise is for another Python.
        if order["argv"][: len(self._mine)] != self._mine:
            grandchild = "0"
        else:
            self._kind = _kind(order["env"])
            grandchild = self._given(words, descriptors)
            if not grandchild:
                plan = self._planned(self._kind)
                grandchild = spare.fork_twice()
                if not grandchild:
                    return Begun(words, descriptors, plan)
        for descriptor in descriptors:
            os.close(descriptor)
        self._link.send(grandchild.encode())
        return None

    def _planned(self, of: Kind) -> Plan:
        """What is there is looked for once, as long as nothing that it depends on has changed."""
        seen = stamps(CHANGING)
        if self._plan is None or self._plan.kind != of or self._seen != seen:
            self._plan, self._seen = Plan(of), seen
        return self._plan

    def _given(self, words: bytes, descriptors: list[int]) -> str:
        """The number of the spare, which becomes this session; empty where there is none for it."""
        waits, self._spare = self._spare, None
        if waits is None:
            return ""
        if self._kind is not None and waits.fits(self._kind) and waits.give(words, descriptors):
            return waits.pid
        waits.drop()
        return ""

    def _drop(self) -> None:
        if self._spare is not None:
            self._spare.drop()
            self._spare = None


def _rehearse() -> None:
    """Do what each session does in its first moments, as far as it leaves nothing behind.

    The first time costs more, and it writes into memory that then is no more shared.
    """
    # The first as the session's input does, the others as most code does.
    import getpass  # noqa: F401, PLC0415
    import logging  # noqa: F401, PLC0415
    import typing  # noqa: F401, PLC0415

    tracebacks.prepare()
    presence.prepare()
    syscalls.prepare()
    clib.flush()
    _turn()
    names = Namespace({})
    for code in ("import os", "print(1 + 1)", "await asyncio.sleep(0)"):
        message = {"type": "execute", "execution_id": "none", "code": code}
        for words, _ in Decoder().feed(encode(message)):
            check(words)
        names.begin(code, silent=False)
        flags = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        tree = compile(code, "<none>", "exec", flags=flags, dont_inherit=True)
        route(tree, names.resolve)
        compile(tree, "<none>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        names.end(bundle(2)[0], None)
        environment = {**os.environ}
        os.environ.clear()
        os.environ.update(environment)


def _turn() -> None:
    """Have a loop, as a session has."""
    loop = asyncio.SelectorEventLoop(Ear())
    asyncio.set_event_loop(loop)
    asyncio.set_event_loop(None)
    loop.call_soon(loop.stop)
    loop.run_forever()
    loop.close()


def _kind(env: dict[str, str]) -> Kind:
    return confine.kind(confine.wanted(env), confine.needed(env))


def _become(order: dict[str, Any], born: Begun) -> None:
    """Be what a process of this order's would be that was started anew."""
    if os.getsid(0) != os.getpid():
        os.setsid()
    for number, descriptor in enumerate(born.descriptors):
        os.dup2(descriptor, number)
    spare.close_all_but(*(born.ground.descriptors if isinstance(born.ground, Ground) else ()))
    if not os.read(0, 1):
        os._exit(0)  # the keeper has given it up
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["env"])
    sys.orig_argv = order["argv"]
    shown = {name: value for name, value in order["env"].items() if name != TOKEN_VARIABLE}
    presence.show(order["argv"], shown)


def _files() -> list[str]:
    """What a Python that is started now would read: the places of modules, and our own files."""
    ours = [module for name, module in sys.modules.items() if name.startswith(_PACKAGE + ".")]
    files = [getattr(module, "__file__", None) for module in ours]
    return [sys.executable, *filter(None, sys.path), *filter(None, files)]
