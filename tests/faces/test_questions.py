"""An agent asks while a person watches on a real terminal; it says what Claude Code really said."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

import pytest

from tests.real.console import Console
from tests.real.goldens import ROOT
from tests.real.tmux import Pane

pytestmark = [pytest.mark.faces, pytest.mark.timeout(120), pytest.mark.requirement("C4", "A11")]

PLAYER = Path(__file__).parents[1] / "fakes" / "golden_agent.py"
QUESTION = r"Bash: touch permitted.txt — allow\? \[y/N/text\]"


def agent(console: Console, name: str, scenario: str) -> Path:
    """A folder to work in, and a `claude` that plays ``scenario`` first on the PATH of it."""
    work = console.home / name
    (work / "bin").mkdir(parents=True)
    command = shlex.join([sys.executable, str(PLAYER), str(ROOT / "claude" / "stdio" / scenario)])
    program = work / "bin" / "claude"
    program.write_text(f"#!/bin/sh\nexec {command}\n")
    program.chmod(0o755)
    return work


def words(console: Console, work: Path, *more: str) -> list[str]:
    path = f"PATH={work / 'bin'}:{console.env['PATH']}"
    key = "ANTHROPIC_API_KEY=none"
    told = ["inspan", "run", "--agent", "claude", "--cwd", str(work), "--env", path, "--env", key]
    return [*told, *more, "do it"]


def replies(work: Path) -> list[str]:
    heard = [json.loads(line) for line in (work / "heard").read_bytes().splitlines()]
    told = [line["response"] for line in heard if line["type"] == "control_response"]
    return [reply["response"]["behavior"] for reply in told]


def test_the_person_is_asked_right_there(pane: Pane, console: Console) -> None:
    work = agent(console, "yes", "permission_allow")
    ran = pane.begin(*words(console, work))
    pane.until(QUESTION)
    pane.line("alow")
    pane.until("is none of what can be answered")
    pane.line("y")
    pane.until("^That was all")
    assert ran.end() == 0
    assert replies(work) == ["allow"]


def test_nothing_but_enter_denies(pane: Pane, console: Console) -> None:
    work = agent(console, "no", "permission_deny")
    ran = pane.begin(*words(console, work))
    pane.until(r"allow\? \[y/N/text\]")
    pane.press("Enter")
    ran.end()
    assert replies(work) == ["deny"]


def test_who_answers_elsewhere_is_seen(pane: Pane, console: Console) -> None:
    work = agent(console, "else", "permission_allow")
    ran = pane.begin(*words(console, work))
    pane.until(QUESTION)
    console.say("answer", "last", "allow")
    assert ran.end() == 0
    assert replies(work) == ["allow"]


def test_what_a_rule_decides_asks_nobody(pane: Pane, console: Console) -> None:
    work = agent(console, "rule", "permission_allow")
    ran = pane.begin(*words(console, work, "--allow", "Bash:touch permitted.txt"))
    assert ran.end() == 0
    assert not pane.shows(r"allow\?")
    assert "allow Bash:touch permitted.txt" in console.say("show", "last", "--events")
