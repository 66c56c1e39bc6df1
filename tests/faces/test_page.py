"""The page in a real browser: a day's work, and what other pages cannot do."""

from __future__ import annotations

import http.server
import json
import re
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Response, Route, expect

from inspan.client.sync import SyncControl
from inspan.model.session import Output
from inspan.settings import locate
from tests.fakes.repository import git, make_repository
from tests.real.console import Console

pytestmark = [pytest.mark.faces, pytest.mark.timeout(120), pytest.mark.requirement("C6", "C9")]

SCRIPT = '{"steps": [{"ask": {"question": "North, or south?", "options": ["north", "south"]}}]}'


@pytest.fixture(scope="module")
def console() -> Iterator[Console]:
    with Console("server: {listen: 127.0.0.1:0}\nrecording: {cap: 200MB}\n") as console:
        yield console


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


def test_what_sets_a_workspace_up_is_watched_until_the_task_itself_begins(
    page: Page, console: Console
) -> None:
    folder = make_repository(console.home / "to be set up")
    begin = ("run", "--detach", "--worktree", "--cwd", str(folder))
    going = f"echo being set up; until [ -e '{console.home}/go' ]; do sleep 0.05; done"
    console.say(*begin, "--setup", going, "--name", "later", "--", "echo", "its own words")
    terminal = page.locator(".tty")
    page.locator(".task").filter(has_text="later").click()
    expect(page.get_by_role("heading", name="Set-up")).to_be_visible()
    expect(terminal).to_contain_text("being set up")
    expect(page.get_by_role("button", name="Attach")).to_have_count(0)
    (console.home / "go").touch()
    expect(page.get_by_role("heading", name="Terminal")).to_be_visible()
    expect(terminal).to_contain_text("its own words")
    console.say(*begin, "--setup", "echo no such thing; exit 3", "--name", "never", "--", "true")
    page.locator(".task").filter(has_text="never").click()
    expect(terminal).to_contain_text("no such thing")
    expect(page.get_by_label("Task", exact=True)).to_contain_text("exited with status 3")


def test_a_task_that_printed_nothing_says_so(page: Page, console: Console) -> None:
    program, opened = console.home / "program", console.home / "opened"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o700)
    waits = f"until [ -e '{opened}' ]; do sleep 0.05; done"
    gate = console.say("add", "--name", "gate", "--", "sh", "-c", waits).split()[0]
    console.say("add", "--name", "unfound", "--after", gate, "--", str(program))
    program.unlink()
    opened.touch()
    page.locator(".task").filter(has_text="unfound").click()
    expect(page.get_by_text("Nothing of it is recorded.")).to_be_visible()
    expect(page.locator(".tty")).to_be_hidden()


def test_what_a_program_prints_is_text_and_nothing_else(page: Page, console: Console) -> None:
    evil = "<img src=x onerror=alert(1)>"
    console.say("run", "--name", evil, "--", "printf", evil + "\x1b]0;OWNED\x07\x1b]52;c;aGk=\x07")
    page.get_by_role("button").filter(has_text=evil).click()
    expect(page.locator(".tty")).to_contain_text("<img")
    assert page.locator("img[src=x]").count() == 0
    assert page.title() != "OWNED"


def test_a_click_and_the_focus_outlive_what_happens_meanwhile(page: Page, console: Console) -> None:
    console.say("run", "--name", "first", "--", "echo", "hello")
    row = page.get_by_role("button").filter(has_text="first")
    row.focus()
    box = row.bounding_box()
    assert box is not None
    # The button goes down on it, others come above it and below, and then it goes up.
    page.mouse.move(box["x"] + 9, box["y"] + 9)
    page.mouse.down()
    console.say("add", "--name", "second", "--", "sleep", "60")
    expect(page.get_by_role("button").filter(has_text="second")).to_be_visible()
    expect(row).to_be_focused()
    now = row.bounding_box()
    assert now is not None
    page.mouse.move(now["x"] + 9, now["y"] + 9)
    page.mouse.up()
    expect(page.locator(".tty")).to_contain_text("hello")
    console.say("cancel", "second")


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


