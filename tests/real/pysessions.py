"""`inspan py` as a person or a script types it, for sessions that have a name."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.real.console import PATIENCE, Console


def py(console: Console, *words: str, given: bytes | None = None) -> tuple[int, str, str]:
    ran = console.run("py", *words, given=given)
    return ran.returncode, ran.stdout.decode(), ran.stderr.decode()


def cell(console: Console, session: str, code: str) -> str:
    """What a cell prints, where it succeeds."""
    status, out, err = py(console, "--session", session, "-c", code)
    assert status == 0, err
    return out


def refused(console: Console, *words: str) -> str:
    """The complaint, which is one sentence and a hint."""
    status, out, err = py(console, *words)
    assert (status, out) == (2, "")
    assert re.fullmatch(r"inspan: .+\n  hint: .+\n", err), err
    return err


def sessions(console: Console, *words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(console.say("py", "ls", "--json", *words))["sessions"]
    return found


def names(console: Console, *words: str) -> list[str]:
    return [session["spec"]["name"] for session in sessions(console, *words)]


def read_line(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout is not None
    return process.stdout.readline()


def kill_daemon(console: Console) -> None:
    os.kill(json.loads(console.say("status", "--json"))["daemon"]["pid"], signal.SIGKILL)


def kill_worker(console: Console, session: str) -> None:
    """Kill its process, and wait until the daemon knows."""
    (found,) = [one for one in sessions(console) if one["spec"]["name"] == session]
    os.kill(found["pid"], signal.SIGKILL)
    end = time.monotonic() + PATIENCE
    while session in names(console):
        assert time.monotonic() < end


def typed(block: str) -> list[tuple[str, str]]:
    """Each command of a console block of the documents, and what it is said to print."""
    parts = re.split(r"^\$ (.*)\n", block, flags=re.MULTILINE)
    return [*zip(parts[1::2], parts[2::2], strict=True)]


def printed(console: Console, command: str) -> str:
    """What a command prints in a shell, complaints too."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{console.env['PATH']}"
    done = subprocess.run(
        ["sh", "-c", command],
        env={**console.env, "PATH": path},
        cwd=console.home,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return done.stdout
