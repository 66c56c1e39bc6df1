"""Confinement of a worker by itself, before any code of a user runs; it cannot be undone.

In this order: a view of the file system and an empty network of its own (namespaces), capabilities
given up, Landlock, a filter of system calls. Each is used where the kernel has it, and what is left
open is reported in words. It is to be called while there is one thread, in a process that was
started or forked alike. What is granted is decided by the host, but for what this Python needs.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, Final, NamedTuple

from . import landlock, limits, seccomp, syscalls, view
from .advice import Advice
from .boot import CONFINEMENT_VARIABLE
from .paths import Paths, within

#: Programs, libraries, and what of /etc, /proc and /sys they read; nothing in it is a person's.
_SYSTEM: Final = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store"),
    *(f"/etc/{name}" for name in (
        *("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "ld-musl-x86_64.path", "alternatives"),
        *("ssl/certs", "ssl/openssl.cnf", "ca-certificates", "pki/tls/certs", "pki/ca-trust"),
        *("localtime", "timezone", "locale.alias", "locale.conf", "fonts", "mime.types", "magic"),
        *("hosts", "host.conf", "resolv.conf", "nsswitch.conf", "gai.conf", "services"),
        *("protocols", "passwd", "group", "os-release", "debian_version", "terminfo", "inputrc"),
        *("matplotlibrc", "profile", "bash.bashrc", "gitconfig", "OpenCL"),
    )),
    *(f"/proc/{name}" for name in (
        *("self", "cpuinfo", "meminfo", "stat", "uptime", "loadavg", "version", "filesystems"),
        *("sys", "cmdline"),
    )),
    "/sys/devices/system",
)  # fmt: skip
_DEVICES: Final = tuple(
    f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom", "tty")
)
#: Where there is no view: memory that all of the user's programs share, for locks need it.
_SHARED_MEMORY: Final = "/dev/shm"  # noqa: S108 - that is the point
#: These would lead to files outside.
_XDG: Final = ("CONFIG", "CACHE", "DATA", "STATE", "RUNTIME")


class Confined(NamedTuple):
    """What confines this process, what that leaves open, in words, and what to say of errors."""

    by: tuple[str, ...]
    open: tuple[str, ...]
    advice: Advice


class _Kernel(NamedTuple):
    """What of confinement could be had; ``landlock`` is its ABI, 0 for none."""

    landlock: int
    network: bool
    view: bool
    filter: bool


def confine(wanted: dict[str, Any], *, needed: tuple[str, ...]) -> Confined:
    """Do as ``wanted`` says: lists ``read``, ``write``, ``hidden``, ``kept``; ``net``; and limits.

    ``needed`` is what the worker itself reads later. Where neither Landlock nor a view can be had,
    nothing but the limits is set. Raises OSError where a limit cannot be.
    """
    bounds = wanted["limits"]
    limits.limit(memory=bounds["memory"], cpu=bounds["cpu"], files=bounds["files"])
    if not wanted["confined"]:
        return Confined((), (), Advice(wanted, {}, viewed=False))
    paths = Paths()
    grants = _grants(wanted, needed, paths)
    has = _enter(wanted, grants, paths)
    if not (has.landlock or has.view):
        nothing = ("this system offers no way to confine it",)
        return Confined((), nothing, Advice(wanted, {}, viewed=False))
    if not has.view:
        grants = _without_view(grants, [paths.real(path) or path for path in wanted["hidden"]])
    has = _restrict(wanted, grants, has)
    _live_in(wanted["home"], wanted["temporary"])
    return Confined(_means(has), _left_open(has, wanted), Advice(wanted, grants, viewed=has.view))


def _enter(wanted: dict[str, Any], grants: dict[str, str], paths: Paths) -> _Kernel:
    """Go where the rest of the machine is not, as far as the kernel lets us."""
    abi = landlock.abi()
    closes = not wanted["net"]
    if syscalls.machine() is None or not view.supported():
        return _Kernel(abi, network=False, view=False, filter=False)
    try:
        view.enter_namespaces(network=closes)
    except OSError:
        return _Kernel(abi, network=False, view=False, filter=False)
    hidden = [real for path in wanted["hidden"] if (real := paths.real(path))]
    try:
        view.build(wanted["base"], grants, hidden, paths, wanted["cwd"])
    except OSError:
        return _Kernel(abi, network=closes, view=False, filter=False)
    return _Kernel(abi, network=closes, view=True, filter=False)


def _restrict(wanted: dict[str, Any], grants: dict[str, str], has: _Kernel) -> _Kernel:
    """Give up privileges and rights for good."""
    internet = wanted["net"] or has.network
    syscalls.control(syscalls.NO_NEW_PRIVILEGES, 1)
    syscalls.drop_capabilities()
    if has.landlock:
        landlock.restrict(has.landlock, grants.items(), tcp=internet)
    try:
        seccomp.restrict(internet=internet, unix=has.view)
    except OSError:
        return has
    return has._replace(filter=True)


def _grants(wanted: dict[str, Any], needed: tuple[str, ...], paths: Paths) -> dict[str, str]:
    grants: dict[str, str] = {}
    private = [*wanted["private"], *wanted["hidden"]]
    python = [
        *(path for path in (*sys.path, sys.prefix, sys.base_prefix) if path.startswith("/")),
        *needed,
    ]
    # A PYTHONPATH that names somebody's whole home is no reason to show it.
    python = [path for path in python if not any(within(one, path) for one in private)]
    for how, given in (
        ("read", [*_SYSTEM, *python, *wanted["read"]]),
        ("device", _DEVICES),
        ("write", [*wanted["write"], *wanted["kept"], *view.FRESH]),
    ):
        for path in given:
            real = paths.real(path)
            if real is not None:
                grants[real] = how
    return grants


def _without_view(grants: dict[str, str], hidden: list[str]) -> dict[str, str]:
    """What Landlock alone can grant: nothing that shows what is hidden, and nobody's terminals."""
    return {
        path: how
        for path, how in grants.items()
        if not any(within(one, path) for one in hidden)
        and (path == _SHARED_MEMORY or path not in view.FRESH)
    }


