"""The live terminal: what it shows of a session, and what reaches the program."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest
from textual.widgets import Input

import inspan
from inspan.control import Control
from inspan.errors import NotGranted
from inspan.model.event import Exited
from inspan.model.task import TaskSpec, TerminalSpec
from inspan.tui.pane import Pane
from inspan.tui.view import ECHO
from tests.fakes.control import FakeControl
from tests.unit.tui.terminals import looking, seen, until

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("E4")]


@pytest.fixture
async def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Control]:
    monkeypatch.setenv("INSPAN_HOME", str(tmp_path / "h"))
    async with inspan.open(here=True) as control:
        yield control


async def test_shows_what_is_printed() -> None:
    control = FakeControl()
    task = await control.submit_running()
    control.prints(task.id, b"one\r\n\x1b[31mred\x1b[0m ")
    async with looking(control, task.id) as (pane, _):
        await until(lambda: "red" in "".join(seen(pane)))
        control.prints(task.id, b"more")
        await until(lambda: seen(pane)[:2] == ["one", "red more"])


async def test_types_into_a_real_program(engine: Control) -> None:
    task = await engine.submit(
        TaskSpec(
            command=(sys.executable, "-c", RAW),
            cwd="/",
            terminal=TerminalSpec(),
        )
    )
    async with looking(engine, task.id) as (pane, pilot):
        await until(lambda: "ready" in seen(pane))
        await pilot.press("a")
        await until(lambda: pane.writing)
        await pilot.press("x", "ctrl+c", "up")
        await until(lambda: "78 03 1b 5b 41" in " ".join(seen(pane)))
    await engine.cancel(task.id, force=True)


RAW = """
import os, sys, tty
tty.setraw(0)
print("ready", end="\\r\\n", flush=True)
while data := os.read(0, 100):
    print(*(f"{byte:02x}" for byte in data), end=" ", flush=True)
