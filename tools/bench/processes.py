"""What processes take, read from /proc: Linux only, as the figures in the document are."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

TICK = 1 / os.sysconf("SC_CLK_TCK")


class Memory(NamedTuple):
    """Bytes: resident, and with what is shared counted once among all that share it."""

    rss: int
    pss: int


def cpu(pid: int) -> float:
    """Seconds on a processor so far, in programs and in the kernel, without children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * TICK


def ran(pid: int) -> float:
    """The same to the nanosecond, as the scheduler counts it: of the threads that are there."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def memory(pids: Iterable[int]) -> Memory:
    """All of ``pids`` together."""
    rss = pss = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            name, _, rest = line.partition(":")
            if name in ("Rss", "Pss"):
                size = int(rest.split()[0]) * 1024
                rss, pss = (rss + size, pss) if name == "Rss" else (rss, pss + size)
    return Memory(rss, pss)


def peak(pid: int) -> int:
    """The most bytes that were ever resident."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def descriptors(pid: int) -> int:
    """Open files of a process."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def threads(pid: int) -> int:
    """Threads of a process."""
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def children(pid: int) -> tuple[int, ...]:
    """The processes whose parent it is."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(word) for word in (task / "children").read_text().split()]
    return tuple(found)


def with_descendants(pid: int) -> tuple[int, ...]:
    """It, its children, theirs, and so on."""
    return (pid, *(one for child in children(pid) for one in with_descendants(child)))


def confinement(pid: int, other: int) -> tuple[str, ...]:
    """What confines it as far as /proc tells, its own namespaces among it: not those of other."""
    status = Path(f"/proc/{pid}/status").read_text()
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    names = sorted(path.name for path in Path(f"/proc/{other}/ns").iterdir())
    own = [
        name
        for name in names
        if Path(f"/proc/{pid}/ns/{name}").readlink() != Path(f"/proc/{other}/ns/{name}").readlink()
    ]
    filters = [name for name in ("Seccomp", "NoNewPrivs") if fields.get(name, "0") != "0"]
    return (*own, *filters)


def terminals(pid: int) -> int:
    """Ends of pseudo-terminals that a process holds open."""
    found = 0
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # the listing itself is one, and is gone
            found += str(entry.readlink()).startswith(("/dev/ptmx", "/dev/pts/"))
    return found
