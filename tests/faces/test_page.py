"""The page in a real browser: a day's work, and what other pages cannot do."""

from __future__ import annotations

import http.server
import json
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.fakes.repository import git
from tests.real.console import Console

pytestmark = [pytest.mark.faces, pytest.mark.timeout(120), pytest.mark.requirement("C6", "C9")]

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
SCRIPT = '{"steps": [{"ask": {"question": "North, or south?", "options": ["north", "south"]}}]}'


@pytest.fixture(scope="module")
def console() -> Iterator[Console]:
    with Console("server: {listen: 127.0.0.1:0}\n") as console:
        yield console


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    assert CHROMIUM, "make test-faces needs Chromium (apt install chromium)"
    with sync_playwright() as playwright:
        # Root has no user namespaces to put a renderer in; the pages are our own.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(console: Console, browser: Browser) -> Iterator[Page]:
    """Logged in, with nothing said on the console of the browser."""
    context = browser.new_context(viewport={"width": 1200, "height": 800})
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    page.goto(console.say("web", "--no-open"))
    expect(page.get_by_role("status").first).to_have_text("live")
    assert "code" not in page.url
    yield page
    context.close()
    assert not faults


def test_a_task_is_made_watched_and_told_live(page: Page, console: Console) -> None:
    page.keyboard.press("n")
    page.get_by_label("What is to be done").fill(
        "for n in 1 2 3; do echo line $n; done; read x; echo got $x"
    )
    page.get_by_label("In which folder").fill(str(console.home))
    page.get_by_role("button", name="Hand in").click()
    terminal = page.locator(".tty")
    expect(terminal).to_contain_text("line 3")
    page.get_by_role("button", name="Attach").click()
    expect(page.get_by_text("What you type goes to the program.")).to_be_visible()
    page.keyboard.type("north\n")
    expect(terminal).to_contain_text("got north")
    expect(page.get_by_label("Task", exact=True)).to_contain_text("completed")


def test_a_question_is_answered_by_a_click(page: Page, console: Console) -> None:
    (console.home / "north.json").write_text(SCRIPT)
    (console.home / "tasks.yaml").write_text(
        "tasks:\n  choose: {provider: scripted, prompt: north.json}\n"
    )
    console.say("add", "--name", "beside", "--", "true")
    assert console.run("run", "tasks.yaml").returncode == 5  # it needs an answer
    expect(page.get_by_role("heading", name="Needs you")).to_be_visible()
    page.locator(".task").filter(has_text="choose").click()
    page.get_by_role("button", name="south", exact=True).click()
    expect(page.get_by_label("Task", exact=True)).to_contain_text("completed")


def test_what_it_changed_is_read_and_accepted(page: Page, console: Console) -> None:
    folder = console.home / "work"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / "a.txt").write_text("one\n")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "one")
    page.keyboard.press("n")
    page.get_by_label("What is to be done").fill("echo two >> a.txt")
    page.get_by_label("In which folder").fill(str(folder))
    page.get_by_text("in a git worktree").click()
    page.get_by_role("button", name="Hand in").click()
    expect(page.locator(".diff .in").filter(has_text="+two")).to_be_visible()
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_role("button", name="Accept")).to_have_count(0)
    expect(page.get_by_text("accepted: git merge inspan/")).to_be_visible()
    branch = page.get_by_text("accepted: git merge inspan/").inner_text().rpartition(" ")[2]
    assert git(folder, "show", f"{branch}:a.txt") == "one\ntwo"
    assert (folder / "a.txt").read_text() == "one\n"


def test_what_a_program_prints_is_text_and_nothing_else(page: Page, console: Console) -> None:
    evil = "<img src=x onerror=alert(1)>"
    console.say("run", "--name", evil, "--", "printf", evil + "\x1b]0;OWNED\x07\x1b]52;c;aGk=\x07")
    page.get_by_role("button").filter(has_text=evil).click()
    expect(page.locator(".tty")).to_contain_text("<img")
    assert page.locator("img[src=x]").count() == 0
    assert page.title() != "OWNED"


def test_a_lost_daemon_is_told_and_found_again(page: Page, console: Console) -> None:
    console.say(
        "up",
        "--restart",
        "--listen",
        page.url.split("/")[2].replace("inspan.localhost", "127.0.0.1"),
    )
    expect(page.get_by_role("status").first).to_have_text("live", timeout=20_000)
    console.say("run", "--name", "after", "--", "true")
    expect(page.get_by_role("button").filter(has_text="after")).to_be_visible()


def test_it_can_be_used_on_a_phone(browser: Browser, console: Console) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 640})
    page = context.new_page()
    page.goto(console.say("web", "--no-open"))
    console.say("run", "--name", "small", "--", "echo", "hi")
    page.get_by_role("button").filter(has_text="small").click()
    expect(page.locator(".tty")).to_contain_text("hi")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    context.close()


def test_a_page_on_another_port_can_neither_read_nor_connect(
    browser: Browser, console: Console, tmp_path: Path
) -> None:
    (tmp_path / "index.html").write_text("<!doctype html><title>elsewhere</title>")
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as elsewhere:
        threading.Thread(target=elsewhere.serve_forever, daemon=True).start()
        context = browser.new_context()
        page = context.new_page()
        # The browser is logged in, and would send its cookie along.
        page.goto(console.say("web", "--no-open"))
        expect(page.get_by_role("status").first).to_have_text("live")
        url = page.url
        page.goto(f"http://inspan.localhost:{elsewhere.server_port}/")
        for asked in (f"{url}v1/tasks", f"{url}v1/health"):
            told = page.evaluate(
                "async (at) => { try { return (await fetch(at, {credentials: 'include'})).status }"
                " catch (error) { return String(error) } }",
                asked,
            )
            assert "TypeError" in str(told)
        opened = page.evaluate(
            "(at) => new Promise((done) => { const it = new WebSocket(at);"
            " it.onopen = () => done('opened'); it.onerror = () => done('refused') })",
            url.replace("http:", "ws:") + "v1/events?since=0",
        )
        assert opened == "refused"
        before = json.loads(console.say("ls", "--json"))
        page.evaluate(
            "(at) => fetch(at, {method: 'POST', mode: 'no-cors', credentials: 'include', body:"
            """ '{"command": ["true"], "cwd": "/"}'}).catch(() => 0)""",
            f"{url}v1/tasks",
        )
        assert json.loads(console.say("ls", "--json")) == before
        context.close()
        elsewhere.shutdown()
