"""``inspan attach`` in a real terminal: to type, to watch, to take over, and to leave."""

from __future__ import annotations

import json
import shutil
import sys

import pytest

from tests.faces.asking import ASK, PYTHON, heard
from tests.real.console import Console
from tests.real.daemon import until
from tests.real.tmux import Pane, Tmux

pytestmark = [
    pytest.mark.faces,
    pytest.mark.timeout(120),
    pytest.mark.requirement("A11", "B3"),
]

#: What a full screen program shows: more than a screen, each line another.
LINES = "".join(f"line {number} of the file\n" for number in range(1, 201))


def _add(console: Console, *command: str) -> str:
    return console.say("run", "--detach", "--", *command)


def _printed(console: Console, task: str, wanted: str) -> None:
    until(lambda: wanted.encode() in console.run("logs", task).stdout, f"{task} to print {wanted}")


def _state(console: Console, task: str) -> str:
    return str(json.loads(console.say("show", "--json", task))["state"])


def test_typing_leaving_and_coming_back(console: Console, pane: Pane) -> None:
    task = _add(console, sys.executable, "-q")
    _printed(console, task, ">>>")
    ran = pane.begin("inspan", "attach", task)
    pane.until("^>>> ")
    pane.line("x = 6 * 7; x")
    pane.until("^42$")
    pane.press("C-\\")
    assert ran.end() == 0
    assert _state(console, task) == "running"
    # The message has a line of its own, though the program left the cursor behind its prompt.
    pane.until(rf"^inspan: left {task[-6:]}; it runs on$")
    again = pane.begin("inspan", "attach", task)
    pane.until("^42$")
    pane.line("x + 1")
    pane.until("^43$")
    pane.press("C-c")
    pane.until("^KeyboardInterrupt")
    pane.press("C-d")
    assert again.end() == 0
    pane.until(rf"^inspan: {task[-6:]} has ended$")
    assert _state(console, task) == "completed"


def test_who_only_watches_types_nothing_and_sees_all(console: Console, tmux: Tmux) -> None:
    reader, writer = tmux.pane(), tmux.pane()
    task = _add(console, "cat")
    watching = reader.begin("inspan", "attach", "--read-only", task)
    reader.until("attached")
    reader.line("not this")
    typing = writer.begin("inspan", "attach", task)
    writer.until("attached")
    writer.line("but this")
    reader.until("^but this\nbut this$")
    reader.press("C-c")
    reader.press("C-d")
    writer.line("and this")
    reader.until("^and this\nand this$")
    reader.press("C-\\")
    assert watching.end() == 0
    writer.press("C-d")
    assert typing.end() == 0
    assert console.say("logs", task).split("\n") == ["but this"] * 2 + ["and this"] * 2


def test_one_types_and_another_takes_over(console: Console, tmux: Tmux) -> None:
    first, second = tmux.pane(), tmux.pane()
    task = _add(console, "cat")
    one = first.begin("inspan", "attach", task)
    first.until("attached")
    refused = second.begin("inspan", "attach", task)
    assert refused.end() == 2
    second.until("--steal")
    two = second.begin("inspan", "attach", "--steal", task)
    second.until("attached")
    second.line("mine")
    first.until("^mine$")
    first.type("x")
    assert one.end() == 1
    first.until("^inspan: somebody else types into")
    second.press("C-\\")
    assert two.end() == 0
    console.say("cancel", task)
    assert console.say("logs", task).split("\n")[:2] == ["mine", "mine"]


def test_a_foreground_run_gives_way_and_can_still_be_interrupted(
    console: Console, tmux: Tmux
) -> None:
    owner, thief = tmux.pane(), tmux.pane()
    owned = owner.begin("inspan", "run", "--name", "owned", "--", "cat")
    until(lambda: console.run("show", "owned").returncode == 0, "the task")
    owner.line("mine")
    owner.until("^mine\nmine$")
    stolen = thief.begin("inspan", "attach", "--steal", "owned")
    thief.until("^mine\nmine$")
    thief.line("yours")
    owner.until("^yours\nyours$")
    owner.type("x")
    owner.until("^inspan: somebody else types into it now; Ctrl-C interrupts it$")
    thief.line("more")
    owner.until("^more\nmore$")
    owner.press("C-c")
    assert owned.end() == 130
    assert stolen.end() == 0
    assert _state(console, "owned") == "interrupted"


