"""What `inspan doctor` looks at of the machine: SQLite, the disk, cgroups, Landlock, the clock."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from inspan.cli.finding import FAIL, OK, WARN

if TYPE_CHECKING:
    from inspan.settings import Places

#: Bytes of room on the disk, and files, below which recordings are at risk.
_ROOM: Final = 1 << 30
_INODES: Final = 10_000
#: File systems of other machines: their locks and syncs are not always what they say.
_REMOTE: Final = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "lustre", "glusterfs", "beegfs"}
    | {"gpfs", "ocfs2", "vboxsf", "prl_fs", "fuse.sshfs", "fuse.glusterfs", "fuse.s3fs", "davfs"}
)
#: File systems that are gone with a reboot.
_FLEETING: Final = frozenset({"tmpfs", "ramfs"})
#: Seconds by which files may be newer than the clock says.
_AHEAD: Final = 60.0
#: <sys/timex.h>: the status is behind `modes` and four longs, and a flag in it says "not kept".
_STATUS_AT: Final = 5 * 8
_UNSYNCHRONISED: Final = 0x40


def sqlite(_: Places) -> tuple[str, ...]:
    """Its version, and what is known to be wrong with that."""
    import sqlite3

    if has_wal_race(sqlite3.sqlite_version_info):
        return (
            WARN,
            f"{sqlite3.sqlite_version}: two connections can corrupt one database (WAL-reset bug)",
            "inspan opens one only: open its database with nothing else while the daemon runs. "
            "3.51.3, 3.50.7 and 3.44.6 have it mended.",
        )
    return OK, sqlite3.sqlite_version


def has_wal_race(version: tuple[int, ...]) -> bool:
    """The WAL-reset bug of 3.7.0 to 3.51.2 (https://sqlite.org/wal.html#walresetbug)."""
    mended = (
        version >= (3, 51, 3)
        or (3, 50, 7) <= version < (3, 51)
        or (3, 44, 6) <= version < (3, 45)
        or version < (3, 7)
    )
    return not mended


def disk(where: Places) -> tuple[str, ...]:
    """Room for bytes and for files where the state is kept."""
    from inspan.settings.figures import show_size

    found = os.statvfs(where.state_dir)
    free, size = found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize
    shown = f"{show_size(free)} of {show_size(size)} free"
    if where.recordings.is_dir():
        there = os.statvfs(where.recordings)
        if there.f_fsid != found.f_fsid:  # somebody has put them on a disk of their own
            more = there.f_bavail * there.f_frsize
            shown += f"; for recordings {show_size(more)}"
            free = min(free, more)
    if free < _ROOM:
        return WARN, shown, "`inspan prune` frees what old recordings take."
    if found.f_files and found.f_favail < _INODES:
        left = f"{shown}, and room for {found.f_favail} more files"
        return WARN, left, "Remove what has many small files; `inspan prune` frees some."
    return OK, shown


def filesystem(where: Places) -> tuple[str, ...]:
    """Of which kind the state's is."""
    kind = kind_of(where.state_dir, Path("/proc/self/mountinfo"))
    if kind is None:
        return OK, "of a kind that this system does not tell"
    if kind in _REMOTE:
        return (
            WARN,
            f"{where.state_dir} is on {kind}, a file system of another machine",
            "Locks and syncs may not hold there: set INSPAN_HOME to a folder on a disk of its own.",
        )
    if kind in _FLEETING:
        hint = "Set INSPAN_HOME to a folder on a disk, if it is to outlive a reboot."
        return WARN, f"{where.state_dir} is on {kind}, which a reboot empties", hint
    return OK, kind


def kind_of(folder: Path, mounts: Path) -> str | None:
    """The kind of the file system that ``folder`` is on; ``None`` where that is not told."""
    try:
        lines = mounts.read_text(errors="replace").splitlines()
    except OSError:
        return None
    real, best, found = folder.resolve(), -1, None
    for line in lines:
        before, _, after = line.partition(" - ")
        point = Path(before.split()[4].encode().decode("unicode_escape"))
        # The last of two at one place hides the one before.
        if real.is_relative_to(point) and len(point.parts) >= best:
            best, found = len(point.parts), after.split()[0]
    return found


def cgroups(_: Places) -> tuple[str, ...]:
    """Whether each session can have a control group."""
    if sys.platform != "linux":
        return OK, "are Linux's; here the tree of a task is found by other means"
    from inspan.keeper.cgroups import Cgroups

    found = Cgroups(f"doctor-{os.getpid()}")
    can = bool(found)
    found.close()
    if can:
        return OK, "version 2, and a group for each session can be made from here"
    return (
        WARN,
        "none can be made from here: the tree of a task is found by its session and its mark",
        "`inspan service install` gives the keeper its own (Delegate=yes); all works without.",
    )


def landlock(_: Places) -> tuple[str, ...]:
    """What confines code sessions."""
    if sys.platform != "linux":
        return OK, "is Linux's"
    from inspan.kernel.worker.landlock import abi

    version = abi()
    if version:
        return OK, f"version {version} of its interface"
    hint = "Code sessions run without it, unless one asks for a sandbox; Linux 5.13 brought it."
    return WARN, "the kernel has none, or it is switched off", hint


def clock(where: Places) -> tuple[str, ...]:
    """Whether it went backwards, and whether something keeps it right."""
    known = (where.database, where.keeper_file, where.logs / "daemon.log", where.audit)
    newest = max((path.stat().st_mtime for path in known if path.exists()), default=0.0)
    ahead = newest - time.time()
    if ahead > _AHEAD:
        return (
            FAIL,
            f"inspan has written {ahead:.0f} s later than it is now: the clock went backwards",
            "Set the clock right before anything runs: order, limits and retries go by it.",
        )
    kept = _synchronised()
    if kept is False:
        hint = "Have the system keep it (`timedatectl set-ntp true`): retries and limits go by it."
        return WARN, "nothing keeps it right, says the kernel", hint
    return OK, "is kept right" if kept else "has not gone backwards"


def _synchronised() -> bool | None:
    """What the kernel says of its clock; ``None`` where it does not say."""
    if sys.platform != "linux" or ctypes.sizeof(ctypes.c_long) != 8:
        return None
    told = ctypes.create_string_buffer(512)  # all zero: it is asked, and nothing is set
    try:
        state = ctypes.CDLL(None).adjtimex(told)
    except (OSError, AttributeError):
        return None
    if state < 0:
        return None
    status = int.from_bytes(told.raw[_STATUS_AT : _STATUS_AT + 4], sys.byteorder)
    return not status & _UNSYNCHRONISED


LOOKS: Final = (sqlite, disk, filesystem, cgroups, landlock, clock)
