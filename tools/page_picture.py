"""Draws docs/page.png and its fellows: the page in a browser, with tasks that were really run.

    python tools/page_picture.py

It needs Chromium. Nothing is retouched.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

from playwright.sync_api import Page, sync_playwright

from tests.faces.test_page import CHROMIUM
from tests.fakes.repository import git
from tests.real.console import Console

DOCS: Final = Path(__file__).parent.parent / "docs"
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


def draw(page: Page, console: Console) -> None:
    page.locator(".task").filter(has_text="fix the failing test").click()
    page.get_by_role("button", name="Allow").wait_for()
    page.locator(".xterm-rows").get_by_text("May I run").wait_for()
    page.screenshot(path=DOCS / "page.png")
    page.locator(".task").filter(has_text="run the tests").click()
    page.get_by_role("link", name="Replay").click()
    page.locator(".xterm-rows").get_by_text("36 passed").wait_for()
    page.screenshot(path=DOCS / "page-replay.png")
    release(console)
    page.get_by_role("link", name="Graph").click()
    page.get_by_role("link", name="announce, pending").wait_for()
    page.set_viewport_size({"width": 1120, "height": 380})
    page.screenshot(path=DOCS / "page-graph.png")


def main() -> int:
    config = "server: {listen: 127.0.0.1:0}\nroles: {default: 8, worker: 8}\n"
    with Console(config) as console, sync_playwright() as playwright:
        tasks(console)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1120, "height": 640})
        page.goto(console.say("web", "--no-open"))
        draw(page, console)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