def test_a_terminal_is_asked_once_by_whoever_is_there(console: Console, pane: Pane) -> None:
    task = _add(console, *PYTHON, ASK)
    _printed(console, task, "heard")
    assert heard(console.say("logs", task)) == ["R", "c", "n"]
    gate = console.home / "gate"
    gate.touch()
    # What was asked and answered before is not asked again for being looked at.
    ran = pane.begin("inspan", "attach", task)
    pane.until("^heard ")
    pane.line(str(gate))
    pane.until(lambda: pane.text().count("heard ") == 2)
    assert heard(pane.text()) == ["R", "c", "n"]
    assert console.run("logs", "--raw", task).stdout.count(b"^[") == 0
    pane.press("C-\\")
    assert ran.end() == 0
    console.say("send", task, str(gate))
    until(lambda: console.say("logs", task).count("heard ") == 3, "the third answer")
    assert heard(console.say("logs", task)) == ["R", "c", "n"]
    console.say("cancel", task)


@pytest.mark.parametrize(
    ("command", "down", "up", "leave"),
    [
        (("less",), "G", "g", "q"),
        (("vi", "-u", "NONE", "-N"), "G", "gg", ":q!\r"),
    ],
    ids=["less", "vi"],
)
def test_a_full_screen_program_is_drawn_right_from_the_middle(
    console: Console, tmux: Tmux, command: tuple[str, ...], down: str, up: str, leave: str
) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not here")
    file = console.home / "lines.txt"
    file.write_text(LINES)
    task = _add(console, *command, str(file))
    _printed(console, task, "line 20 of")
    pane = tmux.pane(60, 15)
    ran = pane.begin("inspan", "attach", task)
    pane.until(lambda: _drawn(pane, 1))
    pane.type(down)
    pane.until(lambda: _drawn(pane, 200 - 13))
    pane.resize(70, 18)
    pane.type(up)
    pane.until(lambda: _drawn(pane, 1))
    pane.press("C-\\")
    assert ran.end() == 0
    # And again, in a window of another size, without a key.
    other = tmux.pane(90, 10)
    back = other.begin("inspan", "attach", task)
    other.until(lambda: _drawn(other, 1))
    for key in leave:
        other.press("Enter") if key == "\r" else other.type(key)
    assert back.end() == 0


def _drawn(pane: Pane, first: int) -> bool:
    """True where the screen shows the lines of the file from ``first`` on, and its last row."""
    seen = pane.see()
    wanted = [f"line {number} of the file" for number in range(first, first + len(seen) - 1)]
    return seen[:-1] == wanted


def test_what_was_switched_on_long_ago_is_on_after_attach(console: Console, pane: Pane) -> None:
    """A program that went to its own screen, hid the cursor, and has printed much since."""
    program = console.home / "long.py"
    program.write_text(LONG)
    task = _add(console, sys.executable, str(program))
    _printed(console, task, "at the end")
    ran = pane.begin("inspan", "attach", task)
    pane.until("at the end")
    assert [pane.told(name) for name in ("alternate_on", "cursor_flag")] == ["1", "0"]
    pane.press("C-\\")
    assert ran.end() == 0
    assert "inspan: left" in pane.text()
    assert "at the end" not in pane.text()
    console.say("cancel", task)


LONG = """\
import sys
print("\\x1b[?1049h\\x1b[?25l\\x1b[?1h\\x1b[?2004h", end="")
for number in range(20_000):
    print("line", number)
print("at the end", flush=True)
sys.stdin.read()
"""


def test_a_program_that_is_deaf_while_it_draws_gets_the_size_to_keep(
    console: Console, pane: Pane
) -> None:
    """Attaching gives two sizes, of which the first is only there to have it draw."""
    program = console.home / "deaf.py"
    program.write_text(DEAF)
    task = _add(console, sys.executable, str(program))
    _printed(console, task, "ready")
    ran = pane.begin("inspan", "attach", task)
    pane.until(rf"^size {pane.told('pane_height')}$")
    pane.press("C-\\")
    assert ran.end() == 0
    console.say("cancel", task)


DEAF = """\
import os, signal, time
def draw(*_):
    signal.signal(signal.SIGWINCH, signal.SIG_IGN)
    seen = os.get_terminal_size().lines
    time.sleep(0.02)
    print("size", seen, flush=True)
    signal.signal(signal.SIGWINCH, draw)
signal.signal(signal.SIGWINCH, draw)
print("ready", flush=True)
while True:
    signal.pause()
"""


def test_attach_outlives_the_daemon(console: Console, pane: Pane) -> None:
    task = _add(console, "cat")
    ran = pane.begin("inspan", "attach", task)
    pane.until("attached")
    pane.line("one")
    pane.until("^one\none$")
    console.say("up", "--restart")
    pane.line("two")
    pane.until("^two\ntwo$")
    pane.press("C-d")
    assert ran.end() == 0
