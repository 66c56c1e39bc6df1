"""What a hook's line of shell writes, and where: by real processes on real terminals."""

from __future__ import annotations

import json
import os
import pty
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from inspan.agents import hooking
from inspan.agents.claude import Claude
from inspan.agents.dialect import Turn
from inspan.model.activity import Doing
from inspan.model.agent import Mode
from inspan.model.hook import Hook, read

pytestmark = pytest.mark.requirement("B4", "C5")

HOOK = Hook("Notification", Doing.WAITING, "question")
#: As Claude Code runs one: in a session of its own, with pipes, by a shell.
RUNS = """\
import subprocess, sys
told = subprocess.run(["/bin/sh", "-c", sys.argv[1]], input=b"{}", capture_output=True,
                      start_new_session=True, timeout=20)
open(sys.argv[2], "w").write(repr((told.returncode, told.stdout, told.stderr)))
"""
QUIET = repr((0, b"", b""))


def _runs(line: str, heard: Path) -> list[str]:
    return [sys.executable, "-c", RUNS, line, str(heard)]


def test_it_is_said_on_the_terminal_of_the_agent_and_to_nobody_else(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    subprocess.run(
        _runs(hooking.line(HOOK), tmp_path / "heard"),
        stdin=theirs, stdout=theirs, stderr=theirs, check=True, timeout=30,
    )  # fmt: skip
    assert (tmp_path / "heard").read_text() == QUIET
    os.write(theirs, b"!")  # a terminal hands on later than it was given
    said = b""
    while not said.endswith(b"!"):
        said += os.read(ours, 4096)
    os.close(ours)
    os.close(theirs)
    assert said == f"\x1b]{HOOK}\x1b\\!".encode()


def test_where_the_agent_has_no_terminal_nothing_is_said(tmp_path: Path) -> None:
    command = shlex.join(_runs(hooking.line(HOOK), tmp_path / "heard"))
    ran = subprocess.run(["/bin/sh", "-c", f"{command} | cat"], capture_output=True, check=True)
    assert (tmp_path / "heard").read_text() == QUIET
    assert (ran.stdout, ran.stderr) == (b"", b"")


def test_claude_is_given_hooks_on_a_terminal_and_a_persons_settings_come_after_them() -> None:
    turn = Turn(prompt="do it", mode=Mode.PTY, arguments=("--settings", "mine.json"))
    argv = Claude().argv(turn)
    assert [at for at, word in enumerate(argv) if word == "--settings"] == [1, 3]
    assert argv[4:] == ("mine.json", "--", "do it")
    told = json.loads(argv[2])["hooks"]
    entries = [entry for of_event in told.values() for entry in of_event]
    lines = [hook["command"] for entry in entries for hook in entry["hooks"]]
    said = [line.split("7770;")[1].split("\\")[0] for line in lines]
    events = {hook.event for words in said if (hook := read(words))}
    assert events == told.keys()
    assert Claude().argv(Turn(prompt="do it", mode=Mode.STREAM)).count("--settings") == 0
