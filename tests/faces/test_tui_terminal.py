"""``inspan tui`` in a real terminal: into the terminal of a task, out of it, and out of all."""

from __future__ import annotations

import os
import signal
import sys

import psutil
import pytest

from tests.real.console import Console
from tests.real.tmux import Pane

pytestmark = [
    pytest.mark.faces,
    pytest.mark.timeout(120),
    pytest.mark.requirement("B4"),
]


def _in_the_terminal(console: Console, pane: Pane) -> str:
    """The screens are begun, and somebody types into a task of theirs."""
    task = console.say("run", "--detach", "--", sys.executable, "-q")
    pane.until(lambda: ">>>" in console.run("logs", task).stdout.decode())
    return task


def test_typing_into_a_task_leaving_it_and_quitting(console: Console, pane: Pane) -> None:
    task = _in_the_terminal(console, pane)
    ran = pane.begin("inspan", "tui")
    pane.until("python")
    pane.press("t")
    pane.until("^>>>")
    pane.press("a")
    pane.until("Every key goes to the program")
    pane.line("x = 6 * 7; x")
    pane.until("^42")
    pane.press("q", "Escape", "C-c")
    pane.until("KeyboardInterrupt")
    pane.press("C-\\")
    pane.until("a types into it")
    pane.press("Escape")
    pane.until(lambda: not pane.shows("a types into it"))
    pane.press("q")
    assert ran.end() == 0
    assert pane.told("alternate_on") == "0"
    assert pane.told("mouse_any_flag") == "0"
    assert console.run("show", task).returncode == 0


def test_one_that_is_killed_leaves_the_terminal_as_it_was(console: Console, pane: Pane) -> None:
    _in_the_terminal(console, pane)
    before = pane.settings()
    ran = pane.begin("inspan", "tui")
    pane.until("python")
    pane.press("t")
    pane.until("^>>>")
    pane.press("a")
    pane.until("Every key goes to the program")
    assert (pane.told("alternate_on"), pane.told("mouse_any_flag")) == ("1", "1")
    pane.paste("p = 'asked for'")
    pane.until("^>>> p = 'asked for'")
    assert pane.settings() != before
    shell = psutil.Process(int(pane.told("pane_pid")))
    (screens,) = (child for child in shell.children() if "tui" in child.cmdline())
    os.kill(screens.pid, signal.SIGKILL)
    pane.until(lambda: ran.over)
    pane.until(lambda: pane.told("alternate_on") == "0" and pane.told("mouse_any_flag") == "0")
    pane.until(lambda: pane.settings() == before)
    assert pane.told("cursor_flag") == "1"
    pane.line("echo still $((40 + 2))")
    pane.until("^still 42$")
    # A paste is what was pasted: a program that asks for none is told of no paste.
    pane.line("cat -v")
    pane.paste("a paste")
    pane.until("^a paste$")
    pane.press("C-c")
