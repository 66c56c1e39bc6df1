"""``inspan run`` in a real terminal: what is typed, what is seen, and what is left behind."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.faces.asking import ASK, PYTHON, heard
from tests.real.console import Console
from tests.real.daemon import alive, until
from tests.real.tmux import Pane, Tmux

pytestmark = [
    pytest.mark.faces,
    pytest.mark.timeout(120),
    pytest.mark.requirement("A11", "B3", "B5"),
]

#: Says what it hears, line by line, on a screen of its own with the keys as they come.
ECHO = """\
import sys, termios, tty
before = termios.tcgetattr(0)
tty.setcbreak(0)
print("\\x1b[?1049h\\x1b[?2004hready", flush=True)
while (key := sys.stdin.read(1)) != "q":
    print(f"key {key}", flush=True)
termios.tcsetattr(0, termios.TCSADRAIN, before)
print("\\x1b[?2004l\\x1b[?1049lbye", flush=True)
"""


def _state(console: Console, name: str) -> str:
    return str(json.loads(console.say("show", "--json", name))["state"])


def test_an_interactive_program_is_at_home(pane: Pane) -> None:
    ran = pane.begin("inspan", "run", "--", sys.executable, "-q")
    pane.until("^>>> ")
    pane.line("6 * 7")
    pane.until("^42$")
    pane.line("import time; print('begun'); time.sleep(600)")
    pane.until("^begun$")
    pane.press("C-c")
    pane.until("^KeyboardInterrupt")
    pane.line("7 * 8")
    pane.until("^56$")
    pane.press("C-d")
    assert ran.end() == 0


def test_ctrl_c_and_ctrl_backslash_end_the_program_as_they_would(pane: Pane) -> None:
    for key, status in (("C-c", 130), ("C-\\", 131)):
        ran = pane.begin("inspan", "run", "--", "sh", "-c", "echo ready; exec sleep 600")
        pane.until("^ready$")
        pane.press(key)
        assert ran.end() == status


def test_a_new_size_of_the_window_reaches_the_program(pane: Pane) -> None:
    line = "trap 'stty size' WINCH; stty size; while :; do sleep 0.05; done"
    ran = pane.begin("inspan", "run", "--", "sh", "-c", line)
    pane.until("^24 80$")
    pane.resize(100, 30)
    pane.until("^30 100$")
    pane.resize(60, 12)
    pane.until("^12 60$")
    pane.press("C-c")
    assert ran.end() == 130


def test_the_daemon_is_killed_and_nothing_is_noticed(console: Console, pane: Pane) -> None:
    ran = pane.begin("inspan", "run", "--", sys.executable, "-c", ECHO)
    pane.until("^ready$")
    pane.type("a")
    pane.until("^key a$")
    before = json.loads(console.say("status", "--json"))["daemon"]["pid"]
    os.kill(before, signal.SIGKILL)
    pane.type("b")
    pane.until("^key b$")
    assert json.loads(console.say("status", "--json"))["daemon"]["pid"] != before
    pane.type("cq")
    assert ran.end() == 0
    pane.until("^bye$")


def test_sigterm_to_the_command_line_interrupts_the_task(console: Console, pane: Pane) -> None:
    pid = console.home / "sigterm.pid"
    # A Python that is interrupted as it starts fails for that, and ends with 1.
    program = "import time; print('ready', flush=True); time.sleep(600)"
    command = f'inspan run --name told -- {sys.executable} -c "{program}"'
    ran = pane.begin("sh", "-c", f"echo $$ > {pid}; exec {command}")
    pane.until("^ready$")
    os.kill(int(pid.read_text()), signal.SIGTERM)
    assert ran.end() == 130, pane.text()
    assert "was interrupted; `inspan resume" in pane.text()
    assert _state(console, "told") == "interrupted"


def test_a_terminal_that_is_closed_leaves_the_task_running(console: Console, tmux: Tmux) -> None:
    pane = tmux.pane()
    pane.begin("inspan", "run", "--name", "left", "--", sys.executable, "-c", ECHO)
    pane.until("^ready$")
    pane.close()
    assert _state(console, "left") == "running"
    again = tmux.pane()
    ran = again.begin("inspan", "attach", "left")
    again.until("^ready$")
    again.type("x")
    again.until("^key x$")
    again.type("q")
    assert ran.end() == 0


def test_the_terminal_itself_is_asked_and_answers_once(console: Console, pane: Pane) -> None:
    ran = pane.begin("inspan", "run", "--name", "asks", "--", *PYTHON, ASK)
    pane.until("^heard ")
    assert heard(pane.text()) == ["R", "c", "n"]
    # While there is no daemon the keeper answers; the terminal is not asked afterwards.
    gate = console.home / "gate"
    pane.line(str(gate))
    pane.until("^waiting$")
    _kill_while_it_asks(console, gate)
    pane.until(lambda: pane.text().count("heard ") == 2)
    assert heard(pane.text()) == ["R", "c", "n"]
    pane.press("C-d")
    assert ran.end() == 0


def _kill_while_it_asks(console: Console, gate: Path) -> None:
    """The program asks as soon as there is a gate; nobody can have a daemon by then."""
    pid = json.loads(console.say("status", "--json"))["daemon"]["pid"]
    os.kill(pid, signal.SIGKILL)
    until(lambda: not alive(pid), "the daemon to be gone")
    gate.touch()
