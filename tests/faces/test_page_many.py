"""The list of the page where there are more tasks than one answer of the server holds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.real.console import Console

pytestmark = [pytest.mark.faces, pytest.mark.timeout(120), pytest.mark.requirement("C6")]

SCRIPT = '{"steps": [{"ask": {"question": "North, or south?", "options": ["north", "south"]}}]}'
QUEUED = 250


@pytest.fixture(scope="module")
def console() -> Iterator[Console]:
    """One task asks, one works, and 250 newer ones wait for their turn."""
    with Console("server: {listen: 127.0.0.1:0}\nroles: {default: 2}\n") as console:
        (console.home / "north.json").write_text(SCRIPT)
        asks = "- {name: asks, provider: scripted, prompt: north.json}\n"
        _begun(console, "asks.yaml", asks + "- {name: works, run: [sleep, '600']}\n")
        assert console.run("wait", "asks").returncode == 5
        _begun(console, "many.yaml", _many("early"))
        yield console


def _many(name: str) -> str:
    return "".join(f"- {{name: {name} {n}, run: ['true']}}\n" for n in range(QUEUED))


def _begun(console: Console, name: str, tasks: str) -> None:
    Path(console.home, name).write_text(tasks)
    console.say("run", "--detach", name)


def test_what_needs_somebody_is_on_top_however_many_are_newer(page: Page) -> None:
    listed = page.locator("#list")
    expect(listed.get_by_role("heading")).to_have_text(
        ["Needs you · 1", "Working · 1", f"Queued · {QUEUED}"]
    )
    expect(listed.get_by_role("button", name="Older ones")).to_have_count(1)
    expect(listed.locator(".task")).to_have_count(202)
    listed.get_by_role("button", name="Older ones").click()
    expect(listed.locator(".task")).to_have_count(QUEUED + 2)
    expect(listed.get_by_role("button", name="Older ones")).to_have_count(0)


def test_many_that_come_at_once_cost_no_question_each(page: Page, console: Console) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    _begun(console, "more.yaml", _many("late"))
    headings = page.locator("#list").get_by_role("heading")
    expect(headings.nth(2)).to_have_text(f"Queued · {2 * QUEUED}")
    assert len(asked) < QUEUED / 5
