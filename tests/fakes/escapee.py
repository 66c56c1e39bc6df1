"""Tries to get out of where it is: does what its arguments name, and prints what came of each.

``escapee.py PLAN``: a JSON list of [word, argument...]. Prints a JSON list of ``ok`` or an error.
"""

import ctypes
import json
import os
import socket
import sys
from pathlib import Path

PTRACE_ATTACH = 16


def write(path: str) -> None:
    with Path(path).open("ab") as file:
        file.write(b"was here")


def read(path: str) -> str:
    return Path(path).read_bytes().decode(errors="replace") or "empty"


def names(path: str) -> str:
    return ",".join(sorted(one.name for one in Path(path).iterdir()))


def connect(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.connect(path)


def call(port: str) -> None:
    with socket.create_connection(("127.0.0.1", int(port)), 5):
        pass


def kill(pid: str) -> None:
    os.kill(int(pid), 0)


def trace(pid: str) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if library.ptrace(PTRACE_ATTACH, int(pid), 0, 0):
        raise OSError(ctypes.get_errno(), "ptrace")


def environ(pid: str) -> str:
    return read(f"/proc/{pid}/environ")


def link(target: str, path: str) -> None:
    Path(path).symlink_to(target)


def move(path: str, other: str) -> None:
    Path(path).rename(other)


def remount(path: str) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if library.mount(None, path.encode(), None, 32, None):  # MS_REMOUNT
        raise OSError(ctypes.get_errno(), "mount")


def unmount(path: str) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if library.umount2(path.encode(), 2):  # MNT_DETACH
        raise OSError(ctypes.get_errno(), "umount")


def nest(path: str) -> None:
    """The same from a user namespace of its own, in which it is root over new mounts."""
    library = ctypes.CDLL(None, use_errno=True)
    if library.unshare(0x10000000 | 0x00020000):  # CLONE_NEWUSER, CLONE_NEWNS
        raise OSError(ctypes.get_errno(), "unshare")
    remount(path)


def capabilities() -> str:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(line.split()[1] for line in lines if line.startswith("CapEff"))


def setting(path: str) -> None:
    """Write back what a kernel setting has."""
    text = Path(path).read_text()
    Path(path).write_text(text)


TRIES = [
    write, read, names, connect, call, kill, trace, environ, link, move, remount, unmount, nest,
    capabilities, setting,
]  # fmt: skip
WORDS = {one.__name__: one for one in TRIES}


def told(word: str, *arguments: str) -> str:
    try:
        return str(WORDS[word](*arguments) or "ok")  # type: ignore[operator]
    except OSError as error:
        return type(error).__name__ + f": {os.strerror(error.errno or 0)}"


if __name__ == "__main__":
    print(json.dumps([told(*step) for step in json.loads(sys.argv[1])]))
