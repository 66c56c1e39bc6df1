"""Confinement of a worker by itself, before any code of a user runs; it cannot be undone.

In this order: a view of the file system and an empty network of its own (namespaces), capabilities
given up, Landlock, a filter of system calls. Each is used where the kernel has it, and what is left
open is reported in words. It is to be called while there is one thread, in a process that was
started or forked alike. What is granted is decided by the host, but for what this Python needs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from ..frames import parsed  # noqa: TID252 - the package has a private name here
from . import landlock, limits, seccomp, syscalls, view
from .advice import Advice
from .boot import CLOUDPICKLE_VARIABLE, CONFINEMENT_VARIABLE
from .paths import Paths, within

#: Our own files: some are read only when they are needed.
_KERNEL: Final = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 - pathlib would cost start-up
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
        *("cpuinfo", "meminfo", "stat", "uptime", "loadavg", "version", "filesystems"),
        *("sys", "cmdline"),
    )),
    "/sys/devices/system",
)  # fmt: skip
#: It leads elsewhere in each process, so who is forked from here looks for itself.
_ITSELF: Final = "/proc/self"
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


class Kind(NamedTuple):
    """What of a host's wishes is the same for many sessions.

    ``needed`` is what the worker itself reads later.
    """

    confined: bool
    net: bool
    hidden: tuple[str, ...]
    private: tuple[str, ...]
    needed: tuple[str, ...]


def kind(wanted: dict[str, Any] | None, needed: tuple[str, ...]) -> Kind:
    """The kind of a session of which the host wants this."""
    if wanted is None or not wanted["confined"]:
        return Kind(confined=False, net=True, hidden=(), private=(), needed=())
    hidden, private = tuple(wanted["hidden"]), tuple(wanted["private"])
    return Kind(confined=True, net=wanted["net"], hidden=hidden, private=private, needed=needed)


def needed(env: Mapping[str, str]) -> tuple[str, ...]:
    """What a worker with this environment reads later: of our own files some, and cloudpickle."""
    cloudpickle = env.get(CLOUDPICKLE_VARIABLE)
    return (_KERNEL, *([cloudpickle] if cloudpickle else ()))


class Plan:
    """What can be told of the ground of a kind by looking.

    Nothing is made for it, and nothing in it is one process's own: it may be kept and handed on.
    """

    def __init__(self, of: Kind) -> None:
        self.kind = of
        self.paths = Paths()
        self.grants = _of_every_session(of, self.paths) if of.confined else {}
        self.hidden = [real for path in of.hidden if (real := self.paths.real(path))]


class Ground:
    """Confinement as far as it is the same for every session of a kind; nothing is given up yet.

    It is begun in the process that will be a session, and can be begun before there is one.
    """

    def __init__(self, plan: Plan, base: str) -> None:
        """``base`` is a folder to make the view in, of which nothing is granted."""
        self.kind = plan.kind
        self._grants, self._hidden = plan.grants | _of_itself(plan.paths), plan.hidden
        self._view: view.View | None = None
        self._rules: landlock.Rules | None = None
        self.has = _Kernel(landlock.abi(), network=False, view=False, filter=False)
        if syscalls.machine() is None or not view.supported():
            return
        closes = not self.kind.net
        try:
            view.enter_namespaces(network=closes)
        except OSError:
            return
        self.has = self.has._replace(network=closes)
        try:
            self._view = self._viewed(base, self._grants, plan.paths)
        except OSError:
            return
        if self.has.landlock:
            self._rules = self._ruled()
            self._rules.allow(_lasting(self._grants))
        self.has = self.has._replace(view=True)

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What must be left open."""
        return () if self._rules is None else (self._rules.descriptor,)

    def restrict(self, wanted: dict[str, Any]) -> tuple[_Kernel, dict[str, str]]:
        """Give up all that is not granted, for good; by what, and what is granted.

        Raises OSError where that cannot be and should.
        """
        paths = Paths()
        own = self._own(wanted, paths)
        grants = {**self._grants, **own}
        if self._view is not None:
            self._enter(self._view, wanted, own, paths)
        if not (self.has.landlock or self.has.view):
            return self.has, {}
        if not self.has.view:
            grants = _without_view(grants, self._hidden)
        syscalls.control(syscalls.NO_NEW_PRIVILEGES, 1)
        syscalls.drop_capabilities()
        if self.has.landlock:
            self._ruling(own, grants).enforce()
        try:
            seccomp.restrict(internet=self._internet, unix=self.has.view)
        except OSError:
            return self.has, grants
        return self.has._replace(filter=True), grants

    def _own(self, wanted: dict[str, Any], paths: Paths) -> dict[str, str]:
        """What is granted to this session beyond what every one has."""
        given = {"read": wanted["read"], "write": (*wanted["write"], *wanted["kept"])}
        found = _real(given, paths)
        return {
            path: how for path, how in found.items() if how == "write" or path not in self._grants
        }

    @property
    def _internet(self) -> bool:
        return self.kind.net or self.has.network

    def _ruled(self) -> landlock.Rules:
        return landlock.Rules(self.has.landlock, tcp=self._internet)

    def _ruling(self, own: dict[str, str], grants: dict[str, str]) -> landlock.Rules:
        """All of them; those that were begun are of no use where it came to no view."""
        if self._rules is not None and self.has.view:
            self._rules.allow({**own, **_fresh(grants)})
            return self._rules
        if self._rules is not None:
            self._rules.close()
        rules = self._ruled()
        rules.allow(grants)
        return rules

    def _viewed(self, base: str, grants: dict[str, str], paths: Paths) -> view.View:
        made = view.View(base, self._hidden)
        made.add(grants, paths)
        return made

    def _enter(
        self, begun: view.View, wanted: dict[str, Any], own: dict[str, str], paths: Paths
    ) -> None:
        try:
            if begun.takes(own):
                begun.add(own, paths)
            else:
                begun.drop()
                # Looked at once more, for ``paths`` to know what of them is a file, and the links.
                grants = _of_every_session(self.kind, paths) | _of_itself(paths) | own
                begun = self._viewed(wanted["base"], grants, paths)
            begun.enter(wanted["cwd"])
        except OSError:
            self.has = self.has._replace(view=False)


