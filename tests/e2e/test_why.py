"""``inspan why``: what a task does, with the source, the rule and the evidence."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.real.console import Console
from tests.real.daemon import until
from tests.real.goldens import ROOT

pytestmark = pytest.mark.requirement("B4", "C4")

PLAYER = Path(__file__).parents[1] / "fakes" / "golden_agent.py"


@pytest.fixture(scope="module")
def console() -> Iterator[Console]:
    with Console() as made:
        yield made


def _why(console: Console, task: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(console.say("why", "--json", task))
    return told


def _doing(console: Console, task: str) -> tuple[str, str, str]:
    activity = _why(console, task)["activity"] or {"doing": "-", "source": "-", "rule": "-"}
    return activity["doing"], activity["source"], activity["rule"]


def test_a_question_on_a_terminal_is_seen_by_a_rule(console: Console) -> None:
    script = 'printf "Go on? [y/N] "; read answer'
    task = console.say("run", "--detach", "--pty", "--", "sh", "-c", script)
    wanted = ("waiting", "screen", "generic/yes-or-no")
    until(lambda: _doing(console, task) == wanted, "the question to be seen")
    text = console.say("why", task)
    assert "known by  screen, rule generic/yes-or-no (guess)" in text
    assert "[y/N]" in text


def test_what_nothing_tells_is_unknown(console: Console) -> None:
    task = console.say("run", "--detach", "--no-pty", "--", "sleep", "60")
    until(lambda: _doing(console, task)[0] == "unknown", "the program to run")
    assert _doing(console, task)[1] == "silence"


def test_what_does_not_run_is_where_it_is_for_a_reason(console: Console) -> None:
    console.run("run", "--", "sh", "-c", "exit 3")
    told = _why(console, "last")
    assert (told["state"], told["activity"]) == ("failed", None)
    text = console.say("why", "last")
    assert "exited with status 3 (exit)" in text
    waiting = console.say("run", "--detach", "--delay", "1h", "--", "true")
    assert "wakes" in console.say("why", waiting)


def test_an_agent_is_known_by_what_it_says(console: Console) -> None:
    never = console.home / "never"
    player = [sys.executable, str(PLAYER), str(ROOT / "claude/stdio/answer"), str(never)]
    programs = console.home / "bin"
    programs.mkdir()
    claude = programs / "claude"
    claude.write_text(
        "#!/bin/sh\n"
        """if [ "$1 $2" = "auth status" ]; then echo '{"loggedIn": true}'; exit; fi\n"""
        f"exec {shlex.join(player)}\n"
    )
    claude.chmod(0o755)
    path = {"PATH": f"{programs}:{console.env['PATH']}"}
    ran = console.run("run", "--detach", "--agent", "claude", "do it", env=path)
    assert ran.returncode == 0, ran.stderr
    until(lambda: _doing(console, "last")[:2] == ("working", "protocol"), "it to begin")
    never.touch()
    until(lambda: _why(console, "last")["state"] == "completed", "it to end")
    assert "it ended  done" in console.say("why", "last")
