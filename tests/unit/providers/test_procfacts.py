"""What the system tells of processes: real ones, in groups and states that the test gives them."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from inspan.model.activity import Doing, Reading
from inspan.providers import procfacts
from inspan.providers.procfacts import Commands, halted, is_stopped, of_program, rests, tree
from tests.real.daemon import until

pytestmark = [
    pytest.mark.requirement("B4"),
    pytest.mark.skipif(sys.platform != "linux", reason="it is read in /proc"),
]

#: An agent: for each line that it is told it starts the rest of it in a group of its own (`+`), in
#: its own group (`.`), or ends what it started last (`-`), and says so.
AGENT = """\
import shlex, subprocess, sys  # -3 is DEVNULL
begun = []
for line in sys.stdin:
    how, words = line[0], shlex.split(line[1:])
    if how == "-":
        last = begun.pop()
        last.kill()
        last.wait()
    else:
        begun.append(subprocess.Popen(words, start_new_session=how == "+", stdin=-3))
    print("done", flush=True)
for one in begun:
    one.kill()
"""
SPINS = f"+{sys.executable} -c 'while True: pass'"


class Agent:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.pid = process.pid
        self._process = process

    def does(self, line: str) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "done\n"


@contextmanager
def an_agent() -> Iterator[Agent]:
    with subprocess.Popen(
        [sys.executable, "-c", AGENT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        yield Agent(process)
        os.kill(process.pid, signal.SIGCONT)


def _said(reading: Reading | None) -> tuple[Doing, str] | None:
    return None if reading is None else (reading.doing, reading.rule)


WORKS = (Doing.WORKING, "command")


def test_a_command_in_a_group_of_its_own_is_work() -> None:
    with an_agent() as agent:
        commands = Commands(agent.pid)
        assert commands.look(1.0, rests=False) is None
        agent.does(".sleep 100")
        assert commands.look(2.0, rests=False) is None, "a server of its own is in its group"
        agent.does("+sleep 100")
        found = commands.look(3.0, rests=False)
        assert _said(found) == WORKS
        assert found is not None
        assert found.evidence == "it runs sleep"
        agent.does("-")
        assert commands.look(4.0, rests=False) is None


def test_what_lived_while_it_rested_is_no_command() -> None:
    with an_agent() as agent:
        commands = Commands(agent.pid)
        agent.does(SPINS)
        assert _said(commands.look(1.0, rests=False)) == WORKS
        assert commands.look(2.0, rests=True) is None
        assert commands.look(3.0, rests=False) is None
        agent.does("+sleep 100")
        assert _said(commands.look(4.0, rests=False)) == WORKS


def test_what_is_old_has_to_use_a_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    with an_agent() as agent:
        commands = Commands(agent.pid)
        agent.does("+sleep 100")
        agent.does(SPINS)
        monkeypatch.setattr("inspan.providers.procfacts._YOUNG", 0.0)
        assert commands.look(1.0, rests=False) is None, "what it used before is not known"
        until(lambda: _said(commands.look(2.0, rests=False)) == WORKS, "a processor to be used")
        agent.does("-")
        assert commands.look(3.0, rests=False) is None


def test_what_was_stopped_is_told() -> None:
    with an_agent() as agent:
        commands = Commands(agent.pid)

        def told() -> list[Reading | None]:
            return [commands.look(1.0, rests=False), of_program(agent.pid, 1.0)]

        os.kill(agent.pid, signal.SIGSTOP)
        until(lambda: all(is_stopped(found) for found in told()), "it to be stopped")
        for found in told():
            assert found is not None
            assert found.doing is Doing.UNKNOWN
            assert f"kill -CONT {agent.pid}" in found.evidence
            assert found.evidence == halted(agent.pid)
        os.kill(agent.pid, signal.SIGCONT)
        until(lambda: not any(is_stopped(found) for found in told()), "it to go on")
        assert not halted(agent.pid)


def test_a_program_that_reads_its_terminal_and_one_that_computes() -> None:
    pid, ours = pty.fork()
    if pid == 0:
        os.execvp("cat", ["cat"])
    try:
        until(lambda: _said(of_program(pid, 1.0)) == (Doing.IDLE, "reads"), "it to read")
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(ours)
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as spins:
        until(lambda: _said(of_program(spins.pid, 1.0)) == (Doing.WORKING, "computes"), "work")
        spins.kill()


def test_of_what_is_gone_nothing_is_told() -> None:
    with subprocess.Popen(["true"]) as ended:
        pass
    assert tree(ended.pid) is None
    assert Commands(ended.pid).look(1.0, rests=False) is None
    assert of_program(ended.pid, 1.0) is None
    assert not halted(ended.pid)


def test_a_look_is_cheap() -> None:
    with an_agent() as agent:
        for _ in range(10):
            agent.does("+sleep 100")
        commands = Commands(agent.pid)
        began = time.process_time()
        for at in range(100):
            commands.look(float(at), rests=False)
        assert (time.process_time() - began) / 100 < 0.02


def test_what_runs_or_would_run_does_not_rest() -> None:
    with an_agent() as agent:
        until(lambda: rests(agent.pid) is True, "it to wait for a line")
        agent.does(SPINS)
        until(lambda: rests(agent.pid) is True, "only what leads a group of its own to run")
        agent.does("-")
        agent.does(SPINS.replace("+", "."))
        until(lambda: rests(agent.pid) is False, "what is in its group to run")
        agent.does("-")
        until(lambda: rests(agent.pid) is True, "it to wait for a line again")
        os.kill(agent.pid, signal.SIGSTOP)
        until(lambda: rests(agent.pid) is None, "it to stop")
        os.kill(agent.pid, signal.SIGCONT)
    assert rests(agent.pid) is True, "nobody can tell of one that is gone"


def test_of_a_process_that_goes_meanwhile_nothing_is_told() -> None:
    nobody = (1 << 22) + 1  # above the largest number that Linux gives
    assert procfacts._reads(nobody) is False
    assert of_program(nobody, 1.0) is None
    assert rests(nobody) is True
    assert halted(nobody) == ""
