"""Draws docs/page.png: the page in a browser, with tasks that were really run.

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

TARGET: Final = Path(__file__).parent.parent / "docs" / "page.png"
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
        mend,
        ("add", "--name", "watch the logs", "--", "sh", "-c", "while :; do date; sleep 1; done"),
        ("run", "tasks.yaml"),
    ):
        command = [sys.executable, "-m", "inspan.cli.main", *words]
        subprocess.run(command, env=console.env, cwd=folder, check=False, capture_output=True)


def draw(page: Page) -> None:
    page.locator(".task").filter(has_text="fix the failing test").click()
    page.get_by_role("button", name="Allow").wait_for()
    page.locator(".xterm-rows").get_by_text("May I run").wait_for()
    page.screenshot(path=TARGET)


def main() -> int:
    config = "server: {listen: 127.0.0.1:0}\nroles: {default: 8, worker: 8}\n"
    with Console(config) as console, sync_playwright() as playwright:
        tasks(console)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1120, "height": 600})
        page.goto(console.say("web", "--no-open"))
        draw(page)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
