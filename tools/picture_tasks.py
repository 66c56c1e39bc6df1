"""A day's tasks for pictures of the page and of `inspan tui`: each is really run.

They need git and a shell, and no agent.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Final

from tests.fakes.repository import git
from tests.real.console import Console

ASKS: Final = {
    "steps": [
        {"say": "Looking at the tests of the parser.\r\n"},
        {
            "ask": {
                "question": "May I run pytest -q tests/parser?",
                "kind": "permission",
                "options": ["allow", "deny"],
            }
        },
    ]
}
#: A run of tests that takes its time, with a pause in it.
TESTS: Final = """
for file in parser lexer types printer; do
  printf '\\033[1mtests/test_%s.py\\033[0m ' $file
  for n in 1 2 3 4 5 6 7 8 9; do printf '\\033[32m.\\033[0m'; sleep 0.05; done
  printf ' \\033[32m9 passed\\033[0m\\n'
  [ $file = types ] && sleep 2
done
printf '\\033[32m\\033[1m36 passed\\033[0m\\n'
"""
#: What waits for what: a release.
RELEASE: Final = {
    "fetch": (),
    "compile": ("fetch",),
    "lint": ("fetch",),
    "unit tests": ("compile",),
    "browser tests": ("compile",),
    "docs": ("lint",),
    "package": ("unit tests", "browser tests"),
    "announce": ("package", "docs"),
}
LINES: Final = "for n in 1 2 3; do printf '\\033[32m  CC\\033[0m  src/part%s.c\\n' $n; done"


def tasks(console: Console) -> None:
    """A day's work: one asks, one works, one failed, one waits for a verdict."""
    folder = console.home / "work"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / "sums.py").write_text("def add(a, b):\n    return a - b\n")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "Sums")
    (folder / "asks.json").write_text(json.dumps(ASKS))
    (folder / "tasks.yaml").write_text(
        "tasks:\n  fix the failing test: {provider: scripted, prompt: asks.json}\n"
    )
    mend = (
        "run",
        "--worktree",
        "--name",
        "make it add",
        "--",
        "sed",
        "-i",
        "s/a - b/a + b/",
        "sums.py",
    )
    for words in (
        ("run", "--name", "build", "--", "sh", "-c", LINES),
        ("run", "--name", "publish", "--", "sh", "-c", "echo no network; exit 3"),
        ("run", "--pty", "--name", "run the tests", "--", "sh", "-c", TESTS),
        mend,
        ("add", "--name", "watch the logs", "--", "sh", "-c", "while :; do date; sleep 1; done"),
        ("run", "tasks.yaml"),
    ):
        command = [sys.executable, "-m", "inspan.cli.main", *words]
        subprocess.run(command, env=console.env, cwd=folder, check=False, capture_output=True)


def release(console: Console) -> None:
    """Tasks that wait for others, one of which is at work for a while."""
    for name, after in RELEASE.items():
        flags = [word for one in after for word in ("--after", one)]
        takes = "60" if name == "browser tests" else "0"
        console.say("add", "--name", name, *flags, "--", "sleep", takes)
    console.say("wait", "docs")