def test_a_recording_is_replayed_from_any_point(page: Page, console: Console) -> None:
    script = (
        "printf 'first\\n'; sleep 1.5; read x;"
        " printf 'second\\n'; sleep 6; printf '\\033[2Jthird\\n'"
    )
    console.say("add", "--pty", "--name", "film", "--", "sh", "-c", script)
    with SyncControl(locate(console.env).daemon_socket) as control:
        with control.attach("film", writer=True) as terminal:
            chunks = iter(terminal)
            while not isinstance(next(chunks), Output):
                pass
            terminal.resize(100, 30)
            terminal.write(b"go\n")
        assert control.wait("film", 30).done
    page.locator(".task").filter(has_text="film").click()
    page.get_by_role("link", name="Replay").click()
    screen, slider = page.locator(".tty .xterm-rows"), page.get_by_label("Time")
    expect(screen).to_contain_text("first")
    page.keyboard.press("Space")  # stopped
    page.keyboard.press("Home")
    expect(slider).to_have_value("0")
    expect(screen.locator("> div")).to_have_count(24)
    expect(screen).not_to_contain_text("second")
    page.keyboard.press(">")
    expect(page.get_by_label("Speed")).to_have_value("2")
    page.keyboard.press("Space")
    # Of six idle seconds half a one is left.
    expect(screen).to_contain_text("third", timeout=5_000)
    expect(page.locator(".clock")).to_have_text(re.compile(r"^0:0[78] / 0:0[78]$"))
    expect(screen.locator("> div")).to_have_count(30)
    page.keyboard.press("ArrowLeft")
    expect(screen).to_contain_text("second")
    expect(screen).not_to_contain_text("third")
    page.keyboard.press("End")
    expect(screen).to_contain_text("third")
    slider.fill("0.5")
    expect(screen).to_contain_text("first")
    expect(screen).not_to_contain_text("second")


def test_a_large_recording_is_not_loaded_whole(page: Page, console: Console) -> None:
    """100 MB of lines: to its end, and to its middle, with a few parts of it read."""
    console.say("run", "--pty", "--name", "large", "--", "sh", "-c", "seq 1 12900000")
    read: list[int] = []

    def count(reply: Response) -> None:
        if "/output" in reply.url:
            read.append(int(reply.headers.get("content-length", "0")))

    page.on("response", count)
    (large,) = json.loads(console.say("ls", "--json", "--name", "large"))["tasks"]
    page.goto(f"{page.url.partition('#')[0]}#/task/{large['id']}/replay")
    expect(page.locator(".clock")).to_have_text(re.compile(r" / (?!0:00)"))
    page.keyboard.press("End")
    expect(page.locator(".tty .xterm-rows")).to_contain_text("12900000")
    slider = page.get_by_label("Time")
    half = float(slider.get_attribute("max") or "0") / 2
    slider.fill(f"{half:.1f}")
    expect(page.locator(".tty .xterm-rows")).not_to_contain_text("12900000")
    expect(page.locator(".tty .xterm-rows")).to_contain_text(re.compile(r"[1-9]\d{6}"))
    assert read
    assert sum(read) < 20 << 20


def test_text_is_found_in_what_tasks_printed_and_played_there(page: Page, console: Console) -> None:
    script = "seq 1 3000; printf 'the \\033[31mNee\\033[0mdle\\n'; seq 3001 6000"
    console.say("run", "--name", "haystack", "--", "sh", "-c", script)
    console.say("run", "--name", "other", "--", "echo", "<b>needle</b> too")
    page.keyboard.press("/")
    page.get_by_label("Text").fill("needle")
    page.keyboard.press("Enter")
    expect(page.get_by_text("2 lines in 2 recordings")).to_be_visible()
    expect(page.locator("mark").first).to_have_text("needle")
    expect(page.get_by_role("link").filter(has_text="<b>needle</b> too")).to_be_visible()
    hit = page.get_by_role("link").filter(has_text="the Needle")
    expect(hit).to_contain_text("3000")
    page.get_by_label("case matters").check()
    expect(page.get_by_text("1 line in 1 recording")).to_be_visible()
    expect(page.locator(".hits")).not_to_contain_text("Needle")
    page.get_by_label("case matters").uncheck()
    hit.click()
    expect(page.get_by_role("heading", name="haystack")).to_be_visible()
    screen = page.locator(".tty .xterm-rows")
    expect(screen).to_contain_text("the Needle")
    expect(screen).not_to_contain_text("3001")
    page.go_back()
    expect(page.get_by_text("2 lines in 2 recordings")).to_be_visible()


PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5E"
    "rkJggg=="
)


def test_cells_are_run_answered_and_interrupted(page: Page, console: Console) -> None:
    console.say("py", "--session", "lab", "-c", "kept = 40; print('from a terminal')")
    page.get_by_role("link", name="Cells").click()
    page.get_by_role("link", name="lab").click()
    told, code = page.get_by_role("log"), page.get_by_label("Code", exact=True)
    expect(told).to_contain_text("from a terminal")
    code.fill("print('<b>so</b> it', 'is\\x1b[31m!')\nkept + 2")
    page.keyboard.press("Control+Enter")
    expect(told).to_contain_text("<b>so</b> it is!")
    expect(told.locator(".value").last).to_have_text("42")
    code.fill("name = input('who? ')\nprint('hello', name)")
    page.get_by_role("button", name="Run").click()
    page.get_by_label("who?").fill("Ada")
    page.get_by_role("button", name="Give").click()
    expect(told).to_contain_text("hello Ada")
    code.fill("import time\nprint('begun')\ntime.sleep(600)")
    page.keyboard.press("Control+Enter")
    expect(told).to_contain_text("begun")
    page.get_by_role("button", name="Interrupt").click()
    expect(told).to_contain_text("KeyboardInterrupt")
    code.fill("1 / 0")
    page.keyboard.press("Control+Enter")
    expect(told).to_contain_text("ZeroDivisionError")


def test_what_a_cell_shows_can_do_nothing(browser: Browser, console: Console) -> None:
    """A picture is shown; markup is framed alone: without scripts, and far from the page."""
    context = browser.new_context()  # what is refused is said on its console
    page = context.new_page()
    page.goto(console.say("web", "--no-open"))
    evil = (
        "<p id=said>shown</p><script>parent.document.title='OWNED'</script>"
        "<img src=x onerror=\"parent.document.title='OWNED'\"><a href='javascript:1'>x</a>"
    )
    class_ = (
        "class Rich:\n"
        f"    def _repr_html_(self): return {evil!r}\n"
        "class Picture:\n"
        f"    def _repr_mimebundle_(self, **_): return {{'image/png': {PNG!r}}}\n"
    )
    console.say("py", "--session", "rich", "-c", class_)
    page.get_by_role("link", name="Cells").click()
    page.get_by_role("link", name="rich").click()
    code = page.get_by_label("Code", exact=True)
    code.fill("Picture()")
    page.keyboard.press("Control+Enter")
    picture = page.locator(".out img")
    expect(picture).to_be_visible()
    assert picture.evaluate("(it) => it.decode().then(() => it.naturalWidth)") == 1
    code.fill("Rich()")
    page.keyboard.press("Control+Enter")
    frame = page.locator(".out iframe")
    assert frame.get_attribute("sandbox") == ""
    expect(page.frame_locator(".out iframe").locator("#said")).to_have_text("shown")
    assert frame.evaluate("(it) => it.contentDocument") is None
    assert page.title() != "OWNED"
    context.close()


def test_what_waits_for_what_is_drawn(page: Page, console: Console) -> None:
    console.say("add", "--pty", "--name", "first", "--", "sh", "-c", "read x")
    for name, *after in (("left", "first"), ("right", "first"), ("last", "left", "right")):
        flags = [word for one in after for word in ("--after", one)]
        console.say("add", "--name", name, *flags, "--", "true")
    page.get_by_role("link", name="Graph").click()
    graph = page.locator(".graph")
    for name in ("first", "left", "right", "last"):
        expect(graph.locator(".node").filter(has_text=name)).to_be_visible()
    assert graph.locator(".edge").count() >= 4
    first = graph.get_by_role("link", name="first, running")
    first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(graph.get_by_role("link", name="last, pending")).to_be_focused()
    page.get_by_text("As a list").click()
    expect(page.get_by_role("listitem").filter(has_text="last pending after")).to_be_visible()
    console.say("send", "first", "go")
    expect(graph.get_by_role("link", name="last, completed")).to_be_visible()
    graph.get_by_role("link", name="left, completed").click()
    expect(page.get_by_role("heading", name="left")).to_be_visible()