def _live_in(home: str, temporary: str) -> None:
    """Let libraries find a home and a place for temporary files that are the session's own."""
    os.environ["HOME"] = home
    os.environ["TMPDIR"] = temporary
    for name in ("TMP", "TEMP", *(f"XDG_{one}_HOME" for one in _XDG), "XDG_RUNTIME_DIR"):
        os.environ.pop(name, None)


def _means(has: _Kernel) -> tuple[str, ...]:
    named = (
        (f"Landlock {has.landlock}", has.landlock),
        ("mount namespace", has.view),
        ("network namespace", has.network),
        ("seccomp", has.filter),
    )
    return tuple(name for name, had in named if had)


def _left_open(has: _Kernel, wanted: dict[str, Any]) -> tuple[str, ...]:
    """What a session may do all the same that it was not granted."""
    found = []
    if not has.landlock:
        found.append("it can see other processes and read all of /etc that this user can")
    if not landlock.scopes(has.landlock):
        found.append("it can send signals to this user's other processes")
    if not has.view:
        found.append("it can change modes, owners and times of this user's files")
        found.append("it shares /dev/shm with this user's other programs")
        if not has.filter:
            found.append("it can speak to other programs over Unix sockets")
    if not (wanted["net"] or has.network or has.filter):
        limited = has.landlock >= landlock.TCP_ABI
        found.append("it has the network but for TCP" if limited else "it has the network")
    return tuple(found)


def taken() -> dict[str, Any] | None:
    """What the host wants, once; ``None`` where it said nothing."""
    text = os.environ.pop(CONFINEMENT_VARIABLE, None)
    if text is None:
        return None
    found: dict[str, Any] = json.loads(text)
    return found
