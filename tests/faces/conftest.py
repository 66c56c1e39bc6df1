"""A person at a terminal and at a browser, one of each for a file of tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.faces.browsing import entered, launched
from tests.real.console import Console
from tests.real.tmux import Pane, Tmux


@pytest.fixture(scope="module")
def console() -> Iterator[Console]:
    with Console() as console:
        yield console


@pytest.fixture(scope="module")
def tmux(console: Console) -> Iterator[Tmux]:
    with Tmux(console) as tmux:
        yield tmux


@pytest.fixture
def pane(tmux: Tmux) -> Pane:
    return tmux.pane()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright, launched(playwright) as browser:
        yield browser


@pytest.fixture
def page(console: Console, browser: Browser) -> Iterator[Page]:
    """Logged in, with nothing said on the console of the browser."""
    with entered(browser, console) as page:
        yield page
