"""Tests in several processes take turns: many at a time, or one that is alone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.real.turns import Turns

ROOT = Path(__file__).parents[2]
#: Notes when it has its turn, and keeps it until it is told to go.
TAKES = """
import pathlib, sys
from tests.real.turns import Turns
folder, how = pathlib.Path(sys.argv[1]), sys.argv[2]
def note(what):
    with (folder / "log").open("a") as log:
        log.write(f"{how} {what}\\n")
    print(what, flush=True)
with Turns(folder).taken(alone=how == "alone"):
    note("in")
    sys.stdin.readline()
    note("out")
"""


@contextmanager
def other(folder: Path, how: str) -> Iterator[subprocess.Popen[str]]:
    """A process that takes its turn beside us."""
    command = [sys.executable, "-c", TAKES, str(folder), how]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def heard(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def send(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def test_many_share_and_one_is_alone(tmp_path: Path) -> None:
    with other(tmp_path, "one") as one, other(tmp_path, "two") as two:
        assert (heard(one), heard(two)) == ("in", "in")
        with other(tmp_path, "alone") as alone:
            send(one)
            assert heard(one) == "out"
            send(two)
            assert heard(alone) == "in"
            with other(tmp_path, "late") as late:
                send(alone)
                assert heard(late) == "in"
    told = (tmp_path / "log").read_text().splitlines()
    assert sorted(told[:2]) == ["one in", "two in"]
    assert told[2:] == ["one out", "two out", "alone in", "alone out", "late in"]


def test_a_turn_ends_with_its_process(tmp_path: Path) -> None:
    turns = Turns(tmp_path)
    with other(tmp_path, "alone") as one:
        assert heard(one) == "in"
        one.kill()
        with turns.taken(alone=True):
            pass
    turns.close()
