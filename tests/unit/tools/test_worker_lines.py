import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tools import worker_lines, worker_tracer

SOURCE = textwrap.dedent("""\
    def weigh(things):
        if things:
            heavy = sum(
                things
            )
        else:
            heavy = 0
        while heavy > 9:
            heavy -= 9
        return heavy
    """)

NOTED = pytest.mark.skipif(sys.version_info < (3, 13), reason="older Pythons take no notes")

#: A worker as far as it goes: one that is forked, closes what it has open, and is killed.
FORKED = """\
import os, signal, sys
package = type(sys)("_inspan_kernel")
package.__path__ = [{kernel!r}]
sys.modules["_inspan_kernel"] = package
if os.fork():
    os.wait()
    os._exit(0)
os.closerange(3, 100)
os.chdir("/")
from _inspan_kernel.worker import utf8
utf8.encoded("a")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_only_what_must_have_happened_is_told() -> None:
    arcs = set(worker_lines.arcs(SOURCE, {1, 2, 3, 4, 8, 10}))
    assert {(2, 3), (3, 8), (8, 10)} <= arcs
    assert {(2, 7), (8, 9), (9, 8)} & arcs == set()
    # It may have come to 8 from 3 alone, from 7 alone, or from both.
    assert {(3, 8), (7, 8)} & set(worker_lines.arcs(SOURCE, {1, 2, 3, 7, 8, 10})) == set()


def test_each_line_is_told_whatever_its_statement() -> None:
    told = {stop for _, stop in worker_lines.arcs(SOURCE, {3, 4})}
    assert {3, 4} <= told


@NOTED
def test_what_a_fork_did_before_it_was_killed_is_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel = str(worker_lines.KERNEL)
    monkeypatch.setattr(worker_lines, "NOTES", tmp_path / "notes")
    monkeypatch.setattr(worker_lines, "HOOK", tmp_path / "unused.pth")
    worker_lines.begin()
    program = f"{worker_lines.HOOK.read_text()}{FORKED.format(kernel=kernel)}"
    subprocess.run([sys.executable, "-S", "-c", program], check=True, timeout=30)
    notes = worker_lines.NOTES.read_bytes()
    utf8 = str(worker_lines.KERNEL / "worker" / "utf8.py")
    place = worker_tracer.places(kernel)[utf8]
    ran = {line for line in range(worker_tracer.ROOM) if notes[place + line]}
    source = Path(utf8).read_text().splitlines()
    said = [line for line in ran if "return" in source[line - 1]]
    assert len(said) == 1
    assert "encode(" in source[said[0] - 1]
