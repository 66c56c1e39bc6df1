"""Draws docs/page.png and its fellows: the page in a browser, with tasks that were really run.

    python tools/page_picture.py

It needs Chromium. Nothing is retouched.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from playwright.sync_api import Page, sync_playwright

from tests.faces.browsing import CHROMIUM
from tests.real.console import Console
from tools.picture_tasks import release, tasks

DOCS: Final = Path(__file__).parent.parent / "docs"


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
