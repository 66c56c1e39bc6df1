"""Errors in an app that goes on: one dialog, and what fails meanwhile is a line in the log."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import anyio
import pytest
import textual
from textual import events
from textual.app import App, ComposeResult, RenderResult
from textual.binding import BindingType
from textual.message_pump import MessagePump
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import Button, Input, Static

from inspan.cli.tui import logged
from inspan.errors import TaskNotFound
from inspan.tui import dialogs, surviving
from inspan.tui.complaints import AGAIN, Complaints
from inspan.tui.dialogs.error import ErrorDialog
from inspan.tui.focus import FocusManager
from inspan.tui.surviving import Surviving
from tests.fakes.clock import FakeClock

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("E3")]


class Drawn(Static):
    """One that may fail when it is drawn."""

    broken = False

    def render(self) -> RenderResult:
        if self.broken:
            raise OSError("no paint")
        return "drawn"


class Presses(Widget, can_focus=True):
    """One whose own handler fails at `x` and counts `y`."""

    seen = 0

    def key_x(self) -> None:
        raise ValueError("x was pressed")

    def key_y(self) -> None:
        self.seen += 1


class Host(Surviving[None]):
    CSS = "Presses, Drawn { height: 1; }"
    BINDINGS: ClassVar[list[BindingType]] = [("f2", "fail", "Fail")]

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.manager = FocusManager(self, self.clock)
        self.complaints = Complaints(self, self.clock, self.manager)

    def complain(self, error: Exception, part: object) -> None:
        self.complaints.complain(error, part=part)

    def compose(self) -> ComposeResult:
        yield Input(id="a")
        yield Presses(id="b")
        yield Drawn(id="c")
        yield Button("Fail", id="d")

    def action_fail(self) -> None:
        raise LookupError("the app's own action")

    def on_button_pressed(self) -> None:
        raise KeyError("a button")

    @property
    def shown(self) -> list[ErrorDialog]:
        return [screen for screen in self.screen_stack if isinstance(screen, ErrorDialog)]

    def text(self) -> str:
        """All that the dialog in front says."""
        return "\n".join(str(one.render()) for one in self.screen.query(Static))


@asynccontextmanager
async def shown() -> AsyncIterator[tuple[Host, Pilot[Any]]]:
    app = Host()
    async with app.run_test() as pilot:
        await pilot.pause()
        yield app, pilot


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING]


async def test_an_error_while_an_error_is_shown_is_one_dialog_and_one_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with shown() as (app, pilot):
        assert app.complaints.complain(ValueError("the first"))
        await pilot.pause()
        assert not app.complaints.complain(OSError("the second"))
        await pilot.pause()
        assert len(app.shown) == 1
        assert "the first" in app.text()
        assert told(caplog) == ["OSError: the second"]
        await pilot.press("escape")
        assert (app.shown, app.complaints.is_showing) == ([], False)


async def test_two_errors_at_once_before_anything_is_drawn_are_one_dialog(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with shown() as (app, pilot):
        answers = [app.complaints.complain(ValueError(f"{number}")) for number in range(20)]
        await pilot.pause()
        assert answers == [True] + [False] * 19
        assert len(app.shown) == 1
        # Nine of them one by one; from then on only the 100th would be told.
        assert told(caplog) == [f"ValueError: {number}" for number in range(1, 10)]


async def test_who_waits_goes_on_when_it_is_closed_and_at_once_where_it_is_not_shown() -> None:
    async with shown() as (app, pilot):
        ended: list[tuple[str, bool]] = []

        async def wait(name: str) -> None:
            ended.append((name, await app.complaints.complain_and_wait(ValueError(name))))

        async with anyio.create_task_group() as group:
            group.start_soon(wait, "shown")
            await pilot.pause()
            group.start_soon(wait, "logged")
            await pilot.pause()
            assert ended == [("logged", False)]
            await pilot.press("enter")
        assert ended == [("logged", False), ("shown", True)]


async def test_an_error_of_ours_shows_its_code_its_sentence_and_its_hint() -> None:
    async with shown() as (app, pilot):
        app.complaints.complain(TaskNotFound("there is no task 01ABC"))
        await pilot.pause()
        words = app.text()
        assert "there is no task 01ABC" in words
        assert "`inspan ls --all` lists the tasks that are known." in words
        assert "Traceback" not in words
        assert app.screen.query_one("#box").border_title == "task-not-found"


@pytest.mark.parametrize(
    "text",
    [
        "[/red] [bold",
        "[@click=app.quit]press[/]",
        "\x1b[2J\x1b]0;owned\x07gone",
        "a\x9b31mb\u202ec",
    ],
)
async def test_what_an_error_says_is_text_and_nothing_else(
    text: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with shown() as (app, pilot):
        app.complaints.complain(ValueError(text))
        await pilot.pause()
        app.complaints.complain(OSError(text))
        words = app.text()
        for character in ("\x1b", "\x9b", "\x07", "\u202e"):
            assert character not in words + "".join(told(caplog))
        if text.startswith("["):
            assert text in words
        assert len(app.shown) == 1


async def test_what_fails_again_and_again_is_shown_once_in_a_while() -> None:
    async with shown() as (app, pilot):

        def again() -> bool:
            return app.complaints.complain(ValueError("a timer"))

        assert again()
        await pilot.pause()
        await pilot.press("escape")
        assert [again() for _ in range(50)] == [False] * 50
        app.clock._pass(AGAIN)
        assert again()
        await pilot.pause()
        assert "This was time 52." in app.text()


async def test_from_another_thread_it_is_shown_as_well() -> None:
    async with shown() as (app, pilot):
        thread = threading.Thread(target=app.complaints.complain, args=(ValueError("far"),))
        thread.start()
        await anyio.to_thread.run_sync(thread.join)
        await pilot.pause()
        await pilot.pause()
        assert "ValueError: far" in app.text()


async def test_the_focus_is_then_where_it_was() -> None:
    async with shown() as (app, pilot):
        await pilot.press("tab")
        assert app.focused is app.query_one("#b")
        app.complaints.complain(ValueError("x"))
        await pilot.pause()
        await pilot.press("tab", "shift+tab", "enter")
        await pilot.pause()
        assert app.shown == []
        assert app.focused is app.query_one("#b")


# ── the app goes on ───────────────────────────────────────────────────────────


async def test_a_handlers_error_is_shown_and_its_widget_goes_on() -> None:
    async with shown() as (app, pilot):
        widget = app.query_one(Presses)
        await pilot.press("tab", "x")
        await pilot.pause()
        assert "ValueError: x was pressed" in app.text()
        assert "test_complaints.py" in app.text()
        await pilot.press("escape")
        await pilot.press("y")
        assert widget.seen == 1
        assert app._exception is None


async def test_so_are_those_of_actions_timers_buttons_and_callbacks() -> None:
    async with shown() as (app, pilot):

        def fails() -> None:
            raise RuntimeError("called later")

        def ticks() -> None:
            raise ArithmeticError("a timer")

        seen = []
        for begin in (
            lambda: app.post_message(events.Key("f2", None)),
            lambda: app.query_one(Button).press(),
            lambda: app.query_one("#a").call_after_refresh(fails),
            lambda: app.set_timer(0.01, ticks),
        ):
            begin()
            while not app.shown:
                await pilot.pause(0.01)
            seen += [one.message for one in app.shown]
            await pilot.press("escape")
            while app.complaints.is_showing:
                await pilot.pause(0.01)
        assert seen == [
            "LookupError: the app's own action",
            "KeyError: 'a button'",
            "RuntimeError: called later",
            "ArithmeticError: a timer",
        ]
        await pilot.press("k")
        assert app.is_running


async def test_what_cannot_be_drawn_is_blank_and_all_else_is_there(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with shown() as (app, pilot):
        drawn = app.query_one(Drawn)
        drawn.broken = True
        drawn.refresh(layout=True)
        await pilot.pause()
        assert [one.message for one in app.shown] == ["OSError: no paint"]
        await pilot.press("escape")
        await pilot.press("k")
        assert app.query_one(Input).value == "k"
        drawn.broken = False
        drawn.refresh()
        await pilot.pause()
        assert app.is_running
        assert len([line for line in told(caplog) if "no paint" in line]) <= 10


async def test_a_dialog_that_cannot_be_shown_gives_way_to_a_few_words(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def compose(_: ErrorDialog) -> ComposeResult:
        raise ZeroDivisionError("an error about an error")

    monkeypatch.setattr(dialogs.error.ErrorDialog, "compose", compose)
    async with shown() as (app, pilot):
        assert app.complaints.complain(ValueError("[the] first"))
        await pilot.pause()
        await pilot.pause()
        assert app.shown == []
        assert [one.message for one in app._notifications] == ["ValueError: [the] first"]
        assert told(caplog) == ["ZeroDivisionError: an error about an error"]
        await pilot.press("k")
        assert app.query_one(Input).value == "k"


async def test_what_fails_before_the_app_is_shown_ends_it() -> None:
    class Poor(Host):
        def on_mount(self) -> None:
            raise ValueError("too early")

    app = Poor()
    with pytest.raises(ValueError, match="too early"):
        async with app.run_test():
            pass
    assert app.return_code == 1


@pytest.mark.parametrize(("kind", "code"), [("SystemExit(7)", 7), ("KeyboardInterrupt()", 130)])
async def test_who_wants_the_program_to_end_ends_it(kind: str, code: int) -> None:
    program = f"""
