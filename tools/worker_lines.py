"""Tells coverage what ran in workers, where coverage itself cannot be; `make coverage` calls it.

    python -m tools.worker_lines begin      before the tests: each worker notes the lines it runs
    python -m tools.worker_lines end        after them: the notes become data for coverage combine

Coverage knows modules by their names, which are others in a worker, and writes what it has measured
when a process ends, into a file that a confined session may not write, unless it was killed before.
The notes are `tools.worker_tracer`'s. They have lines; of the ways between two lines only those are
told that must have been taken.
"""

from __future__ import annotations

import sys
import sysconfig
from collections import defaultdict
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path

from coverage import CoverageData
from coverage.parser import PythonParser

from tools.worker_tracer import ROOM, places

ROOT = Path(__file__).parent.parent
KERNEL = ROOT / "src" / "inspan" / "kernel"
NOTES = ROOT / ".cache" / "worker-lines"
#: Read by ``site`` at the start of every Python of this environment.
HOOK = Path(sysconfig.get_path("purelib")) / "inspan_worker_lines.pth"
DATA = ROOT / ".coverage.workers"

#: A worker, or what a session's ``multiprocessing`` has spawned, by its command line.
_HOOK = """\
if any("_inspan_kernel" in word or word == "--multiprocessing-fork" for word in sys.orig_argv):
    try:
        file = open({tracer!r})
    except OSError:
        file = None
    if file:
        with file:
            tracer = {{"__name__": "worker_tracer"}}
            exec(compile(file.read(), {tracer!r}, "exec"), tracer)
        tracer["begin"]({notes!r}, {kernel!r})
"""

Arc = tuple[int, int]


def hook() -> str:
    """One line of a ``.pth`` file."""
    tracer = str(ROOT / "tools" / "worker_tracer.py")
    program = _HOOK.format(tracer=tracer, notes=str(NOTES), kernel=str(KERNEL))
    return f"import sys; exec({program!r})\n"


def begin() -> None:
    """Have room for the notes, and every worker take them."""
    NOTES.parent.mkdir(exist_ok=True)
    NOTES.write_bytes(bytes(ROOM * len(places(str(KERNEL)))))
    HOOK.write_text(hook())


def end() -> None:
    """Take none any more, and write what there are as coverage's data."""
    HOOK.unlink(missing_ok=True)
    noted = NOTES.read_bytes()
    NOTES.unlink()
    data = CoverageData(str(DATA))
    for file, place in places(str(KERNEL)).items():
        lines = {line for line, ran in enumerate(noted[place : place + ROOM]) if ran}
        data.add_arcs({file: set(arcs(Path(file).read_text(), lines))})
    data.write()


def arcs(source: str, lines: AbstractSet[int]) -> Iterator[Arc]:
    """What must have happened where these lines ran: they were entered, by a way that there is.

    A line that can only have been reached from one of them was reached from that.
    """
    parser = PythonParser(text=source)
    parser.parse_source()
    ran = parser.translate_lines(lines)
    before: defaultdict[int, set[int]] = defaultdict(set)
    for start, stop in parser.arcs():
        if start < 0 or start in ran:
            before[stop].add(start)
    for line in lines:
        yield -1, line
    for line in ran:
        if len(before[line]) == 1:
            yield before[line].pop(), line


if __name__ == "__main__":
    {"begin": begin, "end": end}[sys.argv[1]]()
