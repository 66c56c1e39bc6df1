"""A goal in ``inspan tui`` on a real terminal: seen, edited in an editor, approved, and its end."""

from __future__ import annotations

import json

import pytest

from tests.e2e.test_goal import WHO, ended
from tests.faces.test_page_goals import PLAN, console, repository
from tests.fakes.repository import git
from tests.real.console import Console
from tests.real.tmux import Pane

pytestmark = [pytest.mark.faces, pytest.mark.timeout(300), pytest.mark.requirement("A3", "E4")]
__all__ = ["console"]

MENDED = """\
summary: two words
steps:
- {name: only, prompt: write c.txt four, minutes: 2}
- {name: then, prompt: write b.txt five, after: [only], minutes: 1}
"""
#: It asks on the terminal what to make of the plan, and so needs all of it.
EDITOR = """\
#!/bin/sh
printf 'what is to become of it? '
read -r what
cp "$HOME/$what.yaml" "$1"
"""


@pytest.fixture
def editor(console: Console) -> str:
    path = console.home / "editor"
    path.write_text(EDITOR)
    path.chmod(0o755)
    (console.home / "mended.yaml").write_text(MENDED)
    (console.home / "broken.yaml").write_text(MENDED.replace("[only]", "[nobody]"))
    return str(path)


@pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=str)
def test_a_plan_is_seen_as_a_graph_edited_mended_and_approved(
    console: Console, pane: Pane, editor: str, size: tuple[int, int]
) -> None:
    pane.resize(*size)
    words = ("goal", f"ANSWER {json.dumps(PLAN)}", *WHO, "--cwd", str(repository(console)))
    goal = console.say(*words, "--name", "three words", "--detach")
    ran = pane.begin("env", f"EDITOR={editor}", "inspan", "tui")
    pane.until("◆ 0/3 three words")
    pane.press("Enter")
    pane.until("asks: Approve plan 1: 3 steps")
    pane.until("└─ · three")
    pane.press("g")
    pane.until("· one ─┬─→ · three")
    pane.press("e")
    pane.until("what is to become of it")
    pane.line("broken")
    pane.until("The plan has a mistake")
    pane.until("`after` names 'nobody'")
    pane.press("y")
    pane.until("what is to become of it")
    pane.line("mended")
    pane.until("asks: Approve plan 2: 2 steps")
    pane.until("· only ──→ · then")
    pane.press("a")
    pane.until("Enter takes it")
    pane.press("Enter")
    pane.until("(running|completed) .*of 2 steps done")  # it asks no more: it can be waited for
    assert ended(console, goal)["state"] == "completed"
    pane.until("✓ only ──→ ✓ then")
    pane.until("completed .*2 of 2 steps done · plan 2, by person")
    pane.press("Right", "Enter")  # from its graph to the task of a step, and back
    pane.until("it ended +done")
    pane.press("Escape")
    pane.until("✓ only ──→▌✓ then")
    pane.press("q")
    pane.until(r"three words .*completed")
    pane.press("q")
    assert ran.end() == 0
    branch = f"inspan/goal-{goal[-6:]}"
    assert git(repository(console), "show", f"{branch}:b.txt") == "five"
