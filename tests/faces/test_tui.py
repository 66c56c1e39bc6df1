"""``inspan tui`` in a real terminal: tasks to their ends, by keys too, and a killed daemon."""

from __future__ import annotations

import json
import re

import psutil
import pytest

from tests.fakes.repository import git
from tests.real.console import Console
from tests.real.daemon import until
from tests.real.tmux import Pane, Ran

pytestmark = [pytest.mark.faces, pytest.mark.timeout(180), pytest.mark.requirement("E4")]


def _begun(pane: Pane) -> Ran:
    ran = pane.begin("inspan", "tui")
    pane.until("● live")
    return ran


def _daemons(console: Console) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["cmdline", "environ"]):
        words, env = process.info["cmdline"] or [], process.info["environ"] or {}
        mine = env.get("INSPAN_HOME") == console.env["INSPAN_HOME"]
        if mine and any("inspan.daemon" in word for word in words):
            found.append(process)
    return found


def test_a_task_is_seen_until_its_end(console: Console, pane: Pane) -> None:
    ran = _begun(pane)
    task = console.say("run", "--detach", "--name", "speak", "--", "sh", "-c", "echo hello; read x")
    pane.until(r"Working 1 ")
    pane.until(r"speak .*running")
    pane.until("hello")
    console.run("send", task, "on")
    pane.until(r"speak .*completed")
    pane.until(r"Done 1 ")
    pane.resize(20, 5)
    pane.until("too small")
    pane.resize(120, 30)
    pane.until(r"speak .*completed")
    pane.press("q")
    assert ran.end() == 0


def test_it_outlives_the_daemon(console: Console, pane: Pane) -> None:
    ran = _begun(pane)
    console.say("run", "--detach", "--name", "outlive", "--", "sleep", "600")
    pane.until(r"outlive .*running")
    (before,) = _daemons(console)
    before.kill()
    # It is the screen that starts the next one: nobody else asks for it.
    until(lambda: [one.pid for one in _daemons(console)] not in ([], [before.pid]), "another")
    pane.until("● live")
    pane.until(r"outlive .*running")
    pane.press("q")
    assert ran.end() == 0


def test_the_palette_the_themes_and_a_task_that_is_deleted_under_the_cursor(
    console: Console, pane: Pane
) -> None:
    console.say("run", "--detach", "--name", "kept", "--", "sleep", "600")
    console.say("prune", "--older-than", "0s")  # what is done is of other tests
    console.run("run", "--name", "vanishes", "--", "true")
    ran = _begun(pane)
    pane.until(r"kept .*running")
    pane.until(r"vanishes .*completed")
    pane.press("End")
    pane.until("▌✓ +vanishes .*completed")
    pane.press("C-p")
    pane.until("Search for commands")
    pane.type("graph")
    pane.until("What waits for what")
    pane.press("Enter")
    pane.until(r"esc Back .*\? Help")
    pane.press("Escape")
    pane.until("n New +a Answer")
    dark = _backgrounds(pane)
    pane.press("T")
    pane.until(lambda: not _backgrounds(pane) & dark)
    pane.press("T")
    pane.until(lambda: _backgrounds(pane) == dark)
    console.say("prune", "--older-than", "0s")
    pane.until("▌● .*running")
    pane.press("q")
    assert ran.end() == 0


def _backgrounds(pane: Pane) -> set[str]:
    """The colours that lie behind what is shown, as the terminal has them."""
    return set(re.findall(r"48;5;(\d+)", pane.styled()))


ASKS = """{"steps": [{"ask": {"question": "May I add a line?", "options": ["allow", "deny"]}},
 {"write": {"path": "a.txt", "content": "one\\ntwo\\n"}}]}"""


def test_a_task_is_handed_in_answered_and_its_change_accepted_by_keys(
    console: Console, pane: Pane
) -> None:
    folder = console.home / "work"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / "a.txt").write_text("one\n")
    (folder / "asks.json").write_text(ASKS)
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "one")
    ran = _begun(pane)
    pane.press("n")
    pane.until("A new task")
    for said in ("asks.json", "scripted", str(folder), "", "by keys", ""):
        pane.type(said)
        pane.press("Tab")
    pane.press("Enter")
    pane.until("in a new folder of its own")
    pane.press("Down")
    pane.press("Enter")
    pane.until(lambda: not pane.shows("in a new folder of its own"))
    pane.until("Where +in a worktree of its own")
    pane.press("C-s")
    pane.until(r"by keys .*waiting")
    pane.press("Home")  # what needs somebody is on top
    pane.press("a")
    pane.until("It asks")
    pane.line("allow")
    pane.until(r"by keys .*(processing|completed)")
    pane.press("d")
    pane.until(r"\+two")
    pane.press("a")
    pane.until("Accept")
    pane.press("y")
    pane.until(r"Done \d")
    pane.until("verdict +accept")
    pane.press("q")
    assert ran.end() == 0
    (task,) = json.loads(console.say("ls", "--json", "--all", "--name", "by keys"))["tasks"]
    assert git(folder, "show", f"{task['workspace']['branch']}:a.txt") == "one\ntwo"
    assert (folder / "a.txt").read_text() == "one\n"
