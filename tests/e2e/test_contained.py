"""A daemon in a process id space of its own, as in a container: what ends with it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys

import pytest

from tests.real.console import Console
from tests.real.daemon import until

SPACE = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")


def _can() -> bool:
    if shutil.which("unshare") is None:
        return False
    return subprocess.run([*SPACE, "true"], capture_output=True, check=False).returncode == 0


pytestmark = [
    pytest.mark.requirement("C9"),
    pytest.mark.timeout(120),
    pytest.mark.skipif(not _can(), reason="this machine gives out no process id spaces"),
]


def test_a_container_that_stops_ends_what_runs_and_the_next_one_says_so() -> None:
    with Console() as console:
        inspan = [sys.executable, "-m", "inspan.cli.main"]
        # The shell is process 1 and waits for its child, as an init does.
        script = '"$@" & child=$!; trap "kill -TERM $child" TERM; wait $child; wait $child'
        space = subprocess.Popen(
            [*SPACE, "sh", "-c", script, "sh", *inspan, "up", "--foreground"],
            env=console.env,
            cwd=console.home,
            stderr=subprocess.DEVNULL,
        )
        try:
            until(lambda: console.run("status", "--json").returncode == 0, "a healthy daemon")
            task = console.say("add", "--", "sleep", "300")
            until(lambda: json.loads(console.say("show", task, "--json"))["pid"], "a process")
            # `unshare` waits for process 1, which is its only child.
            (first,) = _children(space.pid)
            os.kill(first, signal.SIGTERM)
            assert space.wait(60) == 0
        finally:
            space.kill()
            space.wait()
        health = console.run("status", "--json")
        assert health.returncode == 1
        assert json.loads(health.stdout)["daemon"] is None
        console.say("up")

        def state() -> str:
            told: dict[str, str] = json.loads(console.say("show", task, "--json"))
            return told["state"]

        until(lambda: state() == "interrupted", "the task to be told of")


def _children(pid: int) -> list[int]:
    with open(f"/proc/{pid}/task/{pid}/children") as file:  # noqa: PTH123 - a file of the kernel's
        return [int(word) for word in file.read().split()]