def confine(
    wanted: dict[str, Any], *, needed: tuple[str, ...], ground: Ground | Plan | None
) -> Confined:
    """Do as ``wanted`` says: lists ``read``, ``write``, ``hidden``, ``kept``; ``net``; and limits.

    ``needed`` is as in ``Kind``; ``ground``, or the plan of it, may be there where it is of that
    kind. Where neither Landlock nor a view can be had, nothing but the limits is set. Raises
    OSError where a limit cannot be.
    """
    bounds = wanted["limits"]
    limits.limit(memory=bounds["memory"], cpu=bounds["cpu"], files=bounds["files"])
    if not wanted["confined"]:
        return Confined((), (), Advice(wanted, {}, viewed=False))
    if not isinstance(ground, Ground):
        ground = Ground(ground or Plan(kind(wanted, needed)), wanted["base"])
    has, grants = ground.restrict(wanted)
    if not grants:
        nothing = ("this system offers no way to confine it",)
        return Confined((), nothing, Advice(wanted, {}, viewed=False))
    _live_in(wanted["home"], wanted["temporary"])
    return Confined(_means(has), _left_open(has, wanted), Advice(wanted, grants, viewed=has.view))


def rehearse() -> None:
    """Do what changes nothing of what each confinement does; who is forked then is done sooner."""
    of = Kind(confined=True, net=False, hidden=(), private=(), needed=())
    grants = _of_every_session(of, Paths())
    view.outermost(grants)
    _fresh(grants), _lasting(grants)
    if syscalls.machine() is not None:
        seccomp.program(internet=True, unix=True)


def _of_every_session(of: Kind, paths: Paths) -> dict[str, str]:
    private = [*of.private, *of.hidden]
    python = [
        *(path for path in (*sys.path, sys.prefix, sys.base_prefix) if path.startswith("/")),
        *of.needed,
    ]
    # A PYTHONPATH that names somebody's whole home is no reason to show it.
    python = [path for path in python if not any(within(one, path) for one in private)]
    given = {"read": (*_SYSTEM, *python), "device": _DEVICES, "write": tuple(view.FRESH)}
    return _real(given, paths)


def _of_itself(paths: Paths) -> dict[str, str]:
    return _real({"read": (_ITSELF,)}, paths)


def _real(given: Mapping[str, Iterable[str]], paths: Paths) -> dict[str, str]:
    return {
        real: how
        for how, named in given.items()
        for path in named
        if (real := paths.real(path)) is not None
    }


def _fresh(grants: dict[str, str]) -> dict[str, str]:
    return {path: how for path, how in grants.items() if path in view.FRESH}


def _lasting(grants: dict[str, str]) -> dict[str, str]:
    """What is the same file before and after the view was gone over to."""
    return {path: how for path, how in grants.items() if path not in view.FRESH}


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


def wanted(env: Mapping[str, str]) -> dict[str, Any] | None:
    """What the host wants of a worker with this environment; ``None`` where it said nothing."""
    text = env.get(CONFINEMENT_VARIABLE)
    if text is None:
        return None
    return parsed(text.encode())


def taken() -> dict[str, Any] | None:
    """The same of this process, once."""
    found = wanted(os.environ)
    os.environ.pop(CONFINEMENT_VARIABLE, None)
    return found
