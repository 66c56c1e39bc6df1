"""What processes have used, inspan's own and those of each session, and what room disks have.

Where there is no ``/proc`` nothing is told of processes. Memory is the resident set: pages that
several processes share count for each of them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import anyio.to_thread

from inspan.errors import InspanError
from inspan.model.metrics import Disk, Drawn
from inspan.providers.keeping import Keeping
from inspan.providers.procfacts import tree

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


class Drawing:
    """``monitor.ports.Processes`` of this process, its keeper and the keeper's sessions."""

    def __init__(self, keeping: Keeping, folders: Mapping[str, Path]) -> None:
        """``folders``: whose disks are looked at, by what is kept there."""
        self._keeping = keeping
        self._folders = dict(folders)

    async def own(self) -> dict[str, Drawn]:
        pids = {"daemon": os.getpid()}
        client = self._keeping.connected
        if client is not None:
            pids["keeper"] = client.pid
        found = {name: of_process(pid) for name, pid in pids.items()}
        return {name: drawn for name, drawn in found.items() if drawn is not None}

    async def sessions(self) -> dict[str, Drawn]:
        client = self._keeping.connected
        if client is None:
            return {}
        try:
            statuses = await client.list()
        except InspanError:
            return {}
        roots = {status.session: status.pid for status in statuses if status.alive}
        if not roots:
            return {}
        # Of many sessions it takes milliseconds, in which the loop has better things to do.
        return await anyio.to_thread.run_sync(_of_trees, roots)

    async def disks(self) -> dict[str, Disk]:
        # One of another machine may keep who asks waiting.
        return await anyio.to_thread.run_sync(_disks, self._folders)


def _disks(folders: Mapping[str, Path]) -> dict[str, Disk]:
    found = {}
    for name, folder in folders.items():
        with suppress(OSError):
            told = os.statvfs(folder)
            found[name] = Disk(told.f_bavail * told.f_frsize, told.f_blocks * told.f_frsize)
    return found


def of_process(pid: int) -> Drawn | None:
    """What one process has used."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - three times as quick
            parts = file.read(4096).rpartition(b")")[2].split()
    except OSError:
        return None
    if len(parts) < 22:
        return None
    return Drawn(pid, int(parts[21]) * _PAGE, sum(map(int, parts[11:13])) / _TICKS)


def _of_trees(roots: dict[str, int]) -> dict[str, Drawn]:
    found = {name: _of_tree(pid) for name, pid in roots.items()}
    return {name: drawn for name, drawn in found.items() if drawn is not None}


def _of_tree(root: int) -> Drawn | None:
    """A process and all below it; of a child that has ended its parent knows what it used."""
    seen = tree(root)
    if seen is None or not seen.processes:
        return None
    living = seen.processes
    memory = sum(_memory(process.pid) for process in living)
    used = sum(process.used for process in living) / _TICKS
    return Drawn(root, memory, used, len(living))


def _memory(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:  # noqa: PTH123
            return int(file.read().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0
