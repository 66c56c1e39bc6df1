"""A view of the file system of one process's own, in which only what it is granted is there.

Landlock refuses to open a file; it does not keep anybody from a socket by its path, nor from
changing the mode, the owner or the times of a file. Where there is a mount namespace, what is not
granted is not there to be reached, and what is granted for reading is mounted read-only.

In the place of what is not granted stands an empty folder or file without any permission, so that
code which looks for it is told that it may not, and not that there is nothing. It cannot be undone:
the view is left by nobody, and mounts cannot be changed without a privilege that is given up.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from . import syscalls
from .paths import Paths, parents, within

if TYPE_CHECKING:
    import socket
else:
    import _socket as socket  # see ``door``

_NEW_MOUNTS: Final = 0x00020000
_NEW_USER: Final = 0x10000000
_NEW_NETWORK: Final = 0x40000000
_NEW_IPC: Final = 0x08000000

_PRIVATE: Final = 0x4000 | 1 << 18
_HARMLESS: Final = 0x2 | 0x4 | 0x8
_DETACH: Final = 2
_SET_FILE_CAPABILITIES: Final = 31

#: Of the calls that came with Linux 5.2 and 5.12.
_HERE: Final = -100
_CLONE: Final = 0x1 | os.O_CLOEXEC
_RECURSIVE: Final = 0x8000
_EMPTY_PATH: Final = 0x1000
_FROM_DESCRIPTOR: Final = 0x4
_READ_ONLY: Final = 0x1
_NO_SUID: Final = 0x2
_NO_DEVICES: Final = 0x4

#: Mounted as a whole; Landlock chooses what of it is granted.
_WHOLE: Final = ("/etc", "/proc", "/sys")
#: Nobody misses one of its hundred entries.
_DEVICES: Final = "/dev"
#: Mounted anew, for this process and what it starts: of which kind, with which flags and options.
FRESH: Final = {
    "/dev/shm": ("tmpfs", _HARMLESS, "mode=1777"),  # noqa: S108 - it is nobody else's
    "/dev/pts": ("devpts", 0x2 | 0x8, "newinstance,ptmxmode=0666,mode=0620"),
}
#: Entries of a folder that are stood in for; code that looks for another one finds nothing. Of a
#: folder of everybody's, such as ``/tmp``, there are none: what is there is no affair of a session.
_STAND_INS: Final = 256


def supported() -> bool:
    """Whether the kernel has the calls to build one with: nothing is begun that cannot end."""
    try:
        syscalls.call(syscalls.MOUNT_SETATTR, -1, b"", 0, bytes(8), 8)
    except OSError as error:
        return error.errno == errno.EINVAL
    return False


def enter_namespaces(*, network: bool) -> None:
    """Have mounts and System V's memory of our own, and with ``network`` an empty network.

    Whoever is not root needs a user namespace for it, in which it has its own number and no other.
    Raises OSError; then nothing has changed. There must be one thread.
    """
    flags = _NEW_MOUNTS | _NEW_IPC | (_NEW_NETWORK if network else 0)
    user, group = os.geteuid(), os.getegid()
    try:
        syscalls.unshare(flags)
    except OSError:
        if user == 0 and not _may_stay_root():
            raise
        syscalls.unshare(flags | _NEW_USER)
        _keep_number(user, group)
    if network:
        _loopback_up()


class View:
    """One that is being made in ``base``, a folder; it is gone over to by ``enter``.

    What every session of a kind sees can be put in long before it is known which session it is.
    """

    def __init__(self, base: str, hidden: list[str]) -> None:
        """``hidden`` stays so in what is granted, but for what is granted in it. Raises OSError."""
        syscalls.mount("none", "/", None, _PRIVATE)
        syscalls.mount("view", base, "tmpfs", _HARMLESS, "mode=0111,size=4m")
        self._base, self._hidden, self._paths = base, hidden, Paths()
        self._grants: dict[str, str] = {}
        self._mounts: dict[str, str] = {}
        #: Folders of ours: the first, and those that cover something.
        self._own = [base]
        #: What of the view is ours and no mount, and of that what has its stand-ins.
        self._made: set[str] = {"/"}
        self._stood_in: set[str] = set()

    def takes(self, grants: Iterable[str]) -> bool:
        """Whether these can be added: none holds what is there already, nor is hidden by us."""
        there = (*self._made, *self._mounts)
        held = {folder for one in there for folder in (one, *parents(one))}
        return not any(path in held or within(path, self._base) for path in grants)

    def add(self, grants: dict[str, str], paths: Paths) -> None:
        """Have this in it, too. ``grants`` are real paths, found by ``paths``. Raises OSError."""
        paths.links = {**self._paths.links, **paths.links}
        self._paths = paths
        self._grants |= grants
        former, self._mounts = self._mounts, outermost(self._grants)
        covers = {path for path in self._hidden if self._shows(path)}
        for path in sorted({*self._mounts.keys() - former.keys(), *covers}):
            if path in covers:
                self._cover(path)
            else:
                self._bind(path)

    def enter(self, cwd: str) -> None:
        """Go over to it. Raises OSError."""
        self._place(cwd)
        self._link()
        self._seal()
        os.chdir(self._base)
        pivot = syscalls.machine()
        assert pivot is not None
        syscalls.call(pivot.pivot_root, b".", b".")
        syscalls.unmount(".", _DETACH)
        os.chdir(cwd)

    def drop(self) -> None:
        """Make as if it had never been. Raises OSError."""
        syscalls.unmount(self._base, _DETACH)

    def _shows(self, path: str) -> bool:
        """Whether what is to be hidden would be seen in something that was granted."""
        if self._base + path in self._own or path in self._mounts:
            return False
        return any(folder in self._mounts for folder in parents(path))

    def _bind(self, path: str) -> None:
        """Mount what is at ``path`` there, too."""
        self._make_ready(path)
        if path in FRESH:
            kind, flags, options = FRESH[path]
            syscalls.mount(kind, self._base + path, kind, flags, options)
            return
        how = self._mounts[path]
        tree = syscalls.call(syscalls.OPEN_TREE, _HERE, os.fsencode(path), _CLONE | _RECURSIVE)
        try:
            bits = _NO_SUID | (0 if how == "device" else _NO_DEVICES)
            _set(tree, bits | (_READ_ONLY if how == "read" else 0), _EMPTY_PATH | _RECURSIVE)
            target = os.fsencode(self._base + path)
            syscalls.call(syscalls.MOVE_MOUNT, tree, b"", _HERE, target, _FROM_DESCRIPTOR)
        finally:
            os.close(tree)

    def _cover(self, path: str) -> None:
        """Hide what is at ``path``, in something that was granted."""
        syscalls.mount("view", self._base + path, "tmpfs", _HARMLESS, "mode=0111,size=4m")
        self._own.append(self._base + path)
        self._made.add(path)

    def _place(self, folder: str) -> None:
        """Have this folder there to be in, if only as a place."""
        real = self._paths.real(folder)
        if real is not None:
            self._open(real)

    def _link(self) -> None:
        """Make the links again that lead to what was granted."""
        self._paths.links["/dev/ptmx"] = "pts/ptmx"
        for path, target in self._paths.links.items():
            above = path.rpartition("/")[0] or "/"
            if above in self._made and not os.path.lexists(self._base + path):
                os.symlink(target, self._base + path)  # noqa: PTH211 - pathlib would cost start-up

    def _seal(self) -> None:
        """Nobody changes the view itself."""
        for path in self._own:
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
            try:
                _set(place, _READ_ONLY | _NO_SUID | _NO_DEVICES, _EMPTY_PATH)
            finally:
                os.close(place)

    def _make_ready(self, path: str) -> None:
        """A place to mount on, where ours is what is above it."""
        if path == "/":
            return
        above = path.rpartition("/")[0] or "/"
        self._open(above)
        if above not in self._made:
            return  # it lies in something that was granted, and so is there
        if self._paths.is_folder(path):
            _folder(self._base + path, 0o111)
        else:
            _file(self._base + path)

    def _open(self, folder: str) -> None:
        """Have this folder in the view, to be gone through, with its entries stood in for."""
        if folder in self._made:
            self._stand_in(folder)
            return
        above = folder.rpartition("/")[0] or "/"
        self._open(above)
        if above in self._made and folder not in self._mounts:
            _folder(self._base + folder, 0o111)
            self._made.add(folder)
            self._stand_in(folder)

    def _stand_in(self, folder: str) -> None:
        if folder in self._stood_in or folder == _DEVICES or self._paths.is_everybodys(folder):
            return
        self._stood_in.add(folder)
        try:
            entries = os.scandir(folder)
        except OSError:
            return
        prefix = "" if folder == "/" else folder
        # By its descriptor: the way to it is long, and would be gone for each of them.
        place = os.open(self._base + folder, os.O_PATH | os.O_CLOEXEC)
        try:
            with entries:
                for entry, _ in zip(entries, range(_STAND_INS), strict=False):
                    if entry.is_symlink():
                        self._paths.look(f"{prefix}/{entry.name}")
                    elif entry.is_dir(follow_symlinks=False):
                        _folder(entry.name, 0, place)
                    else:
                        _file(entry.name, place)
        finally:
            os.close(place)


def outermost(grants: dict[str, str]) -> dict[str, str]:
    """What is to be mounted: nothing twice that a folder above grants as well."""
    kept: dict[str, str] = {}
    for path in sorted(grants):
        first = "/" + path.split("/", 2)[1]
        if first in _WHOLE and grants[path] == "read":
            kept[first] = "read"
            continue
        over = [kept[one] for one in (path, *parents(path)) if one in kept]
        if not over or (grants[path] != "read" and "write" not in over):
            kept[path] = grants[path]
    return kept


def _folder(path: str, mode: int, place: int | None = None) -> None:
    try:
        os.mkdir(path, mode, dir_fd=place)
    except FileExistsError:
        os.chmod(path, mode, dir_fd=place)


def _file(path: str, place: int | None = None) -> None:
    try:
        os.mknod(path, 0, dir_fd=place)
    except FileExistsError:
        return


def _set(place: int, bits: int, flags: int) -> None:
    attributes = struct.pack("=QQQQ", bits, 0, 0, 0)
    syscalls.call(syscalls.MOUNT_SETATTR, place, b"", flags, attributes, len(attributes))


def _write(path: str, text: str) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(file, text.encode())
    finally:
        os.close(file)


def _may_stay_root() -> bool:
    """Whether a user namespace of ours may have a root: since Linux 5.12 that takes CAP_SETFCAP."""
    with open("/proc/self/status", "rb") as file:  # noqa: PTH123 - pathlib would cost start-up
        had = next(line for line in file if line.startswith(b"CapEff:"))
    return bool(int(had.split()[1], 16) >> _SET_FILE_CAPABILITIES & 1)


def _keep_number(user: int, group: int) -> None:
    """In a new user namespace, be who we were. Nobody at all is no state to go on in."""
    try:
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{user} {user} 1")
        _write("/proc/self/gid_map", f"{group} {group} 1")
    except OSError as error:
        raise RuntimeError(f"a user namespace without a user: {error}") from error


def _loopback_up() -> None:
    """The session's own 127.0.0.1, on which it may speak to what it starts."""
    any_socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        # SIOCSIFFLAGS with IFF_UP and IFF_RUNNING.
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", 0x41))
    finally:
        any_socket.close()
