"""Lists and views in real terminals of any size: nothing wraps, nothing steers, all is told."""

from __future__ import annotations

import json

import pytest

from inspan.terminal.sanitize import columns
from tests.real.console import Console
from tests.real.tmux import PROMPT, Pane, Tmux

pytestmark = [
    pytest.mark.faces,
    pytest.mark.timeout(120),
    pytest.mark.requirement("A11", "B1"),
]

LONG = "a-name-that-is-much-too-long-for-any-of-the-terminals-on-which-it-will-be-shown-in-a-list"
SCRIPT = '{"steps": [{"ask": {"question": "Shall I go north, or south, or where?"}}]}'
#: The build ends when its gate exists.
TASKS = f"""\
tasks:
  build: {{run: "until [ -e $GATE ]; do sleep 0.05; done", env: {{GATE: THE_GATE}}}}
  {LONG}: {{run: "exit 3"}}
  ask: {{provider: scripted, prompt: north.json}}
  then: {{run: "echo fine", after: build}}
"""
EVIL = "evil\x1b]0;OWNED\x07\x1b[2J\x1b[H\x1b[31m\u202ename"


def _id(console: Console, name: str) -> str:
    return str(json.loads(console.say("show", "--json", name))["short"])


@pytest.mark.parametrize(
    ("cols", "rows", "env"),
    [(80, 24, ""), (40, 12, ""), (80, 24, "NO_COLOR=1"), (80, 24, "TERM=dumb"), (24, 7, "")],
    ids=["80x24", "40x12", "no-colour", "dumb", "24x7"],
)
def test_many_tasks_are_watched(
    console: Console, tmux: Tmux, cols: int, rows: int, env: str
) -> None:
    gate = console.home / f"gate-{cols}-{rows}-{env}"
    (console.home / "north.json").write_text(SCRIPT)
    (console.home / "tasks.yaml").write_text(TASKS.replace("THE_GATE", str(gate)))
    pane = tmux.pane(cols, rows)
    ran = pane.begin(*(["env", env] if env else []), "inspan", "run", "tasks.yaml")
    dumb = env == "TERM=dumb"
    failed = r"^\w{6} failed: exited" if dumb else r"^\w{6}  (\S+ +)?failed"
    pane.until(lambda: pane.shows(failed) and pane.shows(r"^\w{6} +waiting|waiting: asks"))
    # tmux joins what wrapped, and no line of the view is longer than the window.
    if not dumb:
        assert all(len(line) <= cols for line in pane.text().split("\n"))
        assert len(pane.text().rstrip().split("\n")) <= rows
        pane.until(rf"^  inspan answer {_id(console, 'ask')} TEXT"[: cols - 2])
    if env:
        assert "\x1b[3" not in pane.styled()
    gate.touch()
    console.say("answer", "ask", "north")
    assert ran.end() == 1
    seen = pane.text()
    for state in ("completed", "failed"):
        assert state in seen
    assert "4 tasks in" in seen
    # The view that moved has left nothing behind but the table.
    assert dumb or seen.split("\n")[1].startswith("ID      STATE")


def test_a_list_never_wraps(console: Console, tmux: Tmux) -> None:
    console.say("run", "--json", "--name", LONG, "--role", "a-role-of-some-length", "--", "true")
    console.run("run", "--name", "文字列の長い名前を付けられた仕事", "--", "sh", "-c", "exit 3")
    pane = tmux.pane()
    for cols in (200, 80, 60, 40, 30, 20):
        pane.resize(cols, 24)
        ran = pane.begin("inspan", "ls")
        assert ran.end() == 0
        pane.until(PROMPT)
        lines = pane.text().split("\n")
        assert lines[0].startswith("ID      STATE")
        assert max(columns(line.rstrip()) for line in lines) <= cols, lines


def test_logs_follow_what_comes_and_end_with_the_task(console: Console, pane: Pane) -> None:
    task = console.say("add", "--", "sh", "-c", "echo begun; read -r x; echo got $x; exit 3")
    ran = pane.begin("inspan", "logs", "-f", task)
    pane.until("^begun$")
    console.say("send", task, "word")
    pane.until("^got word$")
    assert ran.end() == 0


def test_ctrl_c_ends_the_following_and_not_the_task(console: Console, pane: Pane) -> None:
    task = console.say("add", "--", "sh", "-c", "echo begun; exec cat")
    ran = pane.begin("inspan", "logs", "-f", task)
    pane.until("^begun$")
    pane.press("C-c")
    assert ran.end() == 130
    assert json.loads(console.say("show", "--json", task))["state"] == "running"
    console.say("cancel", task)


def test_a_name_steers_no_terminal(console: Console, pane: Pane) -> None:
    before = pane.told("pane_title")
    task = console.say("add", "--name", EVIL, "--label", f"a={EVIL}", "--", "sh", "-c", "exit 3")
    console.run("wait", task)
    for words in (["ls"], ["show", task], ["wait", task], ["events", task], ["cancel", task]):
        ran = pane.begin("inspan", *words)
        ran.end()
        pane.until(PROMPT)
        assert pane.told("pane_title") == before
        assert task[-6:] in pane.text()
        assert "\x1b[31mname" not in pane.styled()
        assert "\u202e" not in pane.text()