"""


async def printing(data: bytes) -> tuple[FakeControl, str]:
    control = FakeControl()
    task = await control.submit_running()
    control.prints(task.id, data)
    return control, task.id


LINES = b"\r\n".join(b"line %d" % number for number in range(200))


async def test_scrolls_back_and_stays_there_while_more_comes() -> None:
    control, task = await printing(LINES)
    async with looking(control, task) as (pane, pilot):
        await until(lambda: "line 199" in seen(pane))
        with anyio.fail_after(45):
            while seen(pane)[0] != "line 0":  # passed over until what is above is laid out
                await pilot.press("home")
                await pilot.pause(0.1)
        control.prints(task, b"\r\nnew")
        await pilot.pause(0.1)
        assert seen(pane)[0] == "line 0"
        await pilot.press("end")
        await until(lambda: "new" in seen(pane))


async def test_the_end_stays_in_sight_while_the_sizes_of_a_layout_do_not_agree_yet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    control, task = await printing(LINES)
    async with looking(control, task) as (pane, pilot):
        view = pane.view
        await until(lambda: "line 199" in seen(pane))
        with monkeypatch.context() as changed:
            # It is a row lower by now, and Textual has not heard of that.
            changed.setattr(type(view), "_last", view._last + 1)
            view.scroll_to(y=view.max_scroll_y - 1, animate=False, force=True)
            view.scroll_to(y=view.max_scroll_y, animate=False, force=True)
        control.prints(task, b"\r\nnew")
        await until(lambda: "new" in seen(pane))
        for height in (21, 22, 12, 30, 21):
            await pilot.resize_terminal(60, height)
        await until(lambda: "new" in seen(pane))


async def test_of_one_that_is_too_high_every_row_moves_up_as_it_grows() -> None:
    """Once only the row that had come was drawn, and those above it stood still."""
    control = FakeControl()
    task = await control.submit_running()
    async with looking(control, task.id, size=(60, 10)) as (pane, pilot):
        for number in range(20):
            control.prints(task.id, b"\r\nline %d" % number)
            await until(lambda line=f"line {number}": line in seen(pane))  # type: ignore[misc]
            await pilot.pause(0.05)
        drawn = [
            "".join(segment.text for segment in line).strip(" ▁▂▃▄▅▆▇█")
            for line in pilot.app.screen._compositor.render_strips()
        ]
        height = pane.view.size.height
        assert drawn[:height] == [f"line {number}" for number in range(20 - height, 20)]


async def test_finds_text_from_the_last_place_to_the_first() -> None:
    control, task = await printing(LINES)
    async with looking(control, task) as (pane, pilot):
        await until(lambda: "line 199" in seen(pane))
        await pilot.press("slash", *"LINE", "space", "4", "enter")
        await until(lambda: len(pane.view.matches) == 11)
        await until(lambda: "line 49" in seen(pane))
        await pilot.press("n")
        await until(lambda: seen(pane)[0] == "line 0")


async def test_copies_what_is_shown_and_saves_all_of_it(tmp_path: Path) -> None:
    control, task = await printing(LINES)
    async with looking(control, task) as (pane, pilot):
        await until(lambda: "line 199" in seen(pane))
        await pilot.press("y")
        copied = pilot.app.clipboard.splitlines()
        assert copied[-1] == "line 199"
        pane.run_worker(_save(pane, tmp_path / "text"))
        await until((tmp_path / "text").exists)
        assert (tmp_path / "text").read_text().splitlines()[0] == "line 0"


async def _save(pane: Pane, path: Path) -> None:
    pane.action_save()
    pane.query_one(Input).value = str(path)
    await pane.query_one(Input).action_submit()


async def test_a_watcher_leaves_the_size_and_who_types_brings_it_along(engine: Control) -> None:
    task = await engine.submit(
        TaskSpec(command=("sh", "-c", SIZES), cwd="/", terminal=TerminalSpec(cols=33, rows=9))
    )
    async with looking(engine, task.id, size=(60, 20)) as (pane, pilot):
        await until(lambda: "9 33" in seen(pane))
        assert pane.view.terminal_size == (33, 9)
        await pilot.press("a")
        width = pane.view.scrollable_content_region.size
        await until(lambda: f"{width.height} {width.width}" in "\n".join(seen(pane)))
        assert pane.view.terminal_size == tuple(width)
    await engine.cancel(task.id, force=True)


SIZES = "trap 'stty size' WINCH; stty size; while :; do sleep 0.05; done"


async def test_nothing_that_is_hostile_leaves_the_pane() -> None:
    control, task = await printing(HOSTILE)
    async with looking(control, task) as (pane, pilot):
        await until(lambda: "end" in "".join(seen(pane)))
        drawn = "\n".join(
            "".join(segment.text for segment in line)
            for line in pilot.app.screen._compositor.render_strips()
        )
        assert not {"\x1b", "\x07", "\u202e", "\x9b"} & set(drawn)
        assert "stolen" not in drawn
        assert pilot.app.clipboard == ""
        assert control.sessions[next(iter(control.sessions))].typed == b""


HOSTILE = (
    b"\x1b]52;c;c3RvbGVu\x07\x1b]0;stolen\x07\x1b]8;;http://stolen\x1b\\link\x1b]8;;\x1b\\"
    b"\x1bP0;0q#0stolen\x1b\\\x1b_Gstolen\x1b\\\x1b[6n\x1b[c\x1b[>q\x1b]11;?\x07\x1b[?u\x05"
    b"\xe2\x80\xaeback\xc2\x9b31m end"
)


async def test_a_frame_that_is_not_complete_is_not_drawn() -> None:
    control, task = await printing(b"whole\x1b[?2026h\x1b[2J\x1b[Hhalf")
    async with looking(control, task) as (pane, _):
        control.prints(task, b"\x1b[2J\x1b[Hdone\x1b[?2026l")
        await until(lambda: "done" in seen(pane)[0])


async def test_a_flood_is_drawn_thirty_times_a_second_and_keys_are_heard(engine: Control) -> None:
    task = await engine.submit(
        TaskSpec(command=("sh", "-c", "read x; yes; "), cwd="/", terminal=TerminalSpec())
    )
    async with looking(engine, task.id) as (pane, pilot):
        await pilot.press("a", "enter")
        await until(lambda: seen(pane).count("y") > 10)
        # What comes right after a key may be drawn before its time.
        await until(lambda: time.monotonic() - pane.view.typed_at > 2 * ECHO)
        begun, before = time.monotonic(), pane.view.redraws
        await anyio.sleep(1.0)
        await until(lambda: pane.view.redraws >= before + 2)
        drawn, took = pane.view.redraws - before, time.monotonic() - begun
        assert drawn <= 31 * took
        await pilot.press("ctrl+c")
        async with asyncio.timeout(30):
            async for event in engine.watch(0, task=task.id):
                if isinstance(event.fact, Exited):
                    break


async def test_a_pane_that_is_not_seen_holds_nothing_and_catches_up() -> None:
    control, task = await printing(b"before ")
    async with looking(control, task) as (pane, pilot):
        await until(lambda: "before" in seen(pane))
        pane.display = False
        await until(lambda: not pane.view.open)
        control.prints(task, b"meanwhile")
        await pilot.pause(0.1)
        assert not pane.view.open
        pane.display = True
        await until(lambda: "before meanwhile" in seen(pane))


async def test_somebody_else_types_is_told_and_a_second_wish_takes_over() -> None:
    control, task = await printing(b"ready")
    async with looking(control, task) as (pane, pilot), control.attach(task, writer=True):
        await pilot.press("a")
        await until(lambda: not pane.writing)
        await pilot.press("a", "x")
        session = control.sessions[next(iter(control.sessions))]
        await until(lambda: session.typed == b"x")


async def test_the_mouse_is_the_programs_where_it_asked_for_it() -> None:
    control, task = await printing(b"\x1b[?1000h\x1b[?1006hready")
    async with looking(control, task) as (pane, pilot):
        await until(lambda: "ready" in seen(pane))
        await pilot.press("a")
        await until(lambda: pane.writing)
        await pilot.click(pane.view, offset=(3, 2))
        session = control.sessions[next(iter(control.sessions))]
        await until(lambda: session.typed == b"\x1b[<0;4;3M\x1b[<0;4;3m")


def _said(pane: Pane) -> str:
    """What stands below it."""
    return str(pane._hint.render())


async def test_a_terminal_that_may_not_be_seen_says_so() -> None:
    control, task = await printing(b"ready")
    session = control.sessions[next(iter(control.sessions))]
    session.fails = NotGranted("the token may not read")
    async with looking(control, task) as (pane, _):
        await until(lambda: "the token may not read" in _said(pane))
        await until(lambda: "ready" in seen(pane))
        assert not pane.writing


async def test_keys_and_a_size_that_are_refused_are_said_and_it_is_looked_at_on() -> None:
    control, task = await printing(b"ready")
    session = control.sessions[next(iter(control.sessions))]
    async with looking(control, task) as (pane, pilot):
        await pilot.press("a")
        await until(lambda: session.sizes)
        session.writer = None  # somebody took it over
        await pilot.resize_terminal(50, 15)
        await until(lambda: "this attachment is read-only" in _said(pane))
        session.refuses = NotGranted("the token may not write")
        session.writer = pane._feed.link if pane._feed is not None else None
        await pilot.press("x")
        await until(lambda: "the token may not write" in _said(pane))
        assert session.typed == b""
        control.prints(task, b" on")
        await until(lambda: "ready on" in seen(pane))


async def test_text_is_not_saved_over_a_file_that_is_there(tmp_path: Path) -> None:
    control, task = await printing(b"ready")
    there = tmp_path / "text"
    there.write_text("mine")
    async with looking(control, task) as (pane, _):
        await until(lambda: "ready" in seen(pane))
        pane._save(str(there))
        assert "not saved: File exists" in _said(pane)
        pane._save(str(tmp_path / "no" / "text"))
        assert "not saved: No such file" in _said(pane)
    assert there.read_text() == "mine"
