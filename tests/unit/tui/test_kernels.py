"""Code sessions on the screen: the list, the cells of one, and what is asked in dialogs."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import anyio
import pytest
from rich.cells import cell_len
from textual.command import CommandPalette
from textual.pilot import Pilot
from textual.widgets import Input

from inspan.errors import DaemonUnreachable
from inspan.model.code import Cell, CellOptions, CodeEvent, CodeSession, CodeSpec, Grants
from inspan.tui.app import Cockpit
from inspan.tui.dialogs.choice import ChoiceDialog
from inspan.tui.dialogs.confirm import ConfirmDialog
from inspan.tui.dialogs.error import ErrorDialog
from inspan.tui.dialogs.line import LineDialog
from inspan.tui.dialogs.newsession import NewSession, NewSessionDialog
from inspan.tui.editor import CellEditor
from inspan.tui.rows import Rows
from inspan.tui.screens.cells import Cells
from inspan.tui.screens.kernels import Kernels
from tests.fakes.control import FakeControl
from tests.unit.tui.test_tasks import opened, seen, until

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("E4")]


async def _session(control: FakeControl, name: str = "data") -> CodeSession:
    return await control.code.open(CodeSpec(name=name, cwd="/src"))


async def _listed(app: Cockpit, pilot: Pilot[None]) -> Kernels:
    await until(pilot, lambda: app.focused is not None)
    await pilot.press("K")
    await until(pilot, lambda: isinstance(app.screen, Kernels) and app.screen.chosen)
    assert isinstance(app.screen, Kernels)
    return app.screen


@asynccontextmanager
async def celled(
    control: FakeControl, size: tuple[int, int] = (100, 30), *, colourless: bool = False
) -> AsyncIterator[tuple[Cells, Pilot[None]]]:
    """The screen of the one session that there is."""
    async with opened(control, size, colourless=colourless) as (app, pilot):
        await _listed(app, pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Cells) and app.focused)
        assert isinstance(app.screen, Cells)
        assert app.focused is app.screen.editor
        yield app.screen, pilot


async def run(screen: Cells, pilot: Pilot[None], code: str, key: str = "f5") -> None:
    """Type a cell, and have it taken."""
    before = len(screen.notebook.codes)
    screen.editor.text = code
    await pilot.press(key)
    await until(pilot, lambda: len(screen.notebook.codes) > before and not screen.editor.text)


@pytest.mark.parametrize("key", ["f5", "ctrl+j", "ctrl+enter"])
async def test_a_cell_is_run_and_what_comes_of_it_is_seen(key: str) -> None:
    control = FakeControl()
    await _session(control)
    async with celled(control) as (screen, pilot):
        await run(screen, pilot, "print('one'); 6 * 7", key)
        await until(pilot, lambda: "✓ [1]" in seen(screen.app) and "42" in seen(screen.app))
        await run(screen, pilot, "1 / 0", key)
        await until(pilot, lambda: "✗ [2] 1 / 0" in seen(screen.app))
        assert "division by zero" in seen(screen.app)


async def test_what_it_prints_and_shows_is_text_and_nothing_else() -> None:
    control = FakeControl()
    await _session(control)
    async with celled(control) as (screen, pilot):
        evil = r"\x1b]52;c;aGk=\x07[bold]b[/] \x1b[2J\x1b[31mred\x1b[0m \u202e"
        await run(screen, pilot, f"print('{evil}')")
        await until(pilot, lambda: "[bold]b[/] red" in seen(screen.app))
        await run(screen, pilot, "display({'text/html': '<b>[bold]hi</b>', 'text/x': '1'})")
        await until(pilot, lambda: "▣ text/html 15 B, text/x 1 B: not shown" in seen(screen.app))
        png = "iVBORw0KGgoAAAANSUhEUgAAAoAAAAHgCAYAAAA10dzkAAAA"
        await run(screen, pilot, f"display({{'image/png': '{png}', 'text/plain': '<Figure>'}})")
        await until(pilot, lambda: "▣ image/png, 640×480" in seen(screen.app))
        assert "<Figure>" in seen(screen.app)
        assert "\x1b" not in seen(screen.app).replace("\\x1b", "")
        assert "\u202e" not in seen(screen.app)


async def test_a_line_that_a_cell_waits_for_is_asked_and_given_and_the_focus_is_back() -> None:
    control = FakeControl()
    session = await _session(control)
    async with celled(control) as (screen, pilot):
        app = screen.app
        for keys, asked in (([*"me", "enter"], "answer {} me"), (["ctrl+d"], "answer {} None")):
            await run(screen, pilot, "name = input('who? ')")
            await until(pilot, lambda: isinstance(app.screen, LineDialog) and app.focused)
            dialog = app.screen
            assert isinstance(dialog, LineDialog)
            assert str(dialog.query_one("#question").render()) == "who? "
            await pilot.press(*keys)
            await until(pilot, lambda: app.screen is screen and app.focused is screen.editor)
            run_ = control.workers.runs[f"{session.id}-1"]
            wanted = asked.format(dialog.wanted.request)
            await until(pilot, lambda told=run_.asked, one=wanted: one in told)  # type: ignore[misc]


async def test_who_writes_is_not_disturbed_by_a_question_and_answers_it_by_a_key() -> None:
    control = FakeControl()
    session = await _session(control)
    async with celled(control) as (screen, pilot):
        app = screen.app
        screen.editor.text = "half of a c"
        await control.code.execute(session.id, "name = input('who? ')")
        await until(pilot, lambda: "F4 answers" in seen(app))
        assert app.screen is screen
        await pilot.press("f4")
        await until(pilot, lambda: isinstance(app.screen, LineDialog) and app.focused)
        await pilot.press("escape")  # it waits on
        await until(pilot, lambda: app.screen is screen and "still waits" in seen(app))
        await pilot.press("f4")
        await until(pilot, lambda: isinstance(app.screen, LineDialog) and app.focused)
        # Somebody else interrupts the cell: the dialog of what it asked goes along.
        await control.code.interrupt(session.id)
        await until(pilot, lambda: app.screen is screen and app.focused is screen.editor)
        assert screen.editor.text == "half of a c"


async def test_the_way_through_the_dialog_of_a_line() -> None:
    control = FakeControl()
    await _session(control)
    async with celled(control, (60, 16)) as (screen, pilot):
        await run(screen, pilot, "name = input('who? ')")
        app = screen.app
        await until(pilot, lambda: isinstance(app.screen, LineDialog) and app.focused)
        found = []
        for _ in range(4):
            found.append(app.focused.id if app.focused is not None else None)
            await pilot.press("tab")
        assert found == ["words", "give", "end", "words"]


async def test_a_cell_is_interrupted_and_one_that_does_not_listen_is_ended_if_that_is_meant() -> (
    None
):
    control = FakeControl()
    session = await _session(control)
    async with celled(control) as (screen, pilot):
        await pilot.press("f6")
        await until(pilot, lambda: "nothing runs" in seen(screen.app))
        await run(screen, pilot, "time.sleep(9)")
        await until(pilot, lambda: "● [1]" in seen(screen.app))
        await pilot.press("f6")
        await until(pilot, lambda: "■ [1]" in seen(screen.app))
        asked = control.workers.runs[f"{session.id}-1"].asked
        assert asked[-1].endswith(" inf")


async def test_a_second_time_it_is_asked_whether_the_process_is_to_end() -> None:
    control = FakeControl()
    await _session(control)
    asked: list[float] = []
    ended = anyio.Event()

    async def interrupt(session: str, cell: str | None = None, *, deadline: float = 5.0) -> None:
        del session, cell
        asked.append(deadline)
        if deadline:
            await ended.wait()
        ended.set()

    control.code.interrupt = interrupt  # type: ignore[method-assign]
    async with celled(control) as (screen, pilot):
        app = screen.app
        await pilot.press("f6")
        await until(pilot, lambda: asked)
        for answer in ("enter", "y"):
            await pilot.press("f6")
            await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
            await pilot.pause()
            await pilot.press(answer)
            await until(pilot, lambda: app.screen is screen)
        await until(pilot, lambda: asked == [math.inf, 0.0])


async def test_names_are_saved_given_back_and_the_session_ended_by_keys() -> None:
    control = FakeControl()
    session = await _session(control)
    async with celled(control) as (screen, pilot):
        app = screen.app
        await run(screen, pilot, "x = 1")
        await pilot.press("escape")
        await until(pilot, lambda: app.focused is screen.view)
        await pilot.press("s")
        await until(pilot, lambda: "saved as" in seen(app))
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, ChoiceDialog) and app.focused)
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is screen and "restored from" in seen(app))
        for answer, is_open in (("enter", True), ("y", False)):
            await pilot.press("x")
            await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
            await pilot.pause()
            await pilot.press(answer)
            await until(pilot, lambda: app.screen is screen)
            assert (await control.code.get(session.id)).open is is_open
        await until(pilot, lambda: "The session was closed." in seen(app))
        # Its names are given back to a new process, which is read along with.
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, ChoiceDialog) and app.focused)
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is screen)
        await until(pilot, lambda: screen.session.open and not screen._reading.over)
        await pilot.press("enter")
        await until(pilot, lambda: app.focused is screen.editor)
        await run(screen, pilot, "x + 1")
        await until(pilot, lambda: "✓ [2] x + 1" in seen(app))


async def test_tab_completes_and_goes_through_what_fits_and_indents_elsewhere() -> None:
    control = FakeControl()
    await _session(control)
    async with celled(control) as (screen, pilot):
        await run(screen, pilot, "alpha = 1\nalpine = 2")
        editor = screen.editor
        await pilot.press("tab")
        assert editor.text == "    "
        editor.text = ""
        await pilot.press(*"al", "tab")
        await until(pilot, lambda: editor.text == "alpha")
        assert "alpha  alpine" in seen(screen.app)
        await pilot.press("tab")
        await until(pilot, lambda: editor.text == "alpine")
        await pilot.press("escape")  # no offers any more, and on with the text
        await until(pilot, lambda: "alpine  alpha" not in seen(screen.app))
        assert screen.app.focused is editor
        await pilot.press("shift+tab")
        await until(pilot, lambda: "2" in str(screen._word.render()))
        editor.text = "nothing"
        editor.move_cursor(editor.document.end)
        await pilot.press("tab")
        await until(pilot, lambda: "nothing fits" in seen(screen.app))
        editor.text = ""
        await pilot.press(*"if x:", "enter", *"y", "enter", *"z")
        assert editor.text == "if x:\n    y\n    z"
        editor.text = ""
        await pilot.press("ctrl+up")
        await until(pilot, lambda: editor.text == "alpha = 1\nalpine = 2")


class Losing(FakeControl):
    """Its daemon takes a cell, and is gone before it says so."""

    loses = False

    async def execute(self, session: str, code: str, options: CellOptions = CellOptions()) -> Cell:
        cell = await self.kept(session, code, options)
        if self.loses:
            raise DaemonUnreachable("gone")
        return cell

    def lose(self) -> None:
        self.kept = self.code.execute
        self.code.execute = self.execute  # type: ignore[method-assign]
        self.loses = True


async def test_a_cell_that_was_taken_by_a_daemon_that_died_is_not_there_twice() -> None:
    control = Losing()
    await _session(control)
    async with celled(control) as (screen, pilot):
        control.lose()
        screen.editor.text = "1 + 1"
        await pilot.press("f5")
        await until(pilot, lambda: screen.app.complaints.is_showing)
        await until(pilot, lambda: not screen.editor.text)
        assert screen.notebook.codes == ["1 + 1"]


async def test_why_nothing_comes_is_said_until_it_comes_again() -> None:
    control = FakeControl()
    session = await _session(control)
    follow, lost = control.code.follow, anyio.Event()

    async def following(
        session: str, since: int | None = None, *, cell: str | None = None
    ) -> AsyncGenerator[CodeEvent, None]:
        if not lost.is_set():
            lost.set()
            raise DaemonUnreachable("the daemon has gone")
        async for event in follow(session, since, cell=cell):
            yield event

    control.code.follow = following  # type: ignore[method-assign]
    async with celled(control) as (screen, pilot):
        await until(pilot, lost.is_set)
        await control.code.execute(session.id, "6 * 7")
        await until(pilot, lambda: "42" in seen(screen.app))
        await until(pilot, lambda: "has gone" not in seen(screen.app))


async def test_one_that_is_closed_under_the_cursor_leaves_it_to_its_neighbour() -> None:
    control = FakeControl()
    first, second = await _session(control, "first"), await _session(control, "second")
    async with opened(control) as (app, pilot):
        screen = await _listed(app, pilot)
        await until(pilot, lambda: len(screen.rows.options) == 2)
        await pilot.press("down")
        await until(pilot, lambda: screen.chosen == second or screen.rows.chosen == second.id)
        await control.code.close(second.id)
        await until(pilot, lambda: screen.rows.chosen == first.id)
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        assert "first" in str(app.screen.query_one("#question").render())
        await control.code.close(first.id)  # behind the dialog it is gone
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen and app.focused is screen.rows)
        await until(pilot, lambda: "No code session is open" in seen(app))
        await pilot.press("i", "enter", "x", "e")
        await until(pilot, lambda: len(screen.rows.options) == 2)


async def test_a_long_transcript_is_there_at_its_end_and_keeps_so_many_blocks() -> None:
    control = FakeControl()
    session = await _session(control)
    for number in range(230):
        await control.code.execute(session.id, f"{number}")
    async with celled(control) as (screen, pilot):
        await until(pilot, lambda: "✓ [230] 229" in seen(screen.app))
        assert len(screen.notebook.blocks) == 200
        await until(pilot, lambda: len(screen.view.children) == 200)


async def test_in_the_smallest_terminal_it_waits_with_what_was_written() -> None:
    control = FakeControl()
    await _session(control)
    async with celled(control) as (screen, pilot):
        screen.editor.text = "x = 1"
        await pilot.resize_terminal(20, 5)
        await until(pilot, lambda: "too small" in seen(screen.app))
        await pilot.resize_terminal(44, 14)
        await until(pilot, lambda: "x = 1" in seen(screen.app))
        assert isinstance(screen.app.focused, CellEditor)
        await pilot.press("f5")
        await until(pilot, lambda: "✓ [1] x = 1" in seen(screen.app))


# ── a new one ─────────────────────────────────────────────────────────────────


def _spec(new: NewSession) -> CodeSpec:
    return CodeSpec(name=new.name or None, cwd=new.folder or "/src", env={"A": "b"})


@asynccontextmanager
async def making(control: FakeControl) -> AsyncIterator[tuple[Cockpit, Pilot[None]]]:
    """On the list, where sessions can be opened."""
    app = Cockpit(control, make_session=_spec)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: app.focused is not None)
        await pilot.press("K")
        await until(pilot, lambda: isinstance(app.screen, Kernels) and app.focused)
        yield app, pilot


async def _asks(app: Cockpit, pilot: Pilot[None]) -> None:
    await pilot.press("n")
    await until(pilot, lambda: isinstance(app.screen, NewSessionDialog) and app.focused)
    await pilot.pause()


async def test_one_is_opened_by_its_key_and_there_to_write_in() -> None:
    control = FakeControl()
    async with making(control) as (app, pilot):
        await _asks(app, pilot)
        await pilot.press("escape")
        await until(pilot, lambda: app.focused is app.screen.query_one("#kernels"))
        await _asks(app, pilot)
        await pilot.press(*"mine", "enter")
        await until(pilot, lambda: isinstance(app.screen, Cells) and app.focused)
        assert isinstance(app.focused, CellEditor)
        assert [one.spec.name for one in await control.code.list()] == ["mine"]


async def test_one_is_opened_from_anywhere_by_the_palette() -> None:
    app = Cockpit(FakeControl(), make_session=_spec)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: app.focused is not None)
        await pilot.press("ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette) and app.focused)
        await pilot.press(*"newcode")
        await until(pilot, lambda: "New code session" in seen(app))
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(app.screen, NewSessionDialog) and app.focused)
        await pilot.pause()
        await pilot.press(*"mine", "enter")
        await until(pilot, lambda: isinstance(app.screen, Cells))
        await until(pilot, lambda: isinstance(app.focused, CellEditor))


async def test_what_was_refused_is_told_and_what_was_written_is_there_again() -> None:
    control = FakeControl()
    await _session(control, "taken")
    async with making(control) as (app, pilot):
        await _asks(app, pilot)
        await pilot.press(*"taken", "enter")
        await until(
            pilot, lambda: app.complaints.is_showing and isinstance(app.screen, ErrorDialog)
        )
        await pilot.pause()
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Kernels))
        await until(pilot, lambda: app.focused is app.screen.query_one("#kernels"))
        await _asks(app, pilot)
        assert app.screen.query_one("#named", Input).value == "taken"


async def test_one_that_was_opened_by_a_daemon_that_died_is_not_opened_twice() -> None:
    control = FakeControl()
    opens = control.code.open

    async def lost(spec: CodeSpec, *, key: str | None = None) -> CodeSession:
        session = await opens(spec, key=key)
        control.code.open = opens  # type: ignore[method-assign]
        del session
        raise DaemonUnreachable("gone")

    control.code.open = lost  # type: ignore[method-assign]
    async with making(control) as (app, pilot):
        await _asks(app, pilot)
        await pilot.press(*"mine", "enter")
        await until(pilot, lambda: isinstance(app.screen, ErrorDialog))
        await pilot.pause()
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Kernels))
        await _asks(app, pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Cells))
        assert len(await control.code.list(ended=True)) == 1


async def test_one_begins_anew_with_all_it_had_but_its_names() -> None:
    control = FakeControl()
    grants = Grants(read=("/a",), net=True)
    first = await control.code.open(CodeSpec(name="data", cwd="/src", grants=grants))
    async with making(control) as (app, pilot):
        await until(pilot, lambda: isinstance(app.screen, Kernels) and app.screen.chosen)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Cells) and app.focused)
        screen = app.screen
        assert isinstance(screen, Cells)
        await run(screen, pilot, "x = 1")
        await pilot.press("escape")
        await until(pilot, lambda: app.focused is screen.view)
        await pilot.press("R")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.pause()
        await pilot.press("y")
        await until(pilot, lambda: isinstance(app.screen, Cells) and app.screen is not screen)
        assert isinstance(app.screen, Cells)
        session = app.screen.session
        assert session.id != first.id
        assert session.spec == replace(first.spec, env={"A": "b"})
        assert (await control.code.get(first.id)).closed
        await until(pilot, lambda: isinstance(app.focused, CellEditor))
        await run(app.screen, pilot, "x")
        await until(pilot, lambda: "is not defined" in seen(app))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.focused, CellEditor))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Kernels))


async def test_rows_behind_a_dialog_are_as_wide_as_they_are_shown() -> None:
    """What is behind one hears no clock: rows once stayed as they were before they had a width."""
    control = FakeControl()
    await _session(control)
    async with opened(control, (120, 30)) as (app, pilot):
        screen = await _listed(app, pilot)
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, NewSessionDialog))
        for width in (90, 120, 50):
            await pilot.resize_terminal(width, 30)
            await until(pilot, lambda: _wide(screen.rows) == screen.rows.size.width - 1)


def _wide(rows: Rows) -> int:
    """How wide the first row is written."""
    return cell_len(str(rows.get_option_at_index(0).prompt))