def test_the_load_is_drawn_as_it_is_measured(page: Page, console: Console) -> None:
    console.say("run", "--name", "measured", "--", "true")
    page.get_by_role("link", name="Load").click()
    memory = page.get_by_role("figure").filter(has_text="Memory")
    drawing = memory.get_by_role("img")
    expect(drawing).to_have_attribute(
        "aria-label", re.compile(r"daemon [\d.]+ MB, keeper [\d.]+ MB")
    )
    health = json.loads(console.say("status", "--json"))
    told = drawing.get_attribute("aria-label") or ""
    seen = float(told.partition("daemon ")[2].split()[0]) * (1 << 20)
    assert seen == pytest.approx(health["daemon"]["rss_bytes"], rel=0.2)
    expect(memory.locator("path.line0").first).to_have_attribute("d", re.compile(r"^M.+ .+L.+ .+"))
    expect(memory.locator(".axis").first).to_have_text("0 MB")
    drawing.focus()
    page.keyboard.press("ArrowLeft")
    expect(memory.locator("figcaption time")).not_to_have_text("now")
    expect(memory.locator(".cursor line")).to_be_attached()
    memory.get_by_text("As a table").click()
    expect(memory.get_by_role("row").nth(1)).to_contain_text("MB")
    expect(page.get_by_text("null")).to_have_count(0)


def test_a_lost_connection_is_told_and_nothing_of_it_is_missing(
    browser: Browser, console: Console
) -> None:
    """What was printed meanwhile is there once, and the list knows what happened."""
    context = browser.new_context()  # what fails is said on its console
    page = context.new_page()
    page.goto(console.say("web", "--no-open"))
    script = "for n in $(seq 100 110); do read x; echo line $n; done"
    console.say("add", "--pty", "--name", "counts", "--", "sh", "-c", script)
    page.locator(".task").filter(has_text="counts").click()
    terminal = page.locator(".tty .xterm-rows")
    console.say("send", "counts", "go")
    expect(terminal).to_contain_text("line 100")
    context.set_offline(True)
    expect(page.get_by_role("status").first).to_have_text("connection lost; trying again")
    expect(page.get_by_text("The connection is lost; it is tried again.")).to_be_visible()
    for _ in range(9):
        console.say("send", "counts", "go")
    console.say("run", "--name", "meanwhile", "--", "true")
    expect(terminal).not_to_contain_text("line 101")
    context.set_offline(False)
    expect(page.get_by_role("status").first).to_have_text("live")
    expect(terminal).to_contain_text("line 109")
    expect(page.get_by_text("The connection is lost")).to_have_count(0)
    shown = re.findall(r"line (\d+)", terminal.inner_text())
    assert shown == [str(n) for n in range(100, 110)]
    expect(page.locator(".task").filter(has_text="meanwhile")).to_be_visible()
    console.say("send", "counts", "go")
    expect(page.get_by_label("Task", exact=True)).to_contain_text("completed")
    context.close()


def test_a_replay_goes_on_where_the_connection_was_lost(browser: Browser, console: Console) -> None:
    context = browser.new_context()  # what fails is said on its console
    page = context.new_page()
    page.goto(console.say("web", "--no-open"))
    script = "echo first; sleep 1; seq 1 90000; sleep 1; echo last"
    console.say("run", "--pty", "--name", "patchy", "--", "sh", "-c", script)
    page.locator(".task").filter(has_text="patchy").click()
    cut = {"left": 2}

    def patchy(route: Route) -> None:
        if "/output" in route.request.url and "offset=0" not in route.request.url and cut["left"]:
            cut["left"] -= 1
            route.fulfill(status=503, body="{}", content_type="application/json")
        else:
            route.continue_()

    page.route("**/v1/sessions/**", patchy)
    page.get_by_role("link", name="Replay").click()
    expect(page.get_by_text("it is tried again")).to_be_visible()
    expect(page.locator(".tty .xterm-rows")).to_contain_text("last", timeout=20_000)
    assert not cut["left"]
    context.close()


def test_a_hundred_tasks_are_drawn_without_covering_each_other(page: Page) -> None:
    """The layout itself: boxes lie apart, edges lead to the right, and pass no box."""
    told = page.evaluate((Path(__file__).parent / "layout.js").read_text())
    assert told == {"tasks": 300, "faults": []}
