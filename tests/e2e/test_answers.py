"""What a program asks its terminal is answered once, whoever comes, goes or dies meanwhile.

The terminal is this test: it sees whether it is asked, and what it answers is its own to say.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from inspan.settings import locate
from tests.real.console import Console, Screen
from tests.real.daemon import until

pytestmark = [pytest.mark.timeout(120), pytest.mark.requirement("A11", "B3", "B5")]

QUERY = b"\x1b[c"
#: The key that leaves.
LEAVES = b"\x1c"
#: What this terminal says of itself, unlike the keeper.
OURS, KEEPERS = b"\x1b[?1;2c", b"\x1b[?62;22c"
#: Asks what its terminal is, each time it is given the name of a file and that is there; tells
#: what it heard until it is typed a full stop. Of the answers themselves nothing is echoed.
ASKS = """\
import os, pathlib, sys, time, tty
tty.setraw(0)
def typed(end):
    got = b""
    while not got.endswith(end):
        got += os.read(0, 1)
    return got[:-1]
for turn in range(int(sys.argv[1])):
    os.write(1, b"ready%d\\r\\n" % turn)
    gate = pathlib.Path(os.fsdecode(typed(b"\\r")))
    os.write(1, b"waiting%d\\r\\n" % turn)
    while not gate.exists():
        time.sleep(0.005)
    os.write(1, b"\\x1b[casked%d\\r\\n" % turn)
    os.write(1, b"heard%d %s;\\r\\n" % (turn, typed(b".").hex().encode()))
"""


@pytest.fixture
def console() -> Iterator[Console]:
    with Console() as console:
        yield console


class Asker:
    """A program that asks, in one console."""

    def __init__(self, console: Console, turns: int) -> None:
        self.console = console
        self.command = (sys.executable, "-c", ASKS, str(turns))
        self.gates = [console.home / f"gate{turn}" for turn in range(turns)]

    @property
    def printed(self) -> bytes:
        """All that is recorded of it."""
        found = locate(self.console.env).recordings.glob("*/output.raw")
        return b"".join(path.read_bytes() for path in found)

    def wait(self, wanted: bytes) -> None:
        until(lambda: wanted in self.printed, f"{wanted!r}")

    def ask(self, turn: int) -> None:
        """Let it ask; return when it has."""
        self.gates[turn].touch()
        self.wait(b"asked%d" % turn)

    def heard(self, turn: int) -> bytes:
        self.wait(b"heard%d " % turn)
        told = re.search(rb"heard%d ([0-9a-f]*);" % turn, self.printed)
        assert told is not None
        return bytes.fromhex(told[1].decode())

    def gate(self, turn: int) -> bytes:
        return os.fsencode(self.gates[turn]) + b"\r"


def _daemon(console: Console) -> int:
    return int(json.loads(console.say("status", "--json"))["daemon"]["pid"])


def _ask(screen: Screen, asker: Asker, turn: int) -> None:
    """One turn with nobody in the way: this terminal is asked, and what it says is heard."""
    screen.press(asker.gate(turn))
    screen.until(b"waiting%d" % turn)
    asker.ask(turn)
    screen.until(QUERY + b"asked%d" % turn)
    screen.press(OURS + b".")
    assert asker.heard(turn) == OURS


def _ask_alone(asker: Asker, turn: int) -> None:
    """One turn with no terminal there."""
    asker.console.run("send", "last", "--no-enter", asker.gate(turn).decode())
    asker.wait(b"waiting%d" % turn)
    asker.ask(turn)
    asker.console.run("send", "last", "--no-enter", ".")
    assert asker.heard(turn) == KEEPERS


@pytest.mark.parametrize("verb", ["run", "attach"])
def test_what_was_asked_of_a_daemon_that_died_is_answered(console: Console, verb: str) -> None:
    """It has the query and is killed before it passed it on; nobody was to answer it but we."""
    asker = Asker(console, 2)
    with _started(console, asker, verb) as screen:
        screen.press(asker.gate(0))
        screen.until(b"waiting0")
        daemon = _daemon(console)
        os.kill(daemon, signal.SIGSTOP)
        asker.ask(0)
        os.kill(daemon, signal.SIGKILL)
        screen.until(b"asked0")
        assert QUERY not in screen.output
        screen.press(b".")
        assert asker.heard(0) == KEEPERS
        # From then on it is as before.
        _ask(screen, asker, 1)
        assert screen.finish() == 0
        assert screen.output.count(QUERY) == 1


def test_the_terminal_is_asked_from_the_start_of_what_it_runs(console: Console) -> None:
    asker = Asker(console, 1)
    line = f"import os; os.write(1, {QUERY!r})\n{ASKS}"
    with console.terminal("run", "--", sys.executable, "-c", line, "1") as screen:
        screen.until(QUERY + b"ready0")
        _ask(screen, asker, 0)
        assert screen.finish() == 0


def test_what_was_answered_before_somebody_came_is_asked_of_nobody(console: Console) -> None:
    asker = Asker(console, 3)
    task = console.say("run", "--detach", "--pty", "--", *asker.command)
    asker.wait(b"ready0")
    _ask_alone(asker, 0)
    with console.terminal("attach", task) as screen:
        screen.until(b"ready1")
        assert b"asked0" in screen.output
        assert QUERY not in screen.output
        _ask(screen, asker, 1)
        screen.until(b"ready2")
        screen.press(LEAVES)
        assert screen.finish() == 0
    _ask_alone(asker, 2)


def test_what_comes_as_somebody_leaves_is_answered_without_them(console: Console) -> None:
    """The daemon has the query and has not passed it on when the key is pressed."""
    asker = Asker(console, 1)
    with _started(console, asker, "attach") as screen:
        screen.press(asker.gate(0))
        screen.until(b"waiting0")
        daemon = _daemon(console)
        os.kill(daemon, signal.SIGSTOP)
        asker.ask(0)
        screen.press(LEAVES)
        until(lambda: screen.unread == 0, "the key to be read")
        os.kill(daemon, signal.SIGCONT)
        assert screen.finish() == 0
        assert QUERY not in screen.output
    console.say("send", "last", "--no-enter", ".")
    assert asker.heard(0) == KEEPERS


def test_who_writes_without_a_terminal_is_asked_nothing(console: Console) -> None:
    asker = Asker(console, 1)
    with console.start("run", "--pty", "--", *asker.command, stdin=subprocess.PIPE) as ran:
        assert ran.stdin is not None
        assert ran.stdout is not None
        asker.wait(b"ready0")
        ran.stdin.write(asker.gate(0))
        asker.wait(b"waiting0")
        asker.ask(0)
        ran.stdin.write(b".")
        assert asker.heard(0) == KEEPERS
        out, _ = ran.communicate(timeout=30)
        # In a pipe nothing answers, and nothing is left out.
        assert QUERY in out


def _started(console: Console, asker: Asker, verb: str) -> Screen:
    """The program in the foreground of a terminal, or attached to it."""
    if verb == "run":
        screen = console.terminal("run", "--", *asker.command)
    else:
        task = console.say("run", "--detach", "--pty", "--", *asker.command)
        asker.wait(b"ready0")
        screen = console.terminal("attach", task)
    screen.until(b"ready0")
    return screen
