"""Limits that the kernel keeps for each process of a session: memory, CPU time, descriptors.

A process that asks for more memory is refused it, which Python tells as MemoryError. Nothing here
can be raised again. It must never know where a limit comes from.
"""

from __future__ import annotations

import resource
import sys
import time
from typing import Final

#: Seconds of CPU after SIGXCPU that a process which ignores it has left.
_GRACE: Final = 2

#: Memory that is written to: mappings of files and room that is only reserved do not count.
_MEMORY: Final = resource.RLIMIT_DATA if sys.platform == "linux" else resource.RLIMIT_AS


def limit(*, memory: int | None, cpu: int | None, files: int | None) -> None:
    """Set these; ``memory`` in bytes, ``cpu`` in seconds. A lower one that is there stays.

    No process of the session leaves a core file, which would hold what was in its memory.
    """
    _lower(resource.RLIMIT_CORE, 0, 0)
    if memory is not None:
        _lower(_MEMORY, memory, memory)
    if cpu is not None:
        # What the start took, where nothing is compiled yet, is not the code's.
        cpu += round(time.process_time())
        _lower(resource.RLIMIT_CPU, cpu, cpu + _GRACE)
    if files is not None:
        _lower(resource.RLIMIT_NOFILE, files, files)


def _lower(kind: int, soft: int, hard: int) -> None:
    _, highest = resource.getrlimit(kind)
    if highest != resource.RLIM_INFINITY:
        soft, hard = min(soft, highest), min(hard, highest)
    resource.setrlimit(kind, (soft, hard))
