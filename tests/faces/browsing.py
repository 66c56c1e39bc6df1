"""A real browser, and the page in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, Playwright, expect

from tests.real.console import Console

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)


@contextmanager
def launched(playwright: Playwright) -> Iterator[Browser]:
    """The browser that is here."""
    assert CHROMIUM, "make test-faces needs Chromium (apt install chromium)"
    # Root has no user namespaces to put a renderer in; the pages are our own.
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
    yield browser
    browser.close()


@contextmanager
def entered(browser: Browser, console: Console, *, refusals: bool = False) -> Iterator[Page]:
    """Logged in, with nothing said on the console of the browser but, maybe, what is refused."""
    context = browser.new_context(viewport={"width": 1200, "height": 800})
    page = context.new_page()
    faults: list[str] = []

    def said(text: str) -> None:
        if not (refusals and text.startswith("Failed to load resource")):
            faults.append(text)

    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda one: said(one.text) if one.type == "error" else None)
    page.goto(console.say("web", "--no-open"))
    expect(page.get_by_role("status").first).to_have_text("live")
    assert "code" not in page.url
    yield page
    context.close()
    assert not faults
