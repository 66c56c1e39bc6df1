"""Code sessions on the page: what could follow, what is saved and given back, and the end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.faces.browsing import entered
from tests.real.console import Console

pytestmark = [pytest.mark.faces, pytest.mark.timeout(120), pytest.mark.requirement("C6", "C9")]


@pytest.fixture(scope="module")
def console() -> Iterator[Console]:
    with Console("server: {listen: 127.0.0.1:0}\n") as console:
        console.say("py", "--session", "lab", "-c", "kept = 40; kestrel = 'a bird'")
        yield console


@pytest.fixture
def page(console: Console, browser: Browser) -> Iterator[Page]:
    with entered(browser, console) as page:
        page.get_by_role("link", name="Cells").click()
        page.get_by_role("link", name="lab").click()
        expect(page.get_by_role("heading", name="lab")).to_be_visible()
        yield page


def test_tab_completes_from_what_is_there(page: Page) -> None:
    code, follows = page.get_by_label("Code", exact=True), page.get_by_role("listbox")
    # What stands before it counts one for each character, however long that is elsewhere.
    code.fill("'\U0001f985', ke")
    page.keyboard.press("Tab")
    expect(follows.get_by_role("option")).to_have_text(["kept", "kestrel"])
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(code).to_have_value("'\U0001f985', kestrel")
    expect(follows).to_be_hidden()
    expect(code).to_be_focused()
    page.keyboard.type(".capital")
    page.keyboard.press("Tab")  # one alone is taken at once
    expect(code).to_have_value("'\U0001f985', kestrel.capitalize")
    page.keyboard.type("()")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("log").locator(".value").last).to_have_text("('\U0001f985', 'A bird')")
    expect(code).to_have_value("")


def test_tab_indents_a_line_that_begins_and_leaves_an_empty_field(page: Page) -> None:
    code = page.get_by_label("Code", exact=True)
    code.fill("if kept:\n")
    page.keyboard.press("Tab")
    page.keyboard.type("'indented'")
    expect(code).to_have_value("if kept:\n    'indented'")
    code.fill("")
    page.keyboard.press("Tab")
    expect(code).not_to_be_focused()


def test_a_name_is_explained_and_a_list_is_left(page: Page) -> None:
    code = page.get_by_label("Code", exact=True)
    code.fill("kestrel")
    page.keyboard.press("Shift+Tab")
    expect(page.get_by_text("a bird").last).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".told")).to_be_hidden()
    code.fill("ke")
    page.keyboard.press("Tab")
    expect(page.get_by_role("listbox")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("listbox")).to_be_hidden()
    assert "#/cells/" in page.url
    code.fill("nothing_of_that_name")
    page.keyboard.press("Tab")
    expect(page.get_by_text("Nothing that is known here follows.")).to_be_visible()


def test_names_are_saved_and_given_back_after_the_end(page: Page) -> None:
    told, code = page.get_by_role("log"), page.get_by_label("Code", exact=True)
    code.fill("kept = 41\nlines = (line for line in 'abc')")
    page.get_by_role("button", name="Run").click()
    expect(page.locator(".cell.done").last).to_contain_text("kept = 41")
    page.get_by_role("button", name="Save").click()
    expect(told).to_contain_text("Saved as")
    expect(told).to_contain_text("Not saved: lines (")
    page.get_by_role("button", name="End").click()
    page.get_by_role("button", name="Back").click()
    expect(code).to_be_visible()
    page.get_by_role("button", name="End").click()
    page.get_by_role("button", name="End it").click()
    expect(code).to_be_hidden()
    page.get_by_role("button", name="Restore").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("radio")).to_have_count(1)
    dialog.get_by_role("button", name="Restore").click()
    expect(told).to_contain_text("Restored from")
    expect(code).to_be_visible()
    code.fill("kept + 1")
    page.get_by_role("button", name="Run").click()
    expect(told.locator(".value").last).to_have_text("42")


def test_interrupting_is_there_while_something_runs(page: Page) -> None:
    code, stop = page.get_by_label("Code", exact=True), page.get_by_role("button", name="Interrupt")
    expect(stop).to_be_disabled()
    code.fill("import time\nprint('begun')\ntime.sleep(600)")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("log")).to_contain_text("begun")
    stop.click()
    expect(page.get_by_role("log")).to_contain_text("KeyboardInterrupt")
    expect(stop).to_be_disabled()


def test_what_is_refused_is_told_as_everywhere(browser: Browser, console: Console) -> None:
    """A cell that is handed in to one that somebody ended a moment ago."""

    def ended_before(route: Route) -> None:
        console.say("py", "close", "brief")
        route.continue_()

    console.say("py", "--session", "brief", "-c", "kept = 1")
    with entered(browser, console, refusals=True) as page:
        page.get_by_role("link", name="Cells").click()
        page.get_by_role("link", name="brief").click()
        code = page.get_by_label("Code", exact=True)
        code.fill("kept")
        page.route("**/cells", ended_before)
        page.keyboard.press("Control+Enter")
        expect(page.get_by_role("alert")).to_be_visible()
        expect(page.get_by_role("alert")).to_contain_text("is over")
        expect(code).to_be_hidden()
