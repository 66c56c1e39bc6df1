"""Notes which lines of a worker's modules ran, in this process and in all that is forked from it.

While coverage is measured, a line that ``tools.worker_lines`` puts beside the installed packages
loads this into every worker. A worker is confined, closes what descriptors it does not know, is
forked and killed; so the notes are a file's shared memory, mapped before any of that. To note a
line nothing has to be open or allowed, and what was noted outlives any end.
"""

from __future__ import annotations

import mmap
import os
import sys
from types import CodeType

#: Bytes for a module's notes, one for each line: ``tools.sizes`` keeps modules shorter than that.
ROOM = 1024
#: The number by which Python knows this tool; coverage itself, debuggers and profilers have others.
_TOOL = 4


def places(kernel: str) -> dict[str, int]:
    """Where in the notes each module's begin: what a worker loads of this folder."""
    worker = f"{kernel}/worker"
    names = sorted(name for name in os.listdir(worker) if name.endswith(".py"))  # noqa: PTH208 - a worker needs no pathlib
    files = [f"{kernel}/frames.py", *(f"{worker}/{name}" for name in names)]
    return {file: number * ROOM for number, file in enumerate(files)}


def begin(notes: str, kernel: str) -> None:
    """Note each line once; nothing where the notes cannot be opened, or this Python is too old.

    Older ones keep a descriptor for the mapping, and their ``mmap`` would close whatever has its
    number in the end.
    """
    if sys.version_info < (3, 13):
        return
    try:
        descriptor = os.open(notes, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return  # what a confined session has started, or a line that was left behind
    noted = mmap.mmap(descriptor, 0, trackfd=False)
    os.close(descriptor)
    where = places(kernel)
    monitoring = sys.monitoring
    events = monitoring.events

    def entered(code: CodeType, _: int) -> object:
        if code.co_filename in where:
            monitoring.set_local_events(_TOOL, code, events.LINE)
        return monitoring.DISABLE

    def reached(code: CodeType, line: int) -> object:
        noted[where[code.co_filename] + line] = 1
        return monitoring.DISABLE

    monitoring.use_tool_id(_TOOL, "inspan")
    monitoring.register_callback(_TOOL, events.PY_START, entered)
    monitoring.register_callback(_TOOL, events.LINE, reached)
    monitoring.set_events(_TOOL, events.PY_START)
