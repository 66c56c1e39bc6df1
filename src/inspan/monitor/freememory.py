"""How much memory a program could take now: of the machine, and of the groups that limit us.

Sources: proc_meminfo(5) for ``MemAvailable``; the kernel's ``cgroup-v2.rst`` for ``memory.max``,
``memory.current`` and ``inactive_file``: pages of files, which are given back before anything is
killed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_GROUPS: Final = Path("/sys/fs/cgroup")


def free_memory(proc: Path = _PROC, groups: Path = _GROUPS) -> int | None:
    """In bytes; ``None`` where there is no ``/proc``."""
    found = [_of_machine(proc), *_of_groups(proc, groups)]
    return min((figure for figure in found if figure is not None), default=None)


def _of_machine(proc: Path) -> int | None:
    with suppress(OSError, ValueError, IndexError):
        kilobytes = _figure(proc / "meminfo", "MemAvailable:")
        return None if kilobytes is None else kilobytes * 1024
    return None


def _of_groups(proc: Path, groups: Path) -> Iterator[int]:
    """What is left in our group, and in each that it is in, where it has a limit."""
    with suppress(OSError, ValueError):
        own = (proc / "self" / "cgroup").read_text()
        name = next((line[3:] for line in own.splitlines() if line.startswith("0::")), None)
        if name is None:
            return
        folder = groups / name.strip("/")
        for group in (folder, *folder.parents):
            if not group.is_relative_to(groups):
                return
            with suppress(OSError, ValueError):
                yield _of_group(group)


def _of_group(group: Path) -> int:
    """Raises OSError, and ValueError where it has no limit."""
    limit = int((group / "memory.max").read_text())
    taken = int((group / "memory.current").read_text())
    return limit - taken + (_figure(group / "memory.stat", "inactive_file") or 0)


def _figure(file: Path, name: str) -> int | None:
    for line in file.read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    return None
