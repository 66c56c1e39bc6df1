"""A worker that has everything imported and never becomes a session: its forks do.

It is the forker of ``inspan.keeper.forker``, whose module tells the contract. It has one thread, no
loop and no lock of ours, so that a fork of it is whole. It ends with its keeper, after a time in
which nobody wanted a session, and as soon as a session that is started anew would find other files
than it found itself: then one is started anew. It must never know what a session is told to do.
"""

from __future__ import annotations

import _ast as ast  # ast itself has more than is used here, at a price
import gc
import json
import os
import select
import socket
import sys
from typing import Any, Final

from ..frames import Decoder, encode  # noqa: TID252 - the package has a private name here
from . import clib, presence, syscalls
from .boot import TOKEN_VARIABLE
from .display import bundle
from .inbound import check
from .namespace import Namespace
from .router import route

#: Seconds in which no session was wanted.
IDLE: Final = 600.0
#: The descriptor by which the keeper speaks to us.
_LINK: Final = 3
#: More than a message of the kernel's may have.
_ORDER_MOST: Final = 1 << 20
_PACKAGE: Final = (__package__ or "").partition(".")[0]


def serve() -> list[str]:
    """Fork whenever the keeper says so; in each fork, return the arguments of its session."""
    clib.die_with_parent()
    link = socket.socket(fileno=_LINK)
    mine = sys.orig_argv[: -len(sys.argv) + 1]
    _rehearse()
    files = _files()
    found = _stamps(files)
    poll = select.poll()
    poll.register(link, select.POLLIN)
    # What is here now is every fork's: a collection in one of them must not copy it. There is none
    # here before: each fork would write into the gaps that it leaves.
    gc.freeze()
    link.send(b"ready")
    while poll.poll(IDLE * 1000):
        words, descriptors, _, _ = socket.recv_fds(link, _ORDER_MOST, 3)
        if not words or _stamps(files) != found:
            break
        order = json.loads(words)
        # Whose command line begins otherwise is for another Python.
        fits = order["argv"][: len(mine)] == mine
        grandchild = _fork_twice() if fits else "0"
        if not grandchild:
            link.detach()
            _become(order, descriptors)
            return [*order["argv"][len(mine) :]]
        for descriptor in descriptors:
            os.close(descriptor)
        link.send(grandchild.encode())
    os._exit(0)


def _rehearse() -> None:
    """Do what each session does in its first moments, as far as it leaves nothing behind.

    The first time costs more, and it writes into memory that then is no more shared.
    """
    import getpass  # noqa: F401, PLC0415  # as the session's input does

    presence.prepare()
    syscalls.prepare()
    clib.flush()
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


def _fork_twice() -> str:
    """The number of the grandchild, an orphan by now; 0 where there is none; empty in itself."""
    told, tell = os.pipe()
    child = os.fork()
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


def _become(order: dict[str, Any], descriptors: list[int]) -> None:
    """Be what a process of this order's would be that was started anew."""
    os.setsid()
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
    os.closerange(len(descriptors), os.sysconf("SC_OPEN_MAX"))
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


def _stamps(files: list[str]) -> list[int]:
    return [_stamp(file) for file in files]


def _stamp(file: str) -> int:
    try:
        return os.stat(file).st_mtime_ns  # noqa: PTH116 - pathlib would cost start-up
    except OSError:
        return 0