import sys
from textual.widgets import Input
from inspan.tui.surviving import Surviving
class Poor(Surviving[None]):
    def compose(self):
        yield Input()
    def on_mount(self):
        self.set_timer(0.01, self.end)
    def end(self):
        raise {kind}
try:
    Poor().run(headless=True)
except KeyboardInterrupt:
    sys.exit(130)
print("it went on")
"""
    ended = await anyio.run_process([sys.executable, "-c", program], check=False)
    assert (ended.returncode, ended.stdout) == (code, b"")


def test_what_is_overridden_is_there_in_this_textual() -> None:
    assert textual.__version__ == "8.2.8"
    for name in ("_handle_exception", "_register_child"):
        assert callable(vars(App)[name]), name
    assert callable(vars(MessagePump)["_dispatch_message"])
    assert callable(vars(Widget)["render_lines"])


async def test_the_log_is_a_file_as_there_is_no_other_place_for_it(tmp_path: Path) -> None:
    file = tmp_path / "logs" / "tui.log"
    with logged(file):
        async with shown() as (app, pilot):
            app.complaints.complain(ValueError("the first"))
            await pilot.pause()
            app.complaints.complain(OSError("the \x1b[2Jsecond"))
    (line,) = file.read_text().splitlines()
    assert line.endswith("ERROR inspan.tui.complaints OSError: the second")


class SpeechlessError(Exception):
    """One that fails when it is asked what it says, or where it comes from."""

    def __str__(self) -> str:
        raise ValueError("no words")

    @property
    def __suppress_context__(self) -> bool:  # type: ignore[override]
        raise ValueError("no past")


def _speaks() -> None:
    raise SpeechlessError


async def test_an_error_that_cannot_even_be_told_is_shown_by_its_type_and_its_place() -> None:
    async with shown() as (app, pilot):
        with pytest.raises(SpeechlessError) as raised:
            _speaks()
        assert app.complaints.complain(raised.value, "a part")
        await pilot.pause()
        (dialog,) = app.shown
        assert dialog.message == "SpeechlessError: "
        assert dialog.details.startswith("in a part\ntest_complaints.py:")


async def test_where_the_dialog_itself_cannot_be_shown_the_next_error_is(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with shown() as (app, pilot):

        async def refuses(_: object) -> None:
            raise RuntimeError("no room")

        with monkeypatch.context() as patched:
            patched.setattr(app, "push_screen", refuses)
            assert app.complaints.complain(ValueError("the first"))
            await pilot.pause()
        assert not app.complaints.is_showing
        assert "the dialog of an error cannot be shown" in told(caplog)
        assert app.complaints.complain(OSError("the second"))
        await pilot.pause()
        assert "the second" in app.text()


def test_what_fails_before_the_app_is_shown_is_raised() -> None:
    with pytest.raises(LookupError, match="too early"):
        surviving._complain(Host(), LookupError("too early"))
