"""An agent that asks, rules, and a daemon that is killed between the question and its answer."""

from __future__ import annotations

import json
import os
import shlex
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.console import Console
from tests.real.daemon import until
from tests.real.goldens import ROOT

pytestmark = [pytest.mark.timeout(120), pytest.mark.requirement("C4", "C9")]

PLAYER = Path(__file__).parents[1] / "fakes" / "golden_agent.py"


@pytest.fixture(scope="module")
def console() -> Iterator[Console]:
    with Console("permissions: {deny: ['*@/etc'], expires: 20s}\n") as console:
        yield console


def flags(console: Console, scenario: str) -> tuple[list[str], Path]:
    """Flags for an agent that says what Claude Code really said, and the folder it works in."""
    work = Path(tempfile.mkdtemp(prefix=f"{scenario}-", dir=console.home))
    (work / "bin").mkdir()
    command = shlex.join([sys.executable, str(PLAYER), str(ROOT / "claude" / "stdio" / scenario)])
    program = work / "bin" / "claude"
    program.write_text(f'#!/bin/sh\n[ "$1" != auth ] || exit 0\nexec {command}\n')
    program.chmod(0o755)
    path = f"PATH={work / 'bin'}:{console.env['PATH']}"
    where = ["--cwd", str(work), "--env", path, "--env", "ANTHROPIC_API_KEY=none"]
    return ["--agent", "claude", *where], work


def hand_in(console: Console, scenario: str, *more: str) -> tuple[str, Path]:
    given, work = flags(console, scenario)
    return console.say("add", *given, *more, "do it"), work


def shown(console: Console, task: str) -> dict[str, object]:
    told: dict[str, object] = json.loads(console.say("show", "--json", task))
    return told


def replies(work: Path) -> list[str]:
    heard = [json.loads(line) for line in (work / "heard").read_bytes().splitlines()]
    told = [line["response"] for line in heard if line["type"] == "control_response"]
    return [reply["response"]["behavior"] for reply in told]


def kill_the_daemon(console: Console) -> None:
    os.kill(json.loads(console.say("status", "--json"))["daemon"]["pid"], signal.SIGKILL)


def test_a_question_outlives_the_daemon_and_is_answered_once(console: Console) -> None:
    task, work = hand_in(console, "permission_allow", "--answer-within", "none")
    until(lambda: shown(console, task)["state"] == "waiting", "its question")
    kill_the_daemon(console)
    assert shown(console, task)["state"] == "waiting"
    slip = console.run("answer", task, "alow")
    assert slip.returncode != 0
    assert b"none of what can be answered" in slip.stderr
    answered = console.run("answer", task, "yes")
    assert answered.returncode == 0
    assert b"allowed: Bash: touch permitted.txt" in answered.stderr
    console.say("wait", task)
    assert replies(work) == ["allow"]
    assert console.run("answer", task, "allow").returncode != 0


def test_a_question_that_outlives_the_daemon_expires(console: Console) -> None:
    task, work = hand_in(console, "permission_deny", "--answer-within", "3")
    until(lambda: "task.needs_input" in console.say("show", task, "--events"), "its question")
    kill_the_daemon(console)
    late = "nobody answered within 3 s"
    until(lambda: late in console.say("show", task, "--events"), "its end")
    console.say("wait", task)
    assert replies(work) == ["deny"]


def test_a_rule_decides_and_the_settings_stand_beside_it(console: Console) -> None:
    task, work = hand_in(console, "permission_allow", "--allow", "Bash")
    # Of a line it cannot be told whether it is about a file in /etc: that is asked.
    until(lambda: shown(console, task)["state"] == "waiting", "its question")
    console.say("answer", task, "allow")
    console.say("wait", task)
    assert replies(work) == ["allow"]


def test_an_exact_line_is_let_through(console: Console) -> None:
    task, work = hand_in(console, "permission_allow", "--allow", "Bash:touch permitted.txt")
    console.say("wait", task)
    assert replies(work) == ["allow"]
    events = console.say("show", task, "--events")
    decided = "permission.decided  allow: Bash: touch permitted.txt"
    assert f"{decided} (allow Bash:touch permitted.txt)" in events
    assert "task.needs_input" not in events


def test_in_a_pipe_a_line_says_how_to_answer_and_it_does_not_wait_for_ever(
    console: Console,
) -> None:
    given, work = flags(console, "permission_deny")
    ran = console.run("run", *given, "--answer-within", "1", "do it")
    told = ran.stderr.decode()
    assert "it asks: Bash: " in told
    assert "`inspan answer " in told
    assert "allow|deny|TEXT` answers" in told
    assert "nobody answered within 1 s" in told
    assert replies(work) == ["deny"]
