"""Goals on the page: handed in, planned, edited, approved, and watched by step to their end."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.faces.browsing import entered
from tests.fakes.repository import git
from tests.real.console import Console

pytestmark = [pytest.mark.faces, pytest.mark.timeout(240), pytest.mark.requirement("A3", "C9")]

AGENT = Path(__file__).parents[1] / "fakes" / "goal_agent.py"
#: A goal is a dozen of tasks: on a loaded machine they take their time. In milliseconds.
PATIENCE = 120_000


def step(name: str, prompt: str, *after: str) -> dict[str, Any]:
    return {"name": name, "prompt": prompt, "after": list(after), "minutes": 1}


PLAN = {
    "summary": "three words",
    "steps": [
        step("one", "append a.txt one BUG"),
        step("two", "write c.txt two"),
        step("three", "write b.txt three", "one", "two"),
    ],
}


@pytest.fixture(scope="module")
def console() -> Iterator[Console]:
    config = "server: {listen: 127.0.0.1:0}\nroles: {default: 8, worker: 3}\nproviders:\n"
    for role in ("planner", "worker", "reviewer"):
        config += f"  {role}:\n    argv: [{sys.executable}, {AGENT}, {role}]\n    mode: stream\n"
    with Console(config) as console:
        folder = repository(console)
        folder.mkdir()
        git(folder, "init", "-q", "-b", "main")
        (folder / "a.txt").write_text("zero\n")
        git(folder, "add", ".")
        git(folder, "commit", "-qm", "first")
        yield console


def repository(console: Console) -> Path:
    return console.home / "work"


def begin(page: Page, console: Console, plan: object, *, alone: bool = False) -> None:
    """By the dialog."""
    page.keyboard.press("g")
    page.get_by_label("What is to be reached").fill(f"ANSWER {json.dumps(plan)}")
    page.get_by_label("In which git repository").fill(str(repository(console)))
    for said, name in (
        ("Who works", "worker"),
        ("Who plans", "planner"),
        ("Who reviews, or none", "reviewer"),
    ):
        page.get_by_label(said).fill(name)
    page.get_by_label("Commands that have to pass, a line each").fill("test -s a.txt")
    if alone:
        page.get_by_label("unattended").check()
    page.get_by_role("button", name="Hand in").click()


def asked(page: Page, words: str) -> Any:
    return page.locator(".asks").get_by_text(words)


def ended(page: Page, words: str) -> Any:
    return page.locator(".ended").get_by_text(words)


def the_step(page: Page, name: str) -> Any:
    return page.locator(".step").filter(has=page.locator("b", has_text=re.compile(f"^{name}$")))


def test_a_goal_is_planned_edited_approved_and_watched_to_its_end(
    page: Page, console: Console
) -> None:
    begin(page, console, PLAN)
    expect(asked(page, "Approve plan 1")).to_be_visible(timeout=PATIENCE)
    expect(the_step(page, "three")).to_contain_text("waits")
    page.get_by_role("button", name="Edit it first").click()
    plan = page.get_by_role("dialog")
    plan.locator(".edits").nth(1).get_by_label("Title").fill("The second")
    plan.get_by_role("button", name="Store").click()
    expect(plan).to_be_hidden()
    expect(asked(page, "Approve plan 2")).to_be_visible(timeout=PATIENCE)
    expect(the_step(page, "two")).to_contain_text("The second")
    page.get_by_role("button", name="Approve", exact=True).click()
    expect(ended(page, "3 of 3 done, merged onto inspan/goal-")).to_be_visible(timeout=PATIENCE)
    expect(ended(page, "` takes it over.")).to_contain_text("inspan merge ")
    # It was sent back once with what was found.
    expect(the_step(page, "one")).to_contain_text("2 reviews")
    for name in ("one", "two", "three"):
        expect(the_step(page, name)).to_contain_text("done")
        expect(the_step(page, name)).to_contain_text("worker")
        expect(the_step(page, name)).to_contain_text("merged")
    page.get_by_text("As a graph").click()
    graph = page.locator(".graph")
    graph.get_by_role("link", name="one, done").focus()
    page.keyboard.press("ArrowRight")
    expect(graph.get_by_role("link", name="three, done, after")).to_be_focused()
    the_step(page, "three").click()
    expect(page.get_by_role("heading", name="three")).to_be_visible()
    page.get_by_role("link", name="step three of a goal").click()
    expect(ended(page, "3 of 3 done, merged onto inspan/goal-")).to_be_visible()
    branch = ended(page, "merged onto inspan/goal-").inner_text().split()[-1]
    assert git(repository(console), "show", f"{branch}:b.txt") == "three"


def test_a_plan_that_cannot_be_is_told_by_the_step_and_nothing_typed_is_lost(
    browser: Browser, console: Console
) -> None:
    with entered(browser, console, refusals=True) as page:
        begin(page, console, PLAN)
        expect(asked(page, "Approve plan 1")).to_be_visible(timeout=PATIENCE)
        goal = page.url.partition("#/task/")[2]
        page.get_by_role("button", name="Edit the plan").click()
        dialog = page.get_by_role("dialog")
        first, second = dialog.locator(".edits").nth(0), dialog.locator(".edits").nth(1)
        first.get_by_label("After these steps").fill("three")
        dialog.get_by_role("button", name="Store").click()
        expect(first.get_by_text("It waits for itself: one → three → one.")).to_be_visible()
        first.get_by_label("After these steps").fill("nobody")
        second.get_by_label("Prompt").fill("")
        dialog.get_by_role("button", name="Store").click()
        expect(first.get_by_text("No step is called nobody.")).to_be_visible()
        expect(second.get_by_text("A prompt has to say what is to be done.")).to_be_visible()
        first.get_by_label("After these steps").fill("")
        second.get_by_label("Prompt").fill("write c.txt mine")
        dialog.get_by_role("button", name="Add a step").click()
        expect(dialog.locator(".edits").nth(3).get_by_label("Name")).to_be_focused()
        page.keyboard.type("four")
        dialog.locator(".edits").nth(3).get_by_label("Prompt").fill("write d.txt four")
        # Who leaves it finds it again.
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Edit the plan").click()
        expect(second.get_by_label("Prompt")).to_have_value("write c.txt mine")
        # Somebody else is quicker.
        other = console.home / "other.json"
        other.write_text(json.dumps({"steps": [step("theirs", "write e.txt x")]}))
        console.say("plan", "edit", goal, "--file", str(other))
        dialog.get_by_role("button", name="Store", exact=True).click()
        expect(dialog.get_by_text("Meanwhile person stored version 2.")).to_be_visible()
        expect(second.get_by_label("Prompt")).to_have_value("write c.txt mine")
        dialog.get_by_role("button", name="Store mine in its place").click()
        expect(dialog).to_be_hidden()
        expect(the_step(page, "four")).to_be_visible()
        told = json.loads(console.say("plan", "show", goal, "--json"))
        assert told["version"] == 3
        assert [one["name"] for one in told["plan"]["steps"]] == ["one", "two", "three", "four"]
        assert told["plan"]["steps"][1]["prompt"] == "write c.txt mine"
        expect(asked(page, "Approve plan 3")).to_be_visible(timeout=PATIENCE)
        page.get_by_role("button", name="Reject").click()
        expect(ended(page, "was not approved")).to_be_visible(timeout=PATIENCE)


def test_what_a_goal_cannot_be_is_told_in_its_dialog(browser: Browser, console: Console) -> None:
    with entered(browser, console, refusals=True) as page:
        page.get_by_role("button", name="New goal").click()
        page.get_by_label("What is to be reached").fill("reach it")
        page.get_by_label("In which git repository").fill(str(repository(console)))
        page.get_by_label("Who works").fill("nobody")
        page.get_by_role("button", name="Hand in").click()
        expect(page.get_by_role("dialog")).to_contain_text("no agent is called 'nobody'")
        expect(page.get_by_label("What is to be reached")).to_have_value("reach it")


def test_a_goal_that_needs_somebody_says_so_at_the_top(browser: Browser, console: Console) -> None:
    """On a phone, and nothing is wider than it."""
    with entered(browser, console) as page:
        page.set_viewport_size({"width": 360, "height": 640})
        begin(page, console, {"steps": [step("odd", "write o.txt ODD")]}, alone=True)
        expect(page.locator(".asks").get_by_text("Accept it all the same?")).to_be_visible(
            timeout=PATIENCE
        )
        expect(the_step(page, "odd")).to_contain_text("needs you")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        page.get_by_role("button", name="accept", exact=True).click()
        expect(ended(page, "1 of 1 done")).to_be_visible(timeout=PATIENCE)
